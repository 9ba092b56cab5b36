--- Coroutine functions in Python's sense: calling one makes an object that does nothing until it is
--- started, and complains when it is thrown away without ever having been.

local compat = require "curlew.compat"
local errors = require "curlew.error"
local task = require "curlew.task"
local warning = require "curlew.warning"

local M = {}

---@class curlew.Coroutine
local Coroutine = { __name = "curlew.Coroutine" }
Coroutine.__index = Coroutine

--- For the runtime: the function to run, once.
---@return function
function Coroutine:into_function()
  if self.started then
    errors.blame("this coroutine object was started already: call its function again for another")
  end
  self.started = true
  self.sentinel = nil
  return function()
    return self.fn(compat.unpack(self.args, 1, self.args.n))
  end
end

--- Runs the function in the calling task, and returns its results.
---@async
function Coroutine:await()
  task.checkpoint()
  return self:into_function()()
end

Coroutine.__call = Coroutine.await

function Coroutine:__tostring()
  return ("<coroutine made at %s%s>"):format(self.made_at, self.started and "" or ", not started")
end

--- Marks `fn` as a coroutine function. Calling the result runs nothing and returns a coroutine
--- object, which `task.spawn(object)` or `object:await()` starts.
---@param fn function
---@return fun(...): curlew.Coroutine
function M.async(fn)
  errors.check_callable("the coroutine function", fn)
  return function(...)
    local object = setmetatable({
      fn = fn,
      args = compat.pack(...),
      made_at = errors.caller(),
    }, Coroutine)
    object.sentinel = compat.finalizer(function()
      if not object.started then
        warning.emit(("a coroutine object made at %s was never started: "
          .. "spawn it, or call its :await()"):format(object.made_at))
      end
    end)
    return object
  end
end

return M
