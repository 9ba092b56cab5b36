--- Has memory run out in small programs, at one allocation after another, and says what came of it.
--- The programs run in processes of their own (memory_child.lua), as they may crash or hang.

local nginx = require "support.nginx"
local process = require "support.process"
local shell = require "support.shell"

local TIME_LIMIT = 600 -- seconds that one process may run
local ALARM = 14 -- its signal ends a run that hangs, see memory.c

local M = {}

--- Ways in which memory runs out. Lua collects its garbage and tries once more before it gives up:
--- it is the second failure in a row that raises.
M.WAYS = {
  { name = "lua", kind = "lua", count = 2 },
  { name = "lua-retried", kind = "lua", count = 1 },
  { name = "c", kind = "c", count = 1 },
  { name = "c-for-long", kind = "c", count = 20 },
  -- What is to make good for a failure has no memory either: only tried when it is asked for.
  { name = "lua-for-long", kind = "lua", count = 20, is_extra = true },
}

local function build(folder)
  local command = "cc -shared -fPIC -O1 -Wall -Wextra -Werror -I/usr/include/lua%s -o %s %s"
  assert(shell.run(command:format(_VERSION:match("[%d.]+"), shell.quote(folder .. "/memory.so"),
    "spec/torture/memory.c")))
end

--- Builds the library that makes memory run out, and starts the server.
---@return table bench for `run`
function M.prepare()
  local folder = shell.scratch()
  build(folder)
  package.cpath = folder .. "/?.so;" .. package.cpath -- the children take it over
  return { folder = folder, library = folder .. "/memory.so", site = nginx.start() }
end

local function run_child(bench, way, program, first, step)
  local site = bench.site
  return process.run {
    process.lua, "spec/torture/memory_child.lua", way.kind, way.count, program, first, step,
    site.url, site.https, site.ca, bench.folder,
    env = { LD_PRELOAD = bench.library },
    timeout = TIME_LIMIT,
  }
end

local function note(report, outcome)
  report.outcomes[outcome] = (report.outcomes[outcome] or 0) + 1
end

local function how_ended(child)
  if child.signal == ALARM or child.timed_out then
    return "hung"
  end
  local said = child.stderr:sub(-300)
  return ("crashed: status %s, signal %s: %s"):format(child.status, child.signal, said)
end

-- Reads what a child has told. Returns the number of the run that has ended it, or nil.
local function read(report, child)
  local running
  for line in child.stdout:gmatch("([^\n]*)\n") do
    local word, nth, outcome, wrong = line:match("^(%a+)\t?(%d*)\t?([^\t]*)\t?(.*)$")
    if word == "count" then
      report.allocations = tonumber(nth)
    elseif word == "try" then
      running, report.tried = tonumber(nth), report.tried + 1
    elseif word == "end" then
      running = nil
      note(report, outcome)
      if wrong ~= "" then
        table.insert(report.wrong, ("at %s: %s, %s"):format(nth, outcome, wrong))
      end
    elseif word == "done" then
      report.done = true
    end
  end
  return running
end

--- Runs a program with memory running out in one way, at the allocations `first`, `first + step`
--- and so on.
---@param bench table of `prepare`
---@param way table of `M.WAYS`
---@param program string
---@param first integer
---@param step integer
---@return table report `{ tried, allocations, outcomes = { [text] = times }, wrong = texts }`
--- outcomes: "success", "err KIND", "raised ...", "returned ...", "hung", "crashed"; "spared": the
--- allocation is one that luv or libcurl does not bear to fail, see memory.c
function M.run(bench, way, program, first, step)
  local report = { tried = 0, outcomes = {}, wrong = {} }
  while not report.done do
    local child = run_child(bench, way, program, first, step)
    local broken = read(report, child)
    if report.done then
      break
    elseif not broken then
      error(("%s, %s: %s%s"):format(way.name, program, child.stdout, child.stderr), 0)
    end
    local ending = how_ended(child)
    note(report, ending:match("^%a+"))
    table.insert(report.wrong, ("at %d: %s"):format(broken, ending))
    first = broken + step
  end
  return report
end

return M
