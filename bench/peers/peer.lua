--- What the Lua programs of this folder share: arguments, counting, the line that is printed. Which
--- works there are, and what each asks for, is in bench/README.md.

local measure = require "measure"

local UNSUPPORTED = 3 -- exit status
local BURSTS = 25

local M = {
  work = arg[1],
  url = arg[2],
  total = tonumber(arg[3]),
  concurrency = tonumber(arg[4]),
  directory = arg[5],
  tls = arg[2]:find("^https:") ~= nil,
  small = 1024, -- bytes
  picture = 100000, -- bytes
  ca = os.getenv "BENCH_CA",
}

local succeeded, started = 0, 0

--- Ends the program, as it cannot do what it was asked for.
---@param reason string
function M.unsupported(reason)
  print("unsupported: " .. reason)
  os.exit(UNSUPPORTED)
end

--- Counts a request.
---@param fine any whether all of it was as it has to be
---@param what any what is said where not
function M.check(fine, what)
  if fine then
    succeeded = succeeded + 1
  else
    io.stderr:write("failure: ", tostring(what), "\n")
  end
end

--- The number of the next request, from 1; nil when all have begun.
---@return integer|nil
function M.next()
  if started < M.total then
    started = started + 1
    return started
  end
end

--- Where the file of a request goes, and its URL.
---@param number integer
---@return string path
---@return string url
function M.file(number)
  return ("%s/%d"):format(M.directory, number), ("%s/%d"):format(M.url, number)
end

--- Calls `fn` for each burst.
---@param fn fun()
function M.bursts(fn)
  for _ = 1, BURSTS do
    started = 0
    fn()
  end
end

local UNITS = { discard = 1, read = 1, file = 1, bursts = M.total * BURSTS }
-- To discard is to read here, and to do nothing with it.
local ALIASES = { discard = "read" }

--- Does the work, measured, and ends the program.
---@param works table<string, fun()>
function M.main(works)
  local work = works[ALIASES[M.work] or M.work] or M.unsupported("not that work")
  local units = UNITS[M.work] or M.total
  local stop = measure.start()
  work()
  local wall, cpu = stop()
  print(("wall=%.3f cpu_us=%.2f failed=%d"):format(wall, cpu * 1e6 / units, units - succeeded))
  os.exit(succeeded == units and 0 or 1)
end

return M
