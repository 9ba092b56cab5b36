--- Groups, which no child outlives, and shields.

local cancellation = require "curlew.cancellation"
local each = require("curlew.compat").each
local ending = require "curlew.ending"
local errors = require "curlew.error"
local task = require "curlew.task"
local unhandled = require "curlew.unhandled"

local M = {}

---@class curlew.Group
local Group = { __name = "curlew.Group" }
Group.__index = Group

local function cancelled_by(reason)
  return errors.new { kind = "cancelled", message = reason, reason = reason }
end

-- Notes the failure that the group will raise, and cancels all that is left of it.
local function fail(group, err)
  group.failed, group.error = true, err
  cancellation.cancel_scope(group.scope, cancelled_by "another member of the group has failed")
end

--- For the runtime: a child was spawned.
function Group:adopt(child)
  self.children[child] = true
  self.count = self.count + 1
end

--- For the runtime: a child has ended.
function Group:child_ended(child)
  if self.children[child] then
    self.children[child] = nil
    self.count = self.count - 1
  end
  if child.state == "failed" then
    if self.failed and child.error ~= self.error then
      unhandled.report(child)
    elseif not self.failed then
      self.scope.task:note_failure(child)
      fail(self, child.error)
    end
  end
  if self.count == 0 and self.joiner then
    task.wake(self.joiner)
  end
end

--- Starts `fn(...)` as a child task of the group. Children may do so too, until the last has ended.
---@param fn function|table
---@param ... any
---@return curlew.Task
function Group:spawn(fn, ...)
  if self.closed then
    errors.blame("the group has ended: nothing can be spawned into it any more")
  end
  local child = task.spawn_in(self, fn, ...)
  if self.cancel_error then
    child:cancel_with(self.cancel_error)
  end
  return child
end

--- Cancels the body and all children; the group then ends without an error.
function Group:cancel()
  cancellation.cancel_scope(self.scope, cancelled_by "the group was cancelled")
end

--- For the runtime: passes a cancellation on to the children, those to come included.
function Group:cancel_children(err)
  self.cancel_error = self.cancel_error or err -- for those that are spawned from now on
  local children = {}
  for child in each(self.children) do
    children[#children + 1] = child
  end
  for _, child in ipairs(children) do
    child:cancel_with(err)
  end
end

-- Waits until all children have ended. This wait cannot be ended early: a cancellation reaches the
-- children instead, and is raised when they are done.
local function join(group)
  while group.count > 0 do
    group.joiner = task.current()
    task.park()
  end
  group.joiner, group.closed = nil, true
end

-- What the body's error means for the group. Returns whether it is to be raised itself.
local function body_failed(group, err)
  if group.scope.error and err == group.scope.error then
    return false -- the group's own cancellation
  elseif task.due() ~= nil and err == task.due() then
    group:cancel_children(err)
    return true
  elseif not group.failed then
    fail(group, err)
  elseif err ~= group.error then
    unhandled.tell(err, task.current())
  end
  return false
end

local function end_group(group, ok, ...)
  local is_raised = not ok and body_failed(group, (...))
  local waited = group.count > 0
  join(group)
  ending.abandon_resources(group.scope)
  cancellation.leave_scope(group.scope)
  if group.failed then
    error(group.error, 0)
  elseif is_raised then
    error((...), 0)
  end
  local outer = waited and task.due()
  if outer then
    error(outer, 0)
  elseif ok then
    return ...
  end
end

--- Runs `body(group)` and waits until it and all children that were spawned into the group have
--- ended. The first failure cancels the rest and is raised unchanged; later ones go to the
--- unhandled hook.
---@async
---@param body fun(group: curlew.Group): any ...
---@return any ... the results of the body; nothing when the group was cancelled by `group:cancel()`
function M.group(body)
  errors.check_callable("the body of a group", body)
  local host = task.checkpoint()
  local group = setmetatable({ children = {}, count = 0 }, Group)
  group.scope = { group = group }
  cancellation.enter_scope(host, group.scope)
  return end_group(group, task.protect(body, group))
end

local function leave(scope, ...)
  cancellation.leave_scope(scope)
  return ...
end

--- As `task.protect`, inside a cancel scope of the running task, which ends with it.
---@async
---@param scope table see `curlew.cancellation`
---@param fn function
---@param ... any
---@return boolean ok
---@return any ...
function M.protect_within(scope, fn, ...)
  cancellation.enter_scope(task.current(), scope)
  return leave(scope, task.protect(fn, ...))
end

--- Runs `fn(...)`; a cancellation from outside waits until it has ended, and is raised at the next
--- wait. For clean-up that has to wait.
---@async
---@param fn function
---@param ... any
---@return any ... the results of `fn`
function M.shield(fn, ...)
  errors.check_callable("the function to shield", fn)
  task.check_task()
  return errors.unwrap(M.protect_within({ shield = true }, fn, ...))
end

return M
