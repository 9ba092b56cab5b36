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
---@return integer
function M.check(list)
  errors.check_type("the list", list, "table")
  local count = list.n or #list
  for index = 1, count do
    if not M.is_task(list[index]) then
      errors.check_callable(("item %d of the list"):format(index), list[index])
    end
  end
  return count
end

return M
