--- How tasks end: done, failed or cancelled.

local compat = require "curlew.compat"
local errors = require "curlew.error"
local list = require "curlew.list"
local unhandled = require "curlew.unhandled"
local waking = require "curlew.waking"

local M = {}

--- Every task that has not ended, as keys.
M.live = {}

--- Ends a task in the given state: wakes who awaits it, tells its owner.
---@param task curlew.Task
---@param state string "done", "failed" or "cancelled"
function M.conclude(task, state)
  task.state = state
  M.live[task] = nil
  local is_awaited = task.on_end ~= nil
  local waiter = task.waiters and list.shift(task.waiters)
  while waiter do
    if waiter.notify then -- an observer, which is told, but does not take the result
      waiter.notify(waiter, task)
    else
      is_awaited = true
      waking.wake(waiter)
    end
    waiter = list.shift(task.waiters)
  end
  if state == "failed" and not is_awaited then
    unhandled.watch(task)
  end
  if task.on_end then
    task.on_end(task.on_end_arg, task)
  end
end

--- Ends a task whose function has raised `err`.
---@param task curlew.Task
---@param err any
function M.fail(task, err)
  err = errors.or_described(err)
  if err == compat.YIELD_REFUSED then
    err = "cannot wait here: Lua " .. _VERSION:match("[%d.]+")
      .. " cannot leave a metamethod, nor the iterator of a for loop (call it yourself instead)"
  end
  if err == task.cancel_error then
    M.conclude(task, "cancelled")
    return
  end
  if errors.is(err) and task.cancel_error and err.cause == nil then
    err.cause = task.cancel_error
  end
  task.error = err
  M.conclude(task, "failed")
end

--- Ends a task whose function has returned.
---@param task curlew.Task
---@param ... any its results
function M.finish(task, ...)
  task.count = select("#", ...)
  if task.count == 1 then
    task.first = ...
  elseif task.count > 1 then
    task.results = { ... }
  end
  task.co = nil
  M.conclude(task, "done")
end

return M
