--- Waiting for several tasks without cancelling any.

local errors = require "curlew.error"
local items = require "curlew.items"
local lists = require "curlew.list"
local task = require "curlew.task"
local time = require "curlew.time"

local M = {}

local MODES = { all = true, first = true, error = true }

local function to_tasks(given)
  local tasks = {}
  for index = 1, items.check(given, task.current()) do
    local item = given[index]
    tasks[index] = items.is_task(item) and item or task.spawn(item)
  end
  return tasks
end

-- Has `notify(observer, member)` called when a member ends that has not. Returns the observers,
-- which stand in the tasks' lists of waiters.
local function observe(tasks, notify, state)
  local observers = {}
  for _, member in ipairs(tasks) do
    if not member:done() then
      local observer = { notify = notify, state = state, is_told = false }
      lists.push(member, observer)
      observers[#observers + 1] = observer
    end
  end
  return observers
end

local function stop(state)
  for _, observer in ipairs(state.observers) do
    lists.remove(observer)
  end
  if state.alarm then
    time.cancel(state.alarm)
  end
end

local function is_enough(state, member)
  return state.left == 0 or state.mode == "first"
    or (state.mode == "error" and member.state == "failed")
end

local function on_end(observer, member)
  local state = observer.state
  if not observer.is_told then -- else it has raised, and is told again
    observer.is_told = true
    state.left = state.left - 1
  end
  if is_enough(state, member) then
    task.wake(state.waiter)
  end
end

local function split(tasks)
  local done, pending = {}, {}
  for _, member in ipairs(tasks) do
    table.insert(member:done() and done or pending, member)
  end
  return done, pending
end

-- Whether those that have ended before the wait are enough already.
local function is_satisfied(mode, done, pending)
  if #pending == 0 or (mode == "first" and done[1]) then
    return true
  end
  for _, member in ipairs(done) do
    if mode == "error" and member.state == "failed" then
      return true
    end
  end
  return false
end

--- Waits until all tasks of a list have ended, or the first, or the first that fails. Cancels none,
--- raises nothing for them; functions in the list are spawned.
---@async
---@param list (function|curlew.Task)[]
---@param options? { return_when?: "all"|"first"|"error", timeout?: number } timeout in seconds
---@return curlew.Task[] done
---@return curlew.Task[] pending
function M.wait(list, options)
  local given = errors.check_options(options, { return_when = "string", timeout = "number" })
  local mode = given.return_when or "all"
  if not MODES[mode] then
    errors.blame('return_when must be "all", "first" or "error", got %q', mode)
  end
  errors.check_seconds("the timeout", given.timeout or 0)
  local waiter = task.checkpoint()
  local tasks = to_tasks(list)
  local done, pending = split(tasks)
  if is_satisfied(mode, done, pending) then
    return done, pending
  end
  local state = { mode = mode, waiter = waiter, left = #pending }
  state.observers = observe(tasks, on_end, state)
  if given.timeout then
    state.alarm = time.at(time.now() + given.timeout, task.wake, waiter)
  end
  task.park(stop, state)
  stop(state)
  return split(tasks)
end

local function on_completed(observer, member)
  local state = observer.state
  if not observer.is_told then
    state.ended[#state.ended + 1] = member
    observer.is_told = true
  end
  task.wake_all(state.waiting)
end

--- Iterates over tasks in the order in which they end: `for t in task.as_completed(list) do`. Each
--- step waits. Functions in the list are spawned at once.
---@param list (function|curlew.Task)[]
---@return fun(): curlew.Task?
function M.as_completed(list)
  local tasks = to_tasks(list)
  local state = { ended = split(tasks), taken = 0, waiting = {} }
  observe(tasks, on_completed, state)
  return function()
    if state.taken < #tasks then
      task.checkpoint()
    end
    while #state.ended == state.taken do -- another may take what has woken this one
      if state.taken == #tasks then
        return nil
      end
      task.wait_in(state.waiting)
    end
    state.taken = state.taken + 1
    return state.ended[state.taken]
  end
end

return M
