--- Turns: the tasks that are ready run in rounds, and every call from luv ends with a turn.
---
--- A round runs the tasks that were ready when it began; what they make ready belongs to the next
--- round. Rounds follow one another for a moment, and then the loop serves its timers and sockets:
--- tasks that never cease to yield starve nobody. A turn ends with the calls deferred to its end.
---
--- Inside Neovim, what luv calls only makes tasks ready: the turns are run by Neovim's main loop.

local closing = require "curlew.closing"
local errors = require "curlew.error"
local neovim = require "curlew.neovim"
local uv = require "curlew.uv"
local warning = require "curlew.warning"

local M = {}

-- Nanoseconds after which no further round begins before the loop was served: looking for sockets
-- that are ready costs as much as several switches.
local LONGEST_TURN = 1e6

-- What is queued is linked by `after`, a field that it was made with: to wake a task and to go on
-- with a driver need no memory, so they cannot fail for want of it.
local ready_first, ready_last -- tasks of the next round
local round_first -- those of this one that have not run yet
local deferred_first, deferred_last -- see `M.later`
local stepping -- the task that runs
local deadline -- of `uv.hrtime`, after which this turn begins no further round
local step, break_off -- see `M.set_step`
local order -- see `M.set_order`

local busy = false -- inside a turn, or inside a call from luv that ends with one
local idle -- luv's idle handle: makes the loop turn without waiting, and calls `M.turn`
local idling = false

-- For tests: the tasks of a round in another order.
local function reordered(first)
  local tasks, count = {}, 0
  while first do
    count = count + 1
    tasks[count], first = first, first.after
  end
  order(tasks, count)
  for i = 1, count do
    tasks[i].after = tasks[i + 1]
  end
  return tasks[1]
end

-- Runs one round, or what an error has left of one.
local function run_round()
  if not round_first then
    round_first, ready_first, ready_last = ready_first, nil, nil -- which holds no task any more
    if order then
      round_first = reordered(round_first)
    end
  end
  local task = round_first
  while task do
    round_first, task.after = task.after, nil
    stepping = task
    step(task)
    task = round_first
  end
  stepping = nil
end

-- Runs what was deferred, also what is deferred meanwhile.
local function run_deferred()
  local work = deferred_first
  while work do
    deferred_first, work.after, work.is_queued = work.after, nil, false
    if not deferred_first then
      deferred_last = nil
    end
    local ok, err = pcall(work.call, work.arg)
    if err == errors.OUT_OF_MEMORY then
      M.enqueue(work) -- there may be enough in the next turn
    end
    errors.unwrap(ok, err)
    work = deferred_first
  end
end

local function run_turn()
  deadline = uv.hrtime() + LONGEST_TURN
  repeat
    run_round()
  until not ready_first or uv.hrtime() >= deadline
  if deferred_first then
    run_deferred()
  end
end

local function has_more()
  return (ready_first or round_first or deferred_first) ~= nil
end

-- Has the loop call `M.turn` as soon as it comes round, or no more. Others may have closed the
-- handle. What luv calls while the Lua state ends finds it collected, and what it calls while
-- Neovim leaves, which closes all handles, finds it closing: too late for any turn.
local function set_idling(wanted)
  if wanted and idle then
    local ok, is_closing = pcall(idle.is_closing, idle)
    if not ok or is_closing and neovim.schedule then
      return
    elseif is_closing then
      idle, idling = nil, false
    end
  end
  if wanted ~= idling then
    if wanted then
      idle = idle or uv.new_idle()
      idle:start(M.turn)
    else
      idle:stop()
    end
    idling = wanted
  end
end

local function report(err)
  warning.emit("error in a callback: " .. errors.describe(err))
end

-- Takes what a protected call has returned. Errors are printed, if there is memory to do so: let
-- through, they would end the process.
local function caught(ok, err)
  if not ok then
    pcall(report, err)
  end
  return ok, err
end

local function insist(fn, ...)
  return caught(errors.insist(fn, ...))
end

-- Ends the task whose step has raised `err`.
local function give_up(err)
  local task = stepping
  if task then
    insist(break_off, task, err)
    stepping = nil
  end
end

-- Calls `fn(...)` and then runs a turn.
local function guarded(fn, ...)
  local nested = busy -- a task turns the loop itself: what is ready waits for the turn around it
  busy = true
  insist(fn, ...)
  if not nested then
    local ok, err = caught(pcall(run_turn))
    if not ok then
      insist(give_up, err)
    end
    busy = false
    insist(set_idling, has_more())
  end
end

local function nothing() end

--- Runs one turn. Never raises.
function M.turn()
  guarded(nothing)
end

-- How luv enters: see `M.entry`.
local enter = guarded

if neovim.schedule then
  local is_scheduled = false

  local function run_scheduled()
    is_scheduled = false
    guarded(nothing)
  end

  -- For the idle handle, by which every turn comes: were the next one scheduled by one that leaves
  -- something to do, Neovim would run it before it looks at its sockets and keys.
  function M.turn()
    set_idling(false)
    if not is_scheduled then
      is_scheduled = true
      neovim.schedule(run_scheduled)
    end
  end

  enter = insist
end

--- Has this turn begin no further round.
function M.stop()
  deadline = 0
end

--- Makes of `fn` a callback for luv: the one way in which the loop enters curlew. The callback
--- never raises, and the tasks that `fn` wakes run before it returns; inside Neovim, soon after.
--- Where memory is out, `fn` is called again: it must bear that.
---@param fn function
---@return function
function M.entry(fn)
  return function(...)
    enter(fn, ...)
  end
end

--- Has a task go on in the next round. Needs memory only outside of a turn.
---@param task curlew.Task which is not queued
function M.push(task)
  if not busy then
    set_idling(true)
  end
  if ready_last then
    ready_last.after = task
  else
    ready_first = task
  end
  ready_last = task
end

--- Makes a call that can be queued, needing no memory then: see `enqueue`.
---@param call fun(arg: any)
---@param arg any
---@return table work
function M.later(call, arg)
  return { call = call, arg = arg, is_queued = false, after = nil }
end

--- Queues a call for the end of this turn, or of the next outside of one; nothing happens when it
--- is queued.
---@param work table of `later`
function M.enqueue(work)
  if work.is_queued then
    return
  elseif not busy then
    set_idling(true)
  end
  work.is_queued = true
  if deferred_last then
    deferred_last.after = work
  else
    deferred_first = work
  end
  deferred_last = work
end

--- Queues `call(arg)` for the end of this turn, or of the next outside of one.
---@param call fun(arg: any)
---@param arg any
function M.defer(call, arg)
  M.enqueue(M.later(call, arg))
end

--- Whether something waits for a turn.
---@return boolean
M.has_more = has_more

--- Whether no task is ready but the one that runs.
---@return boolean
function M.is_quiet()
  return not ready_first and not round_first
end

--- Has what waits for a turn get one, where memory was out when the loop was to be told.
function M.catch_up()
  if not idling and has_more() then
    M.turn()
  end
end

--- Sets what goes on with a task that is ready, and what ends one whose step has raised.
---@param go_on fun(task: curlew.Task)
---@param break_off_task fun(task: curlew.Task, err: any)
function M.set_step(go_on, break_off_task)
  step, break_off = go_on, break_off_task
end

--- Has `reorder(tasks, count)` rearrange what runs in a round, for tests; nil: first come, first
--- served.
---@param reorder? fun(tasks: curlew.Task[], count: integer)
function M.set_order(reorder)
  order = reorder
end

--- Gives the handle back to the loop; a later `push` makes another.
function M.release()
  if idle and not idling then
    closing.close(idle)
    idle = nil
  end
end

return M
