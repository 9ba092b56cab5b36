--- Instructions for a request, counted by valgrind's callgrind: they do not depend on the machine's
--- mood.

local process = require "support.process"

local REQUESTS, CONCURRENCY = 1500, 64
local TIME_LIMIT = 300 -- seconds

local M = {}

--- Counts all instructions of a run.
---@param program table of programs.lua
---@param words string[] what it is told
---@param file? string where callgrind's own file goes
---@return number
function M.count(program, words, file)
  local command = { "valgrind", "--tool=callgrind",
    "--callgrind-out-file=" .. (file or "/dev/null"), timeout = TIME_LIMIT }
  for _, list in ipairs { program.command, words } do
    for _, word in ipairs(list) do
      command[#command + 1] = word
    end
  end
  local result = process.run(command)
  return tonumber(result.stderr:match("Collected : (%d+)"))
    or error("callgrind counts nothing:\n" .. result.stderr, 0)
end

--- Counts for bare C and curlew, the first two programs. Two runs of different length are
--- subtracted, so that start-up does not count.
---@param programs table[]
---@param url string
---@return table<string, number> instructions for a request, by program
function M.measure(programs, url)
  local counted = {}
  for i = 1, 2 do
    local function count(requests)
      return M.count(programs[i], { "get", url, ("%d"):format(requests),
        ("%d"):format(CONCURRENCY) })
    end
    counted[programs[i].name] = (count(2 * REQUESTS) - count(REQUESTS)) / REQUESTS
  end
  return counted
end

return M
