--- Instructions for a request, counted by valgrind's callgrind: they do not depend on the machine's
--- mood. Two runs of different length are subtracted, so that start-up does not count.

local process = require "support.process"

local REQUESTS, CONCURRENCY = 1500, 64
local TIME_LIMIT = 300

local M = {}

local function count(program, url, requests)
  local command = { "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
    timeout = TIME_LIMIT }
  for _, word in ipairs(program.command) do
    command[#command + 1] = word
  end
  for _, word in ipairs { "get", url, ("%d"):format(requests), ("%d"):format(CONCURRENCY) } do
    command[#command + 1] = word
  end
  local result = process.run(command)
  return tonumber(result.stderr:match("Collected : (%d+)"))
    or error("callgrind counts nothing:\n" .. result.stderr, 0)
end

--- Counts for bare C and curlew, the first two programs.
---@param programs table[]
---@param url string
---@return table<string, number> instructions for a request, by program
function M.measure(programs, url)
  local counted = {}
  for i = 1, 2 do
    local once, twice = count(programs[i], url, REQUESTS), count(programs[i], url, 2 * REQUESTS)
    counted[programs[i].name] = (twice - once) / REQUESTS
  end
  return counted
end

return M
