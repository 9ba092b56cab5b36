--- Handles of luv's that are curlew's, and that others can close all the same: `uv.walk` gives a
--- program all that the loop has. luv crashes when a closing one is started, or a poll stopped.

local M = {}

--- Closes a handle, unless that was done.
---@param handle userdata
function M.close(handle)
  if not handle:is_closing() then
    handle:close()
  end
end

--- A handle that can be started: the one given, or a new one.
---@param handle? userdata
---@param make fun(): userdata
---@return userdata
function M.usable(handle, make)
  return handle and not handle:is_closing() and handle or make()
end

return M
