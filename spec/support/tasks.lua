--- Small helpers around tasks.

local task = require "curlew.task"
local wait_all_blocked = require("curlew.testing").wait_all_blocked

local M = {}

--- Yields `count` times, then returns the rest.
---@async
---@param count integer
function M.after(count, ...)
  for _ = 1, count do
    task.yield()
  end
  return ...
end

--- Spawns `fn(...)` and waits until it has gone as far as it can.
---@async
---@param fn function
---@return curlew.Task
function M.waiting(fn, ...)
  local child = task.spawn(fn, ...)
  wait_all_blocked()
  return child
end

--- Waits for the end of a task.
---@async
---@param child curlew.Task
---@return boolean whether it was cancelled
function M.is_cancelled(child)
  local ok, err = task.pcall(child.await, child)
  return not ok and child:status() == "cancelled" and err.kind == "cancelled"
end

return M
