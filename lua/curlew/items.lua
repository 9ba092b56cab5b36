--- Lists of tasks and functions, as the calls take them that wait for many.

local errors = require "curlew.error"
local Handle = require "curlew.handle"

local M = {}

--- Whether an item of a list is a task.
---@param item any
---@return boolean
function M.is_task(item)
  return getmetatable(item) == Handle
end

--- Raises, at the caller's line, unless all items of a list are tasks or functions; returns its
--- length.
---@param list (function|curlew.Task)[]
---@param waiter? curlew.Task the task that is to wait for them, and so cannot be one of them
---@return integer
function M.check(list, waiter)
  errors.check_type("the list", list, "table")
  local count = list.n or #list
  for index = 1, count do
    if not M.is_task(list[index]) then
      errors.check_callable(("item %d of the list"):format(index), list[index])
    elseif list[index] == waiter then
      errors.blame("item %d of the list is the task itself, which cannot wait for itself", index)
    end
  end
  return count
end

return M
