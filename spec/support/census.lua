--- What is open in this process, to be compared before and after.

local process = require "support.process"
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

return M
