--- Mixed work without a break: `spec/torture/soak [SECONDS] [SEED]`.
---
--- TASKS tasks do one piece of work after another, any of `jobs.lua`; every fifth is cancelled at a
--- random moment. What goes on is sampled every SAMPLE seconds; every REST seconds all tasks pause,
--- and what is there when nothing is under way is noted. It ends with status 1 when a piece of work
--- ends in another way than it should, or when at rest there is more in the end than half-way.

package.path = package.path .. ";./lua/?.lua;./lua/?/init.lua;./spec/?.lua"

local census = require "support.census"
local collect = require "support.collect"
local curlew = require "curlew"
local jobs = require "torture.jobs"
local process = require "support.process"
local shell = require "support.shell"
local uv = require "curlew.uv"

local seconds, seed = tonumber(arg[1]) or 1800, tonumber(arg[2]) or os.time() % 1000000
local data = arg[3] or "soak.tsv" -- the samples; what was noted at rest goes to a file beside it

local TASKS = 500 -- of which about 200 have a request under way; others wait for the processor
local SAMPLE = math.min(5, seconds / 5)
local REST = math.min(60, seconds / 4)
local CANCELLED = 5 -- one in so many
local LONGEST = 50 -- ms before it is
local PATIENCE = 60 -- seconds until the last piece of work has ended
local LUA_GROWTH, GROWTH = 512, 8192 -- KiB that may come at rest in the second half,
local WARM = 300 -- unless all is over in so many seconds, when pools still fill
local COMPLAINTS = 20 -- that are told

local random = curlew.testing.random(seed)
local counts = {
  started = 0, running = 0, succeeded = 0, failed = 0, cancelled = 0, unexpected = 0,
}
local rests = {} -- what was measured there
local FIELDS = {
  "at", "rss", "lua", "descriptors", "handles", "running", "open", "in_flight", "ended",
}
local paused, go_on = false, curlew.event()

-- The servers -----------------------------------------------------------------------------------

local function start_servers()
  local child = process.start { process.lua, "spec/torture/servers.lua", stdin = true }
  local at = { files = {}, faults = {} }
  while not child.stdout:find "\nready\n" do
    assert(child.status == nil, child.stderr)
    curlew.sleep(0.01)
  end
  for line in child.stdout:gmatch "[^\n]+" do
    local name, value, more = line:match "^(%S+) ?(%S*) ?(%S*)$"
    if name == "file" then
      table.insert(at.files, { path = value, sum = more })
    elseif name == "fault" then
      table.insert(at.faults, { address = value, kind = more })
    else
      at[name] = value
    end
  end
  return child, at
end

-- The work --------------------------------------------------------------------------------------

local function complain(what)
  counts.unexpected = counts.unexpected + 1
  if counts.unexpected <= COMPLAINTS then
    io.stderr:write(tostring(what), "\n")
  end
end

-- Does a piece of work, and counts how it has ended.
local function work(it)
  counts.started, counts.running = counts.started + 1, counts.running + 1
  local one = curlew.spawn(jobs.any(random), it)
  if random(CANCELLED) == 1 then
    curlew.sleep((random(LONGEST) - 1) / 1000)
    one:cancel()
  end
  local ok, outcome = curlew.pcall(one.await, one)
  counts.running = counts.running - 1
  if one:status() == "cancelled" then
    counts.cancelled = counts.cancelled + 1
  elseif ok and counts[outcome] then
    counts[outcome] = counts[outcome] + 1
  else
    complain(outcome)
  end
end

local function worker(it, deadline)
  while uv.hrtime() < deadline do
    if paused then
      go_on:wait()
    else
      work(it)
    end
  end
end

-- The measures ----------------------------------------------------------------------------------

-- A file of measures: nothing is kept, as that would count.
local function open_table(path)
  local file = assert(io.open(path, "w"))
  file:write("#", table.concat(FIELDS, "\t"), "\n")
  return function(row)
    local values = {}
    for i, name in ipairs(FIELDS) do
      values[i] = ("%.1f"):format(row[name])
    end
    file:write(table.concat(values, "\t"), "\n")
    file:flush()
  end
end

local write_sample, write_rest = open_table(data), open_table(data .. ".rests")

local function measure(session, started)
  collect()
  local handles = 0
  for kind, count in pairs(census.take()) do
    handles = handles + (kind ~= "descriptors" and count or 0)
  end
  local stats = session:stats()
  return {
    at = (uv.hrtime() - started) / 1e9,
    rss = uv.resident_set_memory() / 1024,
    lua = collectgarbage "count",
    descriptors = process.descriptors() - stats.open,
    handles = handles,
    running = counts.running,
    open = stats.open,
    in_flight = stats.in_flight,
    ended = counts.succeeded + counts.failed + counts.cancelled,
  }
end

-- What is there when all pause, and the sessions that were dropped are collected.
local function rest(session, started)
  paused = true
  local patience = uv.hrtime() + PATIENCE * 1e9
  while counts.running > 0 do
    assert(uv.hrtime() < patience, "work does not end:\n" .. curlew.tree())
    curlew.sleep(0.01)
  end
  collect()
  curlew.session():close()
  curlew.sleep(0.1)
  local row = measure(session, started)
  table.insert(rests, row)
  write_rest(row)
  paused = false
  go_on:set()
  go_on:clear()
end

local function watch(session, started, deadline)
  local next_rest = REST
  while uv.hrtime() + SAMPLE * 1e9 < deadline do
    curlew.sleep(SAMPLE)
    local row = measure(session, started)
    write_sample(row)
    if row.at >= next_rest then
      rest(session, started)
      next_rest = next_rest + REST
    end
  end
end

-- The verdict -----------------------------------------------------------------------------------

-- The middle of a value at the rests from `first` to `last`.
local function median(name, first, last)
  local values = {}
  for i = first, last do
    table.insert(values, rests[i][name])
  end
  table.sort(values)
  return values[math.ceil(#values / 2)]
end

-- How much more there is at rest in the last quarter of the time than in the second one.
local function growth(name)
  local quarter = math.max(1, math.floor(#rests / 4))
  return median(name, #rests - quarter + 1, #rests)
    - median(name, math.max(1, 2 * quarter - quarter + 1), 2 * quarter)
end

local function conclude(after)
  local sum = counts.succeeded + counts.failed + counts.cancelled
  local grown = {}
  for _, name in ipairs { "rss", "lua", "descriptors", "handles" } do
    grown[name] = growth(name)
  end
  print(("seed %d, %d s: %d started = %d succeeded + %d failed + %d cancelled; %d unexpected")
    :format(seed, seconds, counts.started, counts.succeeded, counts.failed, counts.cancelled,
      counts.unexpected))
  print(("at rest, last quarter against the second: memory %+.0f KiB, of it Lua's %+.0f KiB, "
    .. "descriptors %+d, handles %+d"):format(grown.rss, grown.lua, grown.descriptors,
    grown.handles))
  print(("in the end, against the beginning: %s"):format(after or "nothing stays"))
  return counts.unexpected == 0 and sum == counts.started and not after
    and (seconds < WARM or grown.rss <= GROWTH and grown.lua <= LUA_GROWTH)
    and grown.descriptors <= 0 and grown.handles <= 0
end

local good
curlew.run(function()
  local servers, at = start_servers()
  local folder = shell.scratch()
  curlew.sleep(0.1)
  local before = census.take()
  local session = curlew.session { verify = at.ca, max_connections = 400, max_per_host = 200 }
  local started = uv.hrtime()
  local deadline = started + seconds * 1e9
  curlew.group(function(group)
    group:spawn(watch, session, started, deadline)
    for i = 1, TASKS do
      local it = { session = session, at = at, random = random, path = ("%s/%d"):format(folder, i) }
      group:spawn(worker, it, deadline)
    end
  end)
  rest(session, started)
  session:close()
  curlew.sleep(0.1)
  good = conclude(census.growth(before))
  servers:close_stdin()
  while servers.status == nil do
    curlew.sleep(0.01)
  end
end)
os.exit(good and 0 or 1)
