--- Time: one heap of deadlines behind one luv timer; sleeping, and limits of time.

local cancellation = require "curlew.cancellation"
local errors = require "curlew.error"
local task = require "curlew.task"
local turn = require "curlew.turn"
local uv = require "curlew.uv"

local M = {}

-- Milliseconds: luv's timer is never set further ahead; a longer wait is set again then.
local LONGEST = 24 * 60 * 60 * 1000

-- A binary heap of `{ deadline =, serial =, call =, arg =, index = }`, the earliest first; of two
-- with one deadline the one made first.
local heap, size, serial = {}, 0, 0
local timer -- luv's, made at first use
local armed -- the deadline for which the clock is set, nil when it is not

local clock -- `now()`, `arm(deadline)`, `disarm()`: see `M.set_clock`

--- Seconds on a clock that only goes forward, from an arbitrary start. Does not wait.
---@return number
function M.now()
  return clock.now()
end

local function rise(node, index)
  local deadline, order = node.deadline, node.serial
  while index > 1 do
    local above = (index - index % 2) / 2
    local parent = heap[above]
    if parent.deadline < deadline or (parent.deadline == deadline and parent.serial < order) then
      break
    end
    heap[index], parent.index = parent, index
    index = above
  end
  heap[index], node.index = node, index
end

local function sink(node, index)
  local deadline, order = node.deadline, node.serial
  while true do
    local below = 2 * index
    local child, other = heap[below], heap[below + 1]
    if other and (other.deadline < child.deadline
      or (other.deadline == child.deadline and other.serial < child.serial)) then
      child, below = other, below + 1
    end
    if not child or deadline < child.deadline
      or (deadline == child.deadline and order < child.serial) then
      break
    end
    heap[index], child.index = child, index
    index = below
  end
  heap[index], node.index = node, index
end

local function remove(node)
  local index, moved = node.index, heap[size]
  heap[size], size, node.index = nil, size - 1, nil
  if moved ~= node then
    rise(moved, index)
    sink(moved, moved.index)
  end
end

-- Has the clock ring for the earliest deadline.
local function arm()
  local first = heap[1]
  if not first then
    if armed then
      clock.disarm()
      armed = nil
    end
  elseif not armed or first.deadline < armed then
    armed = first.deadline
    clock.arm(armed)
  end
end

--- For the clock: its time has come, or may have.
function M.ring()
  armed = nil
  local now = clock.now()
  while size > 0 and heap[1].deadline <= now do
    local node = heap[1]
    remove(node)
    node.call(node.arg)
  end
  arm()
end

local on_timer = turn.entry(M.ring)

local luv_clock = {
  now = function()
    return uv.hrtime() * 1e-9
  end,
  disarm = function()
    timer:stop()
  end,
}

-- luv counts from the time at which the loop last woke, so that has to be refreshed: after 200 ms
-- of computing, 100 ms would be over at once.
function luv_clock.arm(deadline)
  timer = timer or uv.new_timer()
  uv.update_time()
  local wait = math.min((deadline - luv_clock.now()) * 1000, LONGEST)
  -- At least 1 ms: a timer of 0 ms, set from its own callback, starves the loop.
  timer:start(math.max(1, math.ceil(wait)), 0, on_timer)
end

clock = luv_clock

--- Puts another clock in the place of luv's, for tests. Nothing may wait for a time.
---@param other table `now()` in seconds, `arm(deadline)` has `time.ring` called then, `disarm()`
---@return fun() restore puts luv's back
function M.set_clock(other)
  if size > 0 then
    errors.blame("the clock cannot be changed while something waits for a time")
  end
  clock = other
  return function()
    clock = luv_clock
  end
end

local function insert(node)
  serial, size = serial + 1, size + 1
  node.serial = serial
  rise(node, size)
  if node.index == 1 then
    arm()
  end
  return node
end

--- Calls `call(arg)` once `deadline` (of `now`'s clock) has come. Does not wait.
---@param deadline number seconds; math.huge never comes
---@param call fun(arg: any)
---@param arg any
---@return table alarm for `cancel`
function M.at(deadline, call, arg)
  return insert({ deadline = deadline, call = call, arg = arg, serial = 0, index = 0 })
end

--- Takes back an alarm; nothing happens when it has rung.
---@param node table
function M.cancel(node)
  if node.index then
    remove(node)
    if size == 0 then
      arm()
    end
  end
end

--- Waits `seconds`; other tasks and the loop go on meanwhile. 0 or less is `task.yield`; math.huge
--- waits until it is cancelled.
---@async
---@param seconds number
function M.sleep(seconds)
  errors.check_seconds("the time to sleep", seconds)
  if seconds <= 0 then
    return task.yield()
  end
  local sleeper = task.checkpoint()
  -- A task sleeps once at a time: it is its own alarm.
  sleeper.deadline, sleeper.call, sleeper.arg = clock.now() + seconds, task.wake, sleeper
  task.park(M.cancel, insert(sleeper))
end

-- Limits ---------------------------------------------------------------------------------------

local function expire(scope)
  cancellation.cancel_scope(scope, errors.new {
    kind = "cancelled",
    message = ("a limit of %g s was reached"):format(scope.seconds),
    reason = "timeout",
  })
end

local function end_limit(scope, ok, ...)
  if scope.alarm then
    M.cancel(scope.alarm)
  end
  cancellation.leave_scope(scope)
  if ok then
    return ...
  end
  local err = ...
  if scope.error and err == scope.error then
    return nil, errors.new {
      kind = "timeout",
      message = ("not done within %g s"):format(scope.seconds),
      retryable = true,
    }
  end
  error(err, 0)
end

--- Runs `fn(...)` for at most `seconds`: its waits raise a cancellation when they are over. Limits
--- nest; of two that end in one turn the outer wins.
---@async
---@param seconds number math.huge is no limit; 0 or less raises at the first wait
---@param fn function
---@param ... any
---@return any ... the results of `fn`, or nil and an error of kind "timeout"
function M.timeout(seconds, fn, ...)
  errors.check_seconds("the limit", seconds)
  errors.check_callable("the function to limit", fn)
  local scope = { seconds = seconds }
  cancellation.enter_scope(task.checkpoint(), scope)
  if seconds <= 0 then
    expire(scope)
  elseif seconds < math.huge then
    scope.alarm = M.at(clock.now() + seconds, expire, scope)
  end
  return end_limit(scope, task.protect(fn, ...))
end

--- Gives the timer back to the loop, when nothing waits for it; a later alarm makes another.
function M.release()
  if timer and size == 0 then
    timer:close()
    timer = nil
  end
end

return M
