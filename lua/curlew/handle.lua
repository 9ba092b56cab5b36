--- The task as an object: what it tells about itself. It does nothing; `curlew.task` does.
---
--- Fields, for the runtime only:
---   id, label      number of its making; name given by the user
---   state          "scheduled", "running", "waiting", "ready" (its wait is over but for the
---                  resuming), "done", "failed", "cancelled"
---   fn, co         its function until it starts; its coroutine from then on
---   outer          on Lua 5.1, the coroutines around `co`: `{ co =, outer = }`
---   abort          how to undo the registration of the wait in which it stands
---   value          its argument; while it waits, that of `abort`; then what `park` returns; in the
---                  end, its result
---   packed         its arguments until it starts, or its results, when they are not one
---   error          why it failed
---   scope, cancel_error   innermost cancel scope; what it raises once it is cancelled
---   first, last    it is itself the list of the tasks that await it, and of observers, which are
---                  told: `observer:notify(task)`
---   list, next, previous   the list in which it waits
---   after          the next of those that are ready, see `curlew.turn`
---   owner          told when it has ended: `owner:child_ended(task)`
---   spawned_at     with CURLEW_DEBUG=1, the line that has spawned it
---   noted_error, noted_frames   a string error, and its frames as of before it was unwound

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

--- For the runtime: keeps the frames of a string error before the stack `co` is unwound.
function Task:note(err, co)
  if type(err) == "string" and self.noted_error ~= err then
    self.noted_error, self.noted_frames = err, trace.frames({ co = co, outer = self.outer })
  end
end

-- The frames of a task that waits or has failed; "" when there are none.
local function frames_of(task)
  if task.noted_frames and task.noted_error == task.error then
    return task.noted_frames
  end
  return task.co and trace.frames(task) or ""
end

--- For the runtime: keeps the frames of a string error that comes from a task which has failed.
function Task:note_failure(other)
  if type(other.error) == "string" then
    local name = ("task %s%s"):format(other:name(),
      other.spawned_at and ", spawned at " .. other.spawned_at or "")
    self.noted_error, self.noted_frames = other.error, trace.chain(frames_of(other), name, self)
  end
end

--- A text of the frames in which the task stands, or in which it failed.
---@return string? nil when there are none
function Task:traceback()
  local frames = frames_of(self)
  return frames ~= "" and "stack traceback:" .. frames or nil
end

--- Where the task waits, as "file:line"; nil when it does not.
---@return string?
function Task:where()
  if self:status() == "waiting" then
    return trace.where(self)
  end
end

function Task:__tostring()
  local place = self:where()
  return ("<Task %s %s%s%s>"):format(self:name(), self:status(), place and " at " .. place or "",
    self.spawned_at and ", spawned at " .. self.spawned_at or "")
end

return Task
