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

--- The most resident memory that this process has had. That of getrusage is the parent's, if it
--- had more.
---@return integer KB
function M.peak_kb()
  local file = assert(io.open("/proc/self/status"))
  local peak = file:read("*a"):match("VmHWM:%s*(%d+)")
  file:close()
  return tonumber(peak)
end

--- What this process holds now, all garbage collected.
---@return {descriptors: integer, lua_kb: number, rss_kb: number}
function M.holdings()
  collectgarbage()
  collectgarbage()
  local listing = assert(uv.fs_scandir("/proc/self/fd"))
  local descriptors = -1 -- reading the directory takes one
  while uv.fs_scandir_next(listing) do
    descriptors = descriptors + 1
  end
  return {
    descriptors = descriptors,
    lua_kb = collectgarbage("count"),
    rss_kb = uv.resident_set_memory() / 1024,
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
