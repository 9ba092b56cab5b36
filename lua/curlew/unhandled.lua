--- Failures that nobody awaits are reported once: when the task is collected, or when `run` ends;
--- inside Neovim, where no run ends, after a moment.

local compat = require "curlew.compat"
local errors = require "curlew.error"
local neovim = require "curlew.neovim"
local trace = require "curlew.trace"
local warning = require "curlew.warning"

local each = compat.each

local M = {}

-- Seconds that somebody has, inside Neovim, to take the failure of a task before it is told. By
-- default, vim.wait looks every 0.2 s whether what it waits for has come.
local GRACE = 0.5

local hook -- the user's, nil for the default

-- Keys are tasks that have failed and were not awaited yet.
local unawaited = setmetatable({}, { __mode = "k" })

local function print_failure(err, task)
  warning.emit(("%s failed and nobody awaited it: %s"):format(
    tostring(task), trace.report(err, task:traceback())))
end

--- Tells the hook of an error of `task`.
---@param err any
---@param task curlew.Task
function M.tell(err, task)
  local ok, problem = pcall(hook or print_failure, err, task)
  if not ok then
    print_failure(err, task)
    warning.emit("the on_unhandled hook failed: " .. errors.describe(problem))
  end
end

--- Reports the failure of `task` now.
---@param task curlew.Task
function M.report(task)
  M.forget(task)
  M.tell(task.error, task)
end

--- Keeps an eye on a task that has failed and has no waiter.
---@param task curlew.Task
function M.watch(task)
  unawaited[task] = true
  if neovim.later then
    neovim.later(GRACE, function()
      if unawaited[task] then
        M.report(task)
      end
    end)
    return
  end
  -- Collected together with the task, which comes back for the report.
  task.sentinel = compat.finalizer(function()
    if task.sentinel then
      M.report(task)
    end
  end)
end

--- Somebody has received the failure of `task`.
---@param task curlew.Task
function M.forget(task)
  unawaited[task], task.sentinel = nil, nil
end

--- Reports all failures that nobody has awaited so far.
function M.flush()
  for task in each(unawaited) do
    M.report(task)
  end
end

--- Sets who is told of a failure that nobody awaited; nil restores the default, which prints it
--- with its traceback to stderr.
---@param fn? fun(err: any, task: curlew.Task)
function M.on_unhandled(fn)
  if fn ~= nil then
    errors.check_callable("the hook", fn)
  end
  hook = fn
end

return M
