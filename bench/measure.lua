--- What the benchmarks measure: time, CPU time, descriptors, memory.

local uv = require "curlew.uv"

local M = {}

local function cpu_seconds()
  local used = uv.getrusage()
  return used.utime.sec + used.stime.sec + (used.utime.usec + used.stime.usec) / 1e6
end

--- Starts a clock.
---@return fun(): number, number stop seconds of wall time and of CPU time since
function M.start()
  local wall, cpu = uv.hrtime(), cpu_seconds()
  return function()
    return (uv.hrtime() - wall) / 1e9, cpu_seconds() - cpu
  end
end

--- What this process holds now.
---@param collect? boolean collects all garbage first
---@return {descriptors: integer, lua_kb: number, rss_kb: number, threads: integer}
function M.holdings(collect)
  if collect then
    collectgarbage()
    collectgarbage()
  end
  local listing = assert(uv.fs_scandir("/proc/self/fd"))
  local descriptors = -1 -- reading the directory takes one
  while uv.fs_scandir_next(listing) do
    descriptors = descriptors + 1
  end
  local status = assert(io.open("/proc/self/status"))
  local threads = tonumber(status:read("*a"):match("Threads:%s*(%d+)"))
  status:close()
  return {
    descriptors = descriptors,
    lua_kb = collectgarbage("count"),
    rss_kb = uv.resident_set_memory() / 1024,
    threads = threads,
  }
end

--- The middle value of a list.
---@param values number[]
---@return number
function M.median(values)
  local sorted = {}
  for i, value in ipairs(values) do
    sorted[i] = value
  end
  table.sort(sorted)
  local middle = (#sorted + 1) / 2
  return (sorted[math.floor(middle)] + sorted[math.ceil(middle)]) / 2
end

return M
