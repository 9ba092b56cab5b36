--- Diagnosis that costs time, on with CURLEW_DEBUG=1 in the environment: where tasks were spawned,
--- steps that block the loop, queues that are thrown away unclosed.

local compat = require "curlew.compat"
local errors = require "curlew.error"
local uv = require "curlew.uv"
local warning = require "curlew.warning"

local M = {}

local LONGEST_STEP = 0.1 -- seconds that a task may run without waiting before it is told

--- Whether diagnosis is on.
M.enabled = os.getenv("CURLEW_DEBUG") == "1"

--- Notes where a task was spawned.
---@param task curlew.Task
function M.note_spawn(task)
  task.spawned_at = errors.caller()
end

--- Runs a step of a task, and warns when it has kept the loop waiting.
---@param task curlew.Task
---@param step fun(task: curlew.Task)
function M.watch_step(task, step)
  local started = uv.hrtime()
  step(task)
  local seconds = (uv.hrtime() - started) * 1e-9
  if seconds > LONGEST_STEP then
    local place = task:where()
    warning.emit(("%s blocked the loop for %.2f s%s"):format(tostring(task), seconds,
      place and ", up to its wait at " .. place or ", up to its end"))
  end
end

--- Warns when `object` is collected and `is_closed(object)` is false.
---@param object table
---@param what string
---@param is_closed fun(object: table): boolean
function M.watch_close(object, what, is_closed)
  local place = errors.caller()
  object.sentinel = compat.finalizer(function()
    if not is_closed(object) then
      warning.emit(("%s made at %s was thrown away without being closed"):format(what, place))
    end
  end)
end

return M
