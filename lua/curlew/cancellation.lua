--- Which cancellation a task has to obey. It is a level: once asked for, every wait raises it.
---
--- A scope is a stretch of a task that can be cancelled by itself:
---   task    the task that is inside it
---   parent  the scope around it, nil for the outermost
---   error   what its waits raise, once it is cancelled
---   shield  true: cancellations from around it wait until it has ended
---   group   the group whose children belong to it
--- The task itself, with `cancel_error`, stands around all of them.

local ending = require "curlew.ending"
local errors = require "curlew.error"
local Handle = require "curlew.handle"
local waking = require "curlew.waking"

local M = {}

--- What `park` is woken with when it has to raise.
M.RAISE = {}

--- The error that a wait of `task` has to raise now: of all that are cancelled, the outermost's.
---@param task curlew.Task
---@return any
function M.due(task)
  if not task.scope then
    return task.cancel_error
  end
  local found
  local scope = task.scope
  while scope do
    found = scope.error or found
    if scope.shield then
      return found
    end
    scope = scope.parent
  end
  return task.cancel_error or found
end

--- What a task opens now belongs to: the innermost group that it has open, or itself.
---@param task curlew.Task
---@return table owner for `ending.own`
function M.owner(task)
  local scope = task.scope
  while scope and not scope.group do
    scope = scope.parent
  end
  return scope or task
end

--- Starts a scope inside a task.
---@param task curlew.Task
---@param scope table
function M.enter_scope(task, scope)
  scope.task, scope.parent = task, task.scope
  task.scope = scope
end

--- Ends the innermost scope of its task.
---@param scope table
function M.leave_scope(scope)
  scope.task.scope = scope.parent
  scope.task = nil
end

--- Passes a cancellation on to the children of the groups that `task` has opened within `outer`
--- (nil: anywhere), except behind a shield.
---@param task curlew.Task
---@param outer? table the cancelled scope
---@param err any
function M.cancel_groups(task, outer, err)
  if not task.scope then
    return
  end
  local groups = {}
  local scope = task.scope
  while scope and scope ~= outer do
    if scope.shield then
      groups = {}
    elseif scope.group then
      groups[#groups + 1] = scope.group
    end
    scope = scope.parent
  end
  if outer and outer.group then
    groups[#groups + 1] = outer.group
  end
  for _, group in ipairs(groups) do
    group:cancel_children(err)
  end
end

-- Ends the wait in which `task` stands, if it has to and the wait lets itself be ended.
local function interrupt(task)
  if task.state == "waiting" and task.abort and M.due(task) then
    local abort, arg = task.abort, task.value
    waking.wake(task, M.RAISE)
    errors.unwrap(errors.insist(abort, arg, task))
  end
end

--- Cancels a scope: its waits raise `err` from now on. The first error stays. To be called again
--- when it has raised, for want of memory.
---@param scope table
---@param err any
function M.cancel_scope(scope, err)
  local task = scope.task
  if task then
    scope.error = scope.error or err
    M.cancel_groups(task, scope, scope.error)
    interrupt(task)
  end
end

--- Asks the task to end: the wait where it stands, and every later one, raises an error of kind
--- "cancelled". May be called from anywhere, also from a luv callback.
---@param reason? any kept in the error's `reason`
---@return boolean asked false when the task has already ended
function Handle:cancel(reason)
  if self:done() then
    return false
  end
  self:cancel_with(self.cancel_error or errors.new {
    kind = "cancelled",
    message = reason == nil and "the task was cancelled" or errors.describe(reason),
    reason = reason,
  })
  return true
end

--- Cancels with a ready-made error object, which may be shared by many tasks.
function Handle:cancel_with(err)
  if self:done() then
    return
  end
  self.cancel_error = self.cancel_error or err
  if self.state == "scheduled" then
    self.fn, self.packed, self.value = nil, nil, nil
    ending.conclude(self, "cancelled")
    return
  end
  M.cancel_groups(self, nil, self.cancel_error)
  interrupt(self)
end

return M
