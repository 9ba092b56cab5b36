--- Waiting for what reports through a callback.

local compat = require "curlew.compat"
local errors = require "curlew.error"
local task = require "curlew.task"
local warning = require "curlew.warning"

local M = {}

local function abort(wait)
  wait.over = true
  if wait.cancel then
    local ok, err = pcall(wait.cancel)
    if not ok then
      warning.emit("the cancel function of task.await failed: " .. errors.describe(err))
    end
  end
end

-- Can be called again when it has raised, for want of memory.
local function finish(wait, ...)
  if wait.over then
    return
  end
  wait.results = compat.pack(...)
  if wait.parked then
    task.wake(wait.waiter)
  end
  wait.over = true
end

--- Calls `start(done)` and waits until `done(...)` is called, from wherever; calls after the first
--- are ignored. When `start` returns a function, that is called on cancellation.
---@async
---@param start fun(done: fun(...)): function?
---@return any ... what `done` was given
function M.await(start)
  errors.check_callable("the function that starts the operation", start)
  local wait = { waiter = task.checkpoint(), over = false, parked = false, results = nil }
  wait.cancel = start(function(...)
    errors.unwrap(errors.insist(finish, wait, ...))
  end)
  if not wait.over then
    wait.parked = true
    task.park(abort, wait)
  end
  return compat.unpack(wait.results, 1, wait.results.n)
end

local function results(err, ...)
  if err then
    return nil, err
  end
  return ...
end

--- Calls a luv function with an err-first callback added, such as `task.call(uv.fs_stat, path)`,
--- and waits for it. A request that can be cancelled is cancelled with the task.
---@async
---@param fn function
---@param ... any
---@return any ... the results of the callback, or nil and luv's error text
function M.call(fn, ...)
  errors.check_callable("the luv function", fn)
  local args = compat.pack(...)
  return results(M.await(function(done)
    args[args.n + 1] = done
    local request, problem = fn(compat.unpack(args, 1, args.n + 1))
    if not request then
      done(problem or "the call was refused")
    elseif type(request) == "userdata" and request.cancel then
      return function()
        request:cancel()
      end
    end
  end))
end

return M
