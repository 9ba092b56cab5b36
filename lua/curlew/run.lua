--- The runner: a main task on luv's loop, from its start until nothing of it is left.

local closing = require "curlew.closing"
local each = require("curlew.compat").each
local errors = require "curlew.error"
local list = require "curlew.list"
local neovim = require "curlew.neovim"
local task = require "curlew.task"
local time = require "curlew.time"
local trace = require "curlew.trace"
local tree = require "curlew.tree"
local turn = require "curlew.turn"
local unhandled = require "curlew.unhandled"
local uv = require "curlew.uv"

local M = {}

local running = false
local at_end = {} -- functions to call when a run ends, in order

--- Registers a function that is called at the end of each run, after its tasks have ended.
---@param fn fun()
function M.at_end(fn)
  at_end[#at_end + 1] = fn
end

-- Turns the loop until `finished()`. False when that can never be: nothing in the loop is left that
-- could wake a task.
local function turn_until(finished)
  while not finished() do
    turn.catch_up()
    local alive = uv.run("once")
    if not alive and not turn.has_more() and not finished() then
      return false
    end
  end
  return true
end

local function describe_deadlock()
  return "deadlock: nothing in the loop can wake any of these tasks\n" .. tree.tree(1)
end

-- Cancels all tasks, those included that are spawned meanwhile, and waits for them. Returns a
-- description when some can never end.
local function cancel_all(reason)
  local function nothing_lives()
    for _, member in ipairs(tree.roots()) do
      member:cancel(reason)
    end
    return next(task.roots) == nil
  end
  if not turn_until(nothing_lives) then
    local description = describe_deadlock()
    for member in each(task.roots) do -- waits behind a shield for what cannot come
      task.roots[member] = nil
    end
    return description
  end
end

-- The first SIGINT cancels the main task; the handler is gone then, so that the second one kills.
local function watch_interrupt(main, signal)
  signal:start("sigint", turn.entry(function()
    signal:stop()
    main:cancel("interrupted")
  end))
  signal:unref()
end

-- Turns the loop until the main task has ended. Returns a description when it never can.
local function run_main(main, signal)
  watch_interrupt(main, signal)
  list.push(main, { notify = turn.stop }) -- what is ready when it ends does not go on by chance
  local ended = turn_until(function()
    return main:done()
  end)
  return not ended and describe_deadlock() or nil
end

-- Ends all that is left of a run. Returns a description when some can never end.
local function wind_up(main, signal)
  local stuck = cancel_all("the run has ended")
  unhandled.forget(main)
  unhandled.flush()
  for _, fn in ipairs(at_end) do
    fn()
  end
  turn_until(function()
    return not turn.has_more()
  end)
  if signal then
    closing.close(signal)
  end
  time.release()
  turn.release()
  uv.run("nowait") -- lets luv finish the closing
  return stuck
end

-- Runs a main task, and ends what is left of it, whatever is raised. Returns what has gone wrong.
local function run_all(main)
  local has_signal, signal = pcall(uv.new_signal)
  local problem = signal
  if has_signal then
    problem = select(2, pcall(run_main, main, signal))
  end
  local stuck = select(2, errors.insist(wind_up, main, has_signal and signal))
  return problem or stuck
end

--- Runs `fn(...)` as the main task, turning luv's loop until it ends; tasks that are still alive
--- then are cancelled and waited for. SIGINT cancels the main task, a second SIGINT kills. Raises
--- when nothing can wake the main task any more, and names where each task stands. Not to be called
--- inside a task, another run or Neovim.
---@param fn function|table
---@param ... any
---@return any ... the results of `fn`; its error is raised, a string with the task's traceback
function M.run(fn, ...)
  errors.check_callable("the main function", fn)
  if task.current() then
    errors.blame("run cannot be called inside a task: call the function itself, or spawn it")
  elseif running then
    errors.blame("run cannot be called inside another run: use spawn")
  elseif neovim.schedule then
    errors.blame("run cannot be called inside Neovim, whose loop turns already: use spawn, and "
      .. "vim.wait where the editor is to wait for a task")
  elseif uv.loop_mode and uv.loop_mode() then
    errors.blame("run cannot be called in a callback of the loop, which runs already: use spawn")
  end
  local main = task.spawn(fn, ...)
  running = true
  local problem = run_all(main)
  running = false
  if problem then
    error(problem, 0)
  elseif main.state == "failed" and type(main.error) == "string" then
    error(trace.report(main.error, main:traceback()), 0)
  end
  return main:result()
end

return M
