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

-- Queues longer than this many tasks are given back to the collector after use.
local KEPT_LENGTH = 1024

local ready, ready_count = {}, 0 -- tasks of the next round
local round, round_count, position = {}, 0, 0 -- those of this one; up to `position` they have run
local deferred, deferred_count = {}, 0 -- calls and their arguments, in turn
local done = 0 -- up to where these have run
local deadline -- of `uv.hrtime`, after which this turn begins no further round
local step, break_off -- see `M.set_step`
local order -- see `M.set_order`

local busy = false -- inside a turn, or inside a call from luv that ends with one
local idle -- luv's idle handle: makes the loop turn without waiting, and calls `M.turn`
local idling = false

local function begin_round()
  local used = round_count <= KEPT_LENGTH and round or {}
  round, round_count, position = ready, ready_count, 0
  ready, ready_count = used, 0
  if order then
    order(round, round_count)
  end
end

-- Runs one round, or what an error has left of one.
local function run_round()
  if position == round_count then
    begin_round()
  end
  local tasks = round
  while position < round_count do
    position = position + 1
    step(tasks[position])
    tasks[position] = nil
  end
end

-- Runs what was deferred, also what is deferred meanwhile.
local function run_deferred()
  while done < deferred_count do
    local call, arg = deferred[done + 1], deferred[done + 2]
    deferred[done + 1], deferred[done + 2] = nil, nil
    done = done + 2
    call(arg)
  end
  deferred_count, done = 0, 0
end

local function run_turn()
  deadline = uv.hrtime() + LONGEST_TURN
  repeat
    run_round()
  until ready_count == 0 or uv.hrtime() >= deadline
  if deferred_count > 0 then
    run_deferred()
  end
end

local function has_more()
  return ready_count > 0 or position < round_count or deferred_count > 0
end

-- Has the loop call `M.turn` as soon as it comes round, or no more. Others may have closed the
-- handle; and what luv calls while the Lua state ends finds it collected: too late for any turn.
local function set_idling(wanted)
  if wanted and idle then
    local ok, is_closing = pcall(idle.is_closing, idle)
    if not ok then
      return
    elseif is_closing then
      idle, idling = nil, false
    end
  end
  if wanted ~= idling then
    idling = wanted
    if wanted then
      idle = idle or uv.new_idle()
      idle:start(M.turn)
    else
      idle:stop()
    end
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

-- Ends the task whose step has raised `err`.
local function give_up(err)
  local task = round[position]
  round[position] = nil
  if task then
    break_off(task, err)
  end
end

-- Calls `fn(...)` and then runs a turn.
local function guarded(fn, ...)
  local nested = busy -- a task turns the loop itself: what is ready waits for the turn around it
  busy = true
  caught(pcall(fn, ...))
  if not nested then
    local ok, err = caught(pcall(run_turn))
    if not ok then
      caught(pcall(give_up, err))
    end
    busy = false
    set_idling(has_more())
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

  function enter(fn, ...)
    caught(pcall(fn, ...))
  end
end

--- Has this turn begin no further round.
function M.stop()
  deadline = 0
end

--- Makes of `fn` a callback for luv: the one way in which the loop enters curlew. The callback
--- never raises, and the tasks that `fn` wakes run before it returns; inside Neovim, soon after.
---@param fn function
---@return function
function M.entry(fn)
  return function(...)
    enter(fn, ...)
  end
end

--- Has a task go on in the next round.
---@param task curlew.Task
function M.push(task)
  local count = ready_count + 1
  ready[count], ready_count = task, count
  if not busy then
    set_idling(true)
  end
end

--- Queues `call(arg)` for the end of this turn, or of the next outside of one.
---@param call fun(arg: any)
---@param arg any
function M.defer(call, arg)
  local count = deferred_count + 2
  deferred[count - 1], deferred[count], deferred_count = call, arg, count
  if not busy then
    set_idling(true)
  end
end

--- Whether something waits for a turn.
---@return boolean
M.has_more = has_more

--- Whether no task is ready but the one that runs.
---@return boolean
function M.is_quiet()
  return ready_count == 0 and position == round_count
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
