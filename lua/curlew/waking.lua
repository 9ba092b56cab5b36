--- One queue for all wakes: nothing is resumed from inside another's resume, so a chain of tasks
--- that wait for one another is no deeper than two.

local list = require "curlew.list"
local turn = require "curlew.turn"

local push = turn.push

local M = {}

--- Ends the wait of `task` on a later turn of the queue; its `park` returns `value`.
---@param task curlew.Task
---@param value? any
function M.wake(task, value)
  if task.state == "waiting" then
    push(task) -- first: it may raise
    task.state, task.value = "ready", value
  end
  task.abort = false
end

--- Ends the waits of all tasks of a list, first come, first woken.
---@param waiting table a list of `curlew.list`
---@param value? any
function M.wake_all(waiting, value)
  local waiter = list.shift(waiting)
  while waiter do
    M.wake(waiter, value)
    waiter = list.shift(waiting)
  end
end

return M
