--- The kernel of the task runtime: the only place that resumes a coroutine and the only one that
--- yields. Everything that waits is built of `checkpoint`, `park` and `wake`; everything that ends
--- a wait early, of cancel scopes. Sleeping, groups, `run` and the rest stand on this module.

local cancellation = require "curlew.cancellation"
local compat = require "curlew.compat"
local coroutines = require "curlew.coroutines"
local debugging = require "curlew.debugging"
local ending = require "curlew.ending"
local errors = require "curlew.error"
local Handle = require "curlew.handle"
local homes = require "curlew.homes"
local list = require "curlew.list"
local spawning = require "curlew.spawning"
local trace = require "curlew.trace"
local turn = require "curlew.turn"
local waking = require "curlew.waking"

local resume, yield, running = coroutine.resume, coroutine.yield, coroutine.running
local is_yieldable = compat.is_yieldable
local pack, unpack = compat.pack, compat.unpack
local call = spawning.call
local due, RAISE = cancellation.due, cancellation.RAISE
local push = turn.push

local M = {}

-- What a task yields: PARK while it waits, CALL and a function to run that in a coroutine of its
-- own, DONE when its function has returned.
local PARK, CALL, DONE = {}, {}, {}

local current -- the task that runs now

--- The running task, nil outside of one. Does not wait.
---@return curlew.Task?
function M.current()
  return current
end

function errors.stacks_around()
  return current and current.outer
end

M.roots = ending.roots
M.spawn, M.spawn_in = spawning.spawn, spawning.spawn_in
M.wake = waking.wake
M.wake_all = waking.wake_all

--- The error that the next wait of the running task will raise, or nil.
function M.due()
  return due(current)
end

-- The traceback of a string error is noted where it passes a scope, which unwinds the stack.
local function note_traceback(err)
  if current then
    current:note(err, running())
  end
  return err
end

-- Resuming -------------------------------------------------------------------------------------

local settle

-- Runs the innermost coroutine of a task until it yields or ends.
local function enter(task, first, second)
  current = task
  local ok, marker, body = resume(task.co, first, second)
  current = nil
  if marker ~= PARK then
    settle(task, ok, marker, body)
  end
end

-- Code that yields behind the runtime's back is told so at its own line, by a hook that fires as
-- soon as it runs on; so it is unwound like any other error.
local function refuse_yield(task)
  local co = task.co
  local message = (trace.where(task) or "?")
    .. ": a task must not call coroutine.yield itself: use task.yield or another wait"
  local is_told = false
  debug.sethook(co, function()
    if running() == co then -- LuaJIT's hooks are one for all coroutines
      debug.sethook(co)
      is_told = true
      error(message, 0)
    end
  end, "", 1)
  current = task
  local ok, marker, body = resume(co)
  current = nil
  debug.sethook(co)
  if not is_told then -- it was the last thing that the coroutine did
    ok, marker = false, message
  end
  return settle(task, ok, marker, body)
end

-- What a coroutine runs: the functions of one task after another.
local function serve(task)
  while true do
    call(task)
    task = yield(DONE)
  end
end

-- Takes what a resume gave but for PARK: the task has ended or called, it has yielded by itself, or
-- its coroutine is dead.
function settle(task, ok, marker, body)
  if marker == PARK then
    return
  elseif marker == DONE then
    coroutines.keep(task.co)
    task.co = nil
    return ending.conclude(task, "done")
  elseif ok and coroutine.status(task.co) ~= "dead" then
    if marker == CALL then
      task.outer = { co = task.co, outer = task.outer }
      task.co = coroutine.create(body)
      return enter(task)
    end
    return refuse_yield(task)
  end
  if task.abort then -- it died in a wait that could not yield, of a Lua that cannot tell beforehand
    task.abort(task.value, task)
    task.abort = false
  end
  local outer = task.outer
  if outer then
    if not ok then
      task:note(marker, task.co)
    end
    task.co, task.outer = outer.co, outer.outer
    return enter(task, ok, marker)
  elseif marker == errors.OUT_OF_MEMORY then
    task.co = nil -- with all that it holds
    collectgarbage() -- so that there is room for what comes next: not every Lua does it by itself
  end
  ending.fail(task, marker)
end

local function step(task)
  local state = task.state
  if state ~= "ready" and state ~= "scheduled" then -- it was ended before
    return
  end
  task.state = "running"
  local value = task.value
  if not task.co then
    task.co, value = coroutines.take(serve), task
  elseif value ~= nil then
    task.value = nil
  end
  enter(task, value)
end

-- Ends a task whose step has raised, as when memory is out.
local function break_off(task, err)
  current, task.co, task.outer = nil, nil, nil
  if task:done() then
    ending.conclude(task, task.state)
  else
    ending.fail(task, err)
  end
end

turn.set_step(debugging.enabled and function(task)
  debugging.watch_step(task, step)
end or step, break_off)

-- Waiting --------------------------------------------------------------------------------------

--- Raises, at the caller's line, when the caller is no task.
---@return curlew.Task the running task
function M.check_task()
  if not current then
    errors.blame("this function waits, and so must be called inside a task: "
      .. "see curlew.run and task.spawn")
  end
  return current
end

local function refuse_place()
  if running() ~= M.check_task().co then
    errors.blame("cannot wait inside a coroutine other than the task's own")
  end
  errors.blame("cannot wait here: a C function stands between the task and this call "
    .. "(table.sort, string.gsub, require or, on Lua 5.1, pcall: use task.pcall there)")
end

--- The first line of everything that waits: raises when the caller is no task, cannot yield here,
--- or is to be cancelled. Call it before anything is registered.
---@return curlew.Task the running task
function M.checkpoint()
  local task = current
  if not task or running() ~= task.co or not is_yieldable() then
    refuse_place()
  end
  if task.cancel_error or task.scope then
    local err = due(task)
    if err then
      error(err, 0)
    end
  end
  return task
end

local checkpoint = M.checkpoint

--- Suspends the running task until `wake(task, value)`, and returns that value. When the task is
--- cancelled first, `abort(arg, task)` must undo the registration, so that `wake` is not called for
--- it any more; the cancellation is raised here. Without `abort` the wait cannot be ended early.
---@param abort? fun(arg: any, task: curlew.Task)
---@param arg? any
---@return any
function M.park(abort, arg)
  local task = current
  task.state, task.abort, task.value = "waiting", abort, arg
  local value = yield(PARK)
  if value == RAISE then
    error(due(task), 0)
  end
  return value
end

--- Suspends the running task at the end of a list, until it is shifted out and woken.
---@param waiting table a list of `curlew.list`
---@return any value as of `park`
function M.wait_in(waiting)
  list.push(waiting, current)
  return M.park(list.remove, current)
end

--- Lets all other ready tasks, and the loop, go on. Waits.
---@async
function M.yield()
  local task = checkpoint()
  task.state = "ready"
  push(task)
  yield(PARK)
end

-- pcall in a coroutine of its own, which the stepper runs: a wait inside it yields to no C frame.
-- Where the task could not wait anyway, plain pcall does.
local function call_apart(fn, ...)
  if current and running() == current.co and compat.is_yieldable() then
    local args = pack(...)
    local ok, results = yield(CALL, function()
      return pack(fn(unpack(args, 1, args.n)))
    end)
    if ok then
      return true, unpack(results, 1, results.n)
    end
    return false, results
  end
  return pcall(fn, ...)
end

--- A `pcall` inside of which a task may wait, on every Lua: plain `pcall` but on Lua 5.1.
---@type fun(fn: function, ...: any): boolean, ...
M.pcall = compat.yields_across_pcall and pcall or call_apart

--- As `M.pcall`, and notes the traceback of a string error before it is unwound.
M.protect = compat.yields_across_pcall and function(fn, ...)
  return xpcall(fn, note_traceback, ...)
end or call_apart

-- Tasks ----------------------------------------------------------------------------------------

--- Waits until the task has ended. Returns its results, or raises its error unchanged; for a
--- cancelled task an error of kind "cancelled".
---@async
function Handle:await()
  local waiter = checkpoint()
  if waiter == self then
    errors.blame("a task cannot await itself")
  end
  if not self:done() then
    M.wait_in(self)
  end
  if self.state == "failed" then
    waiter:note_failure(self)
  end
  return self:result()
end

-- The rest of the public table stands on this module, so it is loaded when it is first asked for.
return setmetatable(M, {
  __index = function(_, name)
    local home = homes[name]
    return home and require(home)[name]
  end,
}) --[[@as curlew.tasks]]
