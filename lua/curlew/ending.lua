--- How tasks end: done, failed or cancelled.

local compat = require "curlew.compat"
local errors = require "curlew.error"
local list = require "curlew.list"
local unhandled = require "curlew.unhandled"
local waking = require "curlew.waking"

local M = {}

--- The tasks that have not ended and are in no group, as keys.
M.roots = {}

local roots = M.roots

--- Has `resource:abandon()` called when its owner, a task or the scope of a group, ends.
---@param owner table
---@param resource table
function M.own(owner, resource)
  owner.resources = owner.resources or {}
  owner.resources[resource], resource.owner = true, owner
end

--- Takes a resource from its owner, which need not end it any more.
---@param resource table
function M.disown(resource)
  if resource.owner then
    resource.owner.resources[resource], resource.owner = nil, nil
  end
end

--- Ends what an owner still has.
---@param owner table
function M.abandon_resources(owner)
  local resource = owner.resources and next(owner.resources)
  while resource do
    M.disown(resource)
    resource:abandon()
    resource = next(owner.resources)
  end
end

--- Ends a task in the given state: wakes who awaits it, tells its owner. Can be called again when
--- it has raised, for want of memory.
---@param task curlew.Task
---@param state string "done", "failed" or "cancelled"
function M.conclude(task, state)
  local owner = task.owner
  task.state = state
  if task.resources then
    M.abandon_resources(task)
  end
  local is_awaited = false
  while task.first do
    local waiter = task.first
    if waiter.notify then -- an observer, which is told, but does not take the result
      waiter:notify(task)
    else
      is_awaited = true
      waking.wake(waiter)
    end
    list.remove(waiter)
  end
  if owner then
    owner:child_ended(task)
    return
  end
  roots[task] = nil
  if state == "failed" and not is_awaited then
    unhandled.watch(task)
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

return M
