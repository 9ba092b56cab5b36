--- Time: one heap of deadlines behind one luv timer; sleeping, and limits of time.

local cancellation = require "curlew.cancellation"
local closing = require "curlew.closing"
local deadlines = require "curlew.deadlines"
local errors = require "curlew.error"
local Handle = require "curlew.handle"
local list = require "curlew.list"
local protect_within = require("curlew.scope").protect_within
local task = require "curlew.task"
local turn = require "curlew.turn"
local uv = require "curlew.uv"

local huge = math.huge
local heap, by_tick = deadlines.heap, deadlines.by_tick
local checkpoint, park = task.checkpoint, task.park

local M = {}

-- Milliseconds: luv's timer is never set further ahead; a longer wait is set again then.
local LONGEST = 24 * 60 * 60 * 1000

-- Milliseconds are what luv's timer can tell apart, so deadlines are rounded up to the next one,
-- and those of one millisecond share a bucket, whose members are told by `member:ring()`.
local timer -- luv's, made at first use
local armed -- the deadline for which the clock is set, nil when it is not
local ringing -- the member that was told last

local clock -- `now()`, `arm(deadline)`, `disarm()`, `is_lost()`: see `M.set_clock`

--- Seconds on a clock that only goes forward, from an arbitrary start. Does not wait.
---@return number
function M.now()
  return clock.now()
end

-- Whether the clock has to be armed again.
local function is_lost()
  return clock.is_lost and clock.is_lost()
end

-- Has the clock ring for the earliest deadline.
local function arm()
  local first = heap[1]
  if not first then
    if armed then
      clock.disarm()
      armed = nil
    end
  elseif not armed or first.tick < armed or is_lost() then
    clock.arm(first.tick / 1000) -- may raise
    armed = first.tick
  end
end

local function ring_due()
  local now = clock.now()
  while deadlines.count > 0 and heap[1].tick / 1000 <= now do -- as armed: a product may be off
    local bucket = heap[1]
    while bucket.first do
      ringing = bucket.first
      ringing:ring()
      list.remove(ringing)
    end
    if by_tick[bucket.tick] == bucket then
      deadlines.drop(bucket)
    end
  end
end

--- For the clock: its time has come, or may have. What raises for want of memory is done again, and
--- what is left of the others, a moment later.
function M.ring()
  armed = nil
  local ok, err = pcall(ring_due)
  if not ok and err ~= errors.OUT_OF_MEMORY then
    list.remove(ringing)
  end
  arm()
  errors.unwrap(ok, err)
end

local on_timer = turn.entry(M.ring)

local luv_clock = {
  now = function()
    return uv.hrtime() * 1e-9
  end,
  disarm = function()
    timer:stop()
  end,
  is_lost = function()
    return timer and timer:is_closing()
  end,
}

-- luv counts from the time at which the loop last woke, so that has to be refreshed: after 200 ms
-- of computing, 100 ms would be over at once.
function luv_clock.arm(deadline)
  timer = closing.usable(timer, uv.new_timer)
  uv.update_time()
  local wait = math.min((deadline - luv_clock.now()) * 1000, LONGEST)
  -- At least 1 ms: a timer of 0 ms, set from its own callback, starves the loop.
  timer:start(math.max(1, math.ceil(wait)), 0, on_timer)
end

clock = luv_clock

--- Puts another clock in the place of luv's, for tests. Nothing may wait for a time.
---@param other table `now()` in seconds, `arm(deadline)` has `time.ring` called then, `disarm()`,
--- maybe `is_lost()`, whether it has to be armed again
---@return fun() restore puts luv's back
function M.set_clock(other)
  if deadlines.count > 0 then
    errors.blame("the clock cannot be changed while something waits for a time")
  end
  clock = other
  return function()
    clock = luv_clock
  end
end

-- Has `member:ring()` called once `deadline` has come.
local function insert(deadline, member)
  local tick = deadline * 1000
  if tick < huge then
    tick = tick - tick % -1
  end
  local lost = is_lost() -- first: it may raise
  local bucket = by_tick[tick] or deadlines.add(tick)
  if bucket.index == 1 or not armed or lost then
    local ok, err = pcall(arm)
    if not ok then
      if not bucket.first then
        deadlines.drop(bucket)
      end
      error(err, 0)
    end
  end
  list.push(bucket, member)
end

local Alarm = {}
Alarm.__index = Alarm

function Alarm:ring()
  self.call(self.arg)
end

--- Calls `call(arg)` once `deadline` (of `now`'s clock) has come. Does not wait.
---@param deadline number seconds; math.huge never comes
---@param call fun(arg: any)
---@param arg any
---@return table alarm for `cancel`
function M.at(deadline, call, arg)
  local alarm = { call = call, arg = arg, list = nil, next = nil, previous = nil }
  setmetatable(alarm, Alarm)
  insert(deadline, alarm)
  return alarm
end

--- Takes back an alarm; nothing happens when it has rung.
---@param member table
function M.cancel(member)
  local bucket = member.list
  if bucket then
    list.remove(member)
    if not bucket.first and by_tick[bucket.tick] == bucket then -- else it rings just now
      deadlines.drop(bucket)
      if deadlines.count == 0 then
        arm()
      end
    end
  end
end

--- For the clock, to which a sleeping task is its own alarm.
Handle.ring = task.wake

--- Waits `seconds`; other tasks and the loop go on meanwhile. 0 or less is `task.yield`; math.huge
--- waits until it is cancelled.
---@async
---@param seconds number
function M.sleep(seconds)
  if type(seconds) ~= "number" or seconds ~= seconds then
    errors.check_seconds("the time to sleep", seconds)
  elseif seconds <= 0 then
    return task.yield()
  end
  local sleeper = checkpoint()
  insert(clock.now() + seconds, sleeper)
  park(M.cancel, sleeper)
end

-- Limits ---------------------------------------------------------------------------------------

local function limit_error(scope)
  return errors.new {
    kind = "cancelled",
    message = ("a limit of %g s was reached"):format(scope.seconds),
    reason = "timeout",
  }
end

local function expire(scope)
  cancellation.cancel_scope(scope, limit_error(scope))
end

-- What is protected, so that the alarm is taken back whatever is raised.
local function run_limited(scope, fn, ...)
  if scope.seconds > 0 and scope.seconds < huge then
    scope.alarm = M.at(clock.now() + scope.seconds, expire, scope)
  end
  return fn(...)
end

local function end_limit(scope, ok, ...)
  if scope.alarm then
    M.cancel(scope.alarm)
  end
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
  task.checkpoint()
  local scope = { seconds = seconds, alarm = nil, error = nil, task = nil, parent = nil }
  if seconds <= 0 then
    scope.error = limit_error(scope)
  end
  return end_limit(scope, protect_within(scope, run_limited, scope, fn, ...))
end

--- Gives the timer back to the loop, when nothing waits for it; a later alarm makes another.
function M.release()
  if timer and deadlines.count == 0 then
    closing.close(timer)
    timer = nil
  end
end

return M
