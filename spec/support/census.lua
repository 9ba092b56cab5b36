--- What is open in this process, to be compared before and after.

local curlew = require "curlew"
local process = require "support.process"
local sessions = require "support.sessions"
local uv = require "curlew.uv"

local M = {}

--- Counts descriptors, and luv's handles that are not closing, by their type.
---@return table
function M.take()
  local census = { descriptors = process.descriptors() }
  uv.walk(function(handle)
    if not handle:is_closing() then
      local kind = tostring(handle):match("^[%w_]+")
      census[kind] = (census[kind] or 0) + 1
    end
  end)
  return census
end

--- What there is more of now: "descriptors: 5, before 4", or nil.
---@param before table of `take`
---@return string?
function M.growth(before)
  local grown = {}
  for kind, count in pairs(M.take()) do
    if count > (before[kind] or 0) then
      grown[#grown + 1] = ("%s: %d, before %d"):format(kind, count, before[kind] or 0)
    end
  end
  return grown[1] and table.concat(grown, ", ")
end

--- Waits until there is no more of anything than before.
---@async
---@param before table of `take`
function M.wait(before)
  local ok = curlew.pcall(sessions.wait, function()
    return not M.growth(before)
  end)
  if not ok then
    error(("what stays: %s"):format(M.growth(before)), 2)
  end
end

return M
