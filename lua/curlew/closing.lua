--- Handles of luv's that are curlew's, and that others can close all the same: `uv.walk` gives a
--- program all that the loop has. luv crashes when a closing one is started, or a poll stopped.

local neovim = require "curlew.neovim"

local M = {}

--- Closes a handle, unless that was done.
---@param handle userdata
function M.close(handle)
  if not handle:is_closing() then
    handle:close()
  end
end

--- A handle that can be started: the one given, or a new one. Neovim closes them all as it leaves,
--- and would wait in vain for the end of those that are made meanwhile.
---@param handle? userdata
---@param make fun(): userdata
---@return userdata
function M.usable(handle, make)
  if handle and (neovim.schedule or not handle:is_closing()) then
    return handle
  end
  return make()
end

return M
