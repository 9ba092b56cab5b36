--- Queues between tasks: values pass in order, and each goes to one task.

local debugging = require "curlew.debugging"
local errors = require "curlew.error"
local list = require "curlew.list"
local task = require "curlew.task"

local M = {}

---@class curlew.Queue
local Queue = { __name = "curlew.Queue" }
Queue.__index = Queue

-- What a `get` is woken with when the queue was closed, and a `put` when it was not.
local CLOSED, TAKEN = {}, {}

local function closed_error()
  return nil, errors.new { kind = "closed", message = "the queue is closed" }
end

local function store(queue, value)
  queue.last = queue.last + 1
  queue.values[queue.last] = value
end

local function check_value(value)
  if value == nil then
    errors.blame("nil cannot be put into a queue: it would look like the end")
  end
end

--- Puts a value in without waiting.
---@param value any not nil
---@return boolean done false when the queue is full or closed
function Queue:try_put(value)
  check_value(value)
  if self.closed then
    return false
  end
  local getter = list.shift(self.getters)
  if getter then
    task.wake(getter, value)
  elseif self.last - self.first + 1 < self.capacity then
    store(self, value)
  else
    return false
  end
  return true
end

--- Puts a value in, and waits while the queue is full.
---@async
---@param value any not nil
---@return true?
---@return curlew.Error? err of kind "closed"
function Queue:put(value)
  local putter = task.checkpoint()
  if self:try_put(value) then
    return true
  elseif self.closed then
    return closed_error()
  end
  putter.offered = value
  if task.wait_in(self.putters) == CLOSED then
    return closed_error()
  end
  return true
end

--- Takes the oldest value out without waiting; nil when there is none.
---@return any
function Queue:try_get()
  local value
  local putter = list.shift(self.putters)
  if self.first <= self.last then
    value = self.values[self.first]
    self.values[self.first] = nil
    self.first = self.first + 1
    if self.first > self.last then
      self.first, self.last = 1, 0
    end
    if putter then
      store(self, putter.offered)
    end
  elseif putter then
    value = putter.offered
  end
  if putter then
    putter.offered = nil
    task.wake(putter, TAKEN)
  end
  return value
end

--- Takes the oldest value out, and waits for one. A cancelled `get` loses no value.
---@async
---@return any value nil when the queue is closed and empty
function Queue:get()
  task.checkpoint()
  local value = self:try_get()
  if value ~= nil or self.closed then
    return value
  end
  value = task.wait_in(self.getters)
  if value ~= CLOSED then
    return value
  end
end

--- Iterates over the values until the queue is closed and empty: `for value in queue:items() do`.
---@return fun(): any
function Queue:items()
  return function()
    return self:get()
  end
end

--- How many values are in the queue.
---@return integer
function Queue:size()
  return self.last - self.first + 1
end

--- Ends the queue: what is in it can still be taken; whoever waits is told. May be called again.
function Queue:close()
  self.closed = true
  task.wake_all(self.getters, CLOSED)
  task.wake_all(self.putters, CLOSED)
end

--- Makes a queue.
---@param capacity? integer values that wait in it at most, any number when not said; with 0, a
--- `put` waits until a `get` takes the value
---@return curlew.Queue
function M.queue(capacity)
  capacity = capacity or math.huge
  if type(capacity) ~= "number" or capacity < 0 or capacity ~= capacity then
    errors.blame("the capacity of a queue must be a number of at least 0, got %s",
      tostring(capacity))
  end
  local queue = setmetatable({
    capacity = capacity,
    values = {},
    first = 1,
    last = 0,
    getters = {},
    putters = {},
  }, Queue)
  if debugging.enabled then
    debugging.watch_close(queue, "a queue", function()
      return queue.closed
    end)
  end
  return queue
end

return M
