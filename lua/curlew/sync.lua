--- Semaphores, locks, events and conditions: first come, first served. Each is a list of the tasks
--- that wait, and a rule for whom to wake; what is handed to a woken task is its own at once, so
--- that a cancellation in the same turn loses nothing.

local errors = require "curlew.error"
local list = require "curlew.list"
local task = require "curlew.task"

local M = {}

local function release_after(self, ...)
  self:release()
  return errors.unwrap(...)
end

-- `:with(fn, ...)`: runs `fn(...)` between `acquire` and `release`.
local function with(self, fn, ...)
  errors.check_callable("the function to run", fn)
  self:acquire()
  return release_after(self, task.protect(fn, ...))
end

-- Semaphores -----------------------------------------------------------------------------------

---@class curlew.Semaphore
local Semaphore = { __name = "curlew.Semaphore", with = with }
Semaphore.__index = Semaphore

--- Takes a slot, and waits until there is one. Give it back with `release`.
---@async
function Semaphore:acquire()
  task.checkpoint()
  if self.free > 0 then
    self.free = self.free - 1
  else
    task.wait_in(self.waiting)
  end
end

--- Gives a slot back: to the task that has waited longest, if there is one.
function Semaphore:release()
  local waiter = list.shift(self.waiting)
  if waiter then
    task.wake(waiter)
  elseif self.free == self.slots then
    errors.blame("the semaphore was released more often than acquired")
  else
    self.free = self.free + 1
  end
end

--- Makes a semaphore.
---@param slots integer how many tasks may hold it at once, at least 1
---@return curlew.Semaphore
function M.semaphore(slots)
  if type(slots) ~= "number" or slots < 1 or slots % 1 ~= 0 then
    errors.blame("the slots of a semaphore must be a whole number of at least 1, got %s",
      tostring(slots))
  end
  return setmetatable({ slots = slots, free = slots, waiting = {} }, Semaphore)
end

-- Locks ----------------------------------------------------------------------------------------

---@class curlew.Lock
local Lock = { __name = "curlew.Lock", with = with }
Lock.__index = Lock

--- Waits until no other task holds the lock, and takes it.
---@async
function Lock:acquire()
  local holder = task.checkpoint()
  if self.holder == holder then
    errors.blame("this task holds the lock already")
  elseif self.holder then
    task.wait_in(self.waiting)
  else
    self.holder = holder
  end
end

--- Gives the lock to the task that has waited longest, if there is one.
function Lock:release()
  if self.holder ~= task.current() or not self.holder then
    errors.blame("only the task that holds a lock can release it")
  end
  self.holder = list.shift(self.waiting)
  if self.holder then
    task.wake(self.holder)
  end
end

--- Makes a lock, which one task can hold at a time.
---@return curlew.Lock
function M.lock()
  return setmetatable({ waiting = {} }, Lock)
end

-- Events ---------------------------------------------------------------------------------------

---@class curlew.Event
local Event = { __name = "curlew.Event" }
Event.__index = Event

--- Waits until the event is set; not at all when it is.
---@async
function Event:wait()
  task.checkpoint()
  if not self.value then
    task.wait_in(self.waiting)
  end
end

--- Sets the event and wakes all tasks that wait for it.
function Event:set()
  self.value = true
  task.wake_all(self.waiting)
end

--- Takes the event back.
function Event:clear()
  self.value = false
end

--- Whether the event is set.
---@return boolean
function Event:is_set()
  return self.value
end

--- Makes an event that is not set.
---@return curlew.Event
function M.event()
  return setmetatable({ value = false, waiting = {} }, Event)
end

-- Conditions -----------------------------------------------------------------------------------

---@class curlew.Condition
---@field lock curlew.Lock
local Condition = { __name = "curlew.Condition" }
Condition.__index = Condition

local function check_holder(condition)
  if not task.current() or condition.lock.holder ~= task.current() then
    errors.blame("the lock of the condition must be held by this task")
  end
end

--- Gives the lock up, waits to be notified, and takes the lock again, also when it is cancelled.
---@async
function Condition:wait()
  task.checkpoint()
  check_holder(self)
  self.lock:release()
  local ok, err = task.pcall(task.wait_in, self.waiting)
  task.shield(self.lock.acquire, self.lock)
  if not ok then
    error(err, 0)
  end
end

--- Wakes up to `count` tasks, 1 unless said; they go on once they have the lock.
---@param count? integer
function Condition:notify(count)
  check_holder(self)
  for _ = 1, count or 1 do
    local waiter = list.shift(self.waiting)
    if not waiter then
      return
    end
    task.wake(waiter)
  end
end

--- Wakes all tasks that wait.
function Condition:notify_all()
  self:notify(math.huge)
end

--- Makes a condition.
---@param lock? curlew.Lock its own when none is given
---@return curlew.Condition
function M.condition(lock)
  return setmetatable({ lock = lock or M.lock(), waiting = {} }, Condition)
end

return M
