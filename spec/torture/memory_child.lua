--- Runs one small program again and again, each time with memory running out one allocation later.
--- The process of its own in which spec/torture/memory does it; that one reads what is printed.
---
---     lua memory_child.lua KIND COUNT PROGRAM FIRST STEP URL HTTPS CA FOLDER

local memory = require "memory"

local curlew = require "curlew"
local census = require "support.census"
local programs = require "torture.memory_programs"
local task = require "curlew.task"

-- Times that a program runs before it counts: what is made once is made then.
local WARM_UP = 3

local PATIENCE = 50 -- times that what has grown is looked at again

local kind, count, name, first, step = arg[1], tonumber(arg[2]), arg[3], tonumber(arg[4]),
  tonumber(arg[5])
local site, folder = { url = arg[6], https = arg[7], ca = arg[8] }, arg[9]

local function say(...)
  io.stdout:write(table.concat({ ... }, "\t"), "\n")
  io.stdout:flush()
end

-- What has come of a run, in a word.
local function describe(ok, value, err)
  if ok and value then
    return "success"
  elseif ok then
    return curlew.is_error(err) and "err " .. err.kind or "returned " .. tostring(err)
  elseif curlew.is_error(value) then
    return "raised " .. value.kind
  end
  return "raised " .. tostring(value):match("[^\n]*")
end

-- Runs the program while memory runs out at the nth allocation.
local function run(session, nth, failures)
  memory.arm(kind, nth, failures)
  local ok, value, err = pcall(curlew.run, programs[name], session, site, folder)
  local counted, spared, in_luv = memory.disarm()
  return {
    outcome = describe(ok, value, err),
    counted = counted,
    spared = spared,
    in_luv = in_luv,
  }
end

-- Whether the session still serves, and nothing of it is in use.
local function check_session(session)
  curlew.run(function()
    local stats = session:stats()
    if stats.in_flight ~= 0 or stats.queued ~= 0 then
      error(("%d requests in flight, %d queued"):format(stats.in_flight, stats.queued), 0)
    end
    for _ = 1, 3 do
      assert(#assert(session:get(site.url .. "/1k", { timeout = 10 })).body == 1024)
    end
    session:close()
  end)
end

-- Has all that was dropped collected, and closed in the loop.
local function settle()
  for _ = 1, 3 do
    collectgarbage()
    curlew.run(function() end)
  end
end

-- Calls `find()` until it finds nothing, for a moment: a thread of luv's may be at work still.
local function until_nothing(find)
  local found = find()
  for _ = 1, PATIENCE do
    if not found then
      break
    end
    curlew.run(curlew.sleep, 0.01)
    settle()
    found = find()
  end
  return found
end

-- What there is: handles, descriptors, blocks of memory.
local function count_all()
  local counted = census.take()
  for owner, blocks in pairs(memory.blocks()) do
    counted["blocks of " .. owner] = blocks
  end
  return counted
end

-- What there is more of than before. Where memory ran out inside a function of luv's, the handle
-- that it was to make, or the callback that it was to keep, is lost to all, with what that holds.
local function growth(before, in_luv)
  local grown = {}
  for what, number in pairs(count_all()) do
    if number > (before[what] or 0) and not (in_luv and not what:find("^blocks")) then
      grown[#grown + 1] = ("%s: %d, before %d"):format(what, number, before[what] or 0)
    end
  end
  table.sort(grown)
  return grown[1] and table.concat(grown, ", ")
end

-- One run, and what is to be held afterwards: adds to its report what is `wrong`.
local function try(nth, failures, before)
  local session = curlew.session { cookies = true, max_connections = 2 }
  local report = run(session, nth, failures)
  if next(task.roots) then
    report.wrong = "a task is left: " .. tostring((next(task.roots)))
  end
  memory.arm("none", 0, 0) -- nothing fails, but it must not hang
  local ok, err = pcall(check_session, session)
  if not ok then
    report.wrong = report.wrong or "the session is of no use: " .. tostring(err)
    session:close()
  end
  session = nil -- luacheck: ignore
  settle()
  memory.disarm()
  report.wrong = report.wrong or before and until_nothing(function()
    return growth(before, report.in_luv)
  end)
  return report
end

local function main()
  memory.watch()
  local report
  for _ = 1, WARM_UP do
    report = try(1, 0)
    if report.outcome ~= "success" or report.wrong then
      error(("without a failure: %s, %s"):format(report.outcome, tostring(report.wrong)), 0)
    end
  end
  local counted, before = report.counted, count_all()
  say("count", counted)
  memory.watch()
  for nth = first, counted, step do
    say("try", nth)
    report = try(nth, count, before)
    say("end", nth, report.spared > 0 and "spared" or report.outcome, report.wrong)
    if report.wrong or report.in_luv then
      before = count_all()
    end
  end
  say "done"
end

main()
