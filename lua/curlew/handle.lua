--- The task as an object: what it tells about itself. It does nothing; `curlew.task` does.
---
--- Fields, for the runtime only:
---   id, label      number of its making; name given by the user
---   state          "scheduled", "running", "waiting", "ready" (its wait is over but for the
---                  resuming), "done", "failed", "cancelled"
---   fn, co         its function until it starts; its coroutine from then on
---   outer          on Lua 5.1, the coroutines around `co`: `{ co =, next = }`
---   abort          how to undo the registration of the wait in which it stands
---   value          its argument; while it waits, that of `abort`; then what `park` returns; in the
---                  end, its result
---   packed         its arguments until it starts, or its results, when they are not one
---   error          why it failed
---   scope, cancel_error   innermost cancel scope; what it raises once it is cancelled
---   first, last    it is itself the list of the tasks that await it, and of observers, which are
---                  told: `observer:notify(task)`
---   list, next, previous   the list in which it waits
---   owner          told when it has ended: `owner:child_ended(task)`
---   spawned_at     with CURLEW_DEBUG=1, the line that has spawned it
---   noted_error, noted_trace   a string error, and its traceback taken before it was unwound

local compat = require "curlew.compat"
local errors = require "curlew.error"
local trace = require "curlew.trace"
local unhandled = require "curlew.unhandled"

---@class curlew.Task
local Task = { __name = "curlew.Task" }
Task.__index = Task

local ENDED = { done = true, failed = true, cancelled = true }

--- "scheduled", "running", "waiting", "done", "failed" or "cancelled".
---@return string
function Task:status()
  return self.state == "ready" and "waiting" or self.state
end

--- Whether the task has ended, in whatever way.
---@return boolean
function Task:done()
  return ENDED[self.state] or false
end

--- The name for messages; with `name`, sets it first.
---@param name? string
---@return string
function Task:name(name)
  if name ~= nil then
    errors.check_type("the name of a task", name, "string")
    self.label = name
  end
  return self.label or ("task-%d"):format(self.id)
end

--- The results of a task that has ended; raises its error, and raises when it has not ended.
--- Does not wait.
function Task:result()
  if self.state == "done" then
    local packed = self.packed
    if packed then
      return compat.unpack(packed, 1, packed.n)
    end
    return self.value
  elseif self.state == "cancelled" then
    error(self.cancel_error, 0)
  elseif self.state == "failed" then
    unhandled.forget(self)
    error(self.error, 0)
  end
  errors.blame("the task has not ended yet: %s", tostring(self))
end

--- For the runtime: keeps the traceback of a string error before the stack `co` is unwound.
function Task:note(err, co)
  if type(err) == "string" and self.noted_error ~= err then
    self.noted_error, self.noted_trace = err, trace.traceback(co)
  end
end

--- For the runtime: keeps the traceback of a string error that comes from a task which has failed.
function Task:note_failure(other)
  if type(other.error) == "string" then
    self.noted_error, self.noted_trace = other.error, other:traceback()
  end
end

--- A text of the frames in which the task stands, or in which it failed.
---@return string? nil when there are none
function Task:traceback()
  if self.noted_trace and self.noted_error == self.error then
    return self.noted_trace
  end
  return self.co and trace.traceback(self.co)
end

--- Where the task waits, as "file:line"; nil when it does not.
---@return string?
function Task:where()
  if self:status() ~= "waiting" then
    return nil
  end
  local place, outer = trace.where(self.co), self.outer
  while not place and outer do
    place, outer = trace.where(outer.co), outer.next
  end
  return place
end

function Task:__tostring()
  local place = self:where()
  return ("<Task %s %s%s%s>"):format(self:name(), self:status(), place and " at " .. place or "",
    self.spawned_at and ", spawned at " .. self.spawned_at or "")
end

return Task
