--- Turns: what is ready runs in batches, and every call from luv ends with one.
---
--- A turn runs the calls that were queued before it began, then the calls deferred to its end. What
--- is queued meanwhile belongs to the next turn, before which the loop serves its timers and
--- sockets; so tasks that never cease to yield starve nobody.

local errors = require "curlew.error"
local uv = require "curlew.uv"
local warning = require "curlew.warning"

local M = {}

-- Queues longer than this many calls are given back to the collector after use.
local KEPT_LENGTH = 1024

local function new_queue()
  return { calls = {}, args = {}, length = 0, position = 0 }
end

local ready, running = new_queue(), new_queue() -- queued for the next turn; those of this turn
local closing = new_queue() -- deferred to the end of this turn
local busy = false -- inside a turn, or inside a call from luv that ends with one
local idle -- luv's idle handle: makes the loop turn without waiting, and calls `M.turn`
local idling = false
local order -- see `M.set_order`

local function append(queue, call, arg)
  local length = queue.length + 1
  queue.calls[length], queue.args[length], queue.length = call, arg, length
end

-- Runs the calls of a queue, also those that join meanwhile. Goes on where an error stopped it.
local function run_queue(queue)
  local calls, args = queue.calls, queue.args
  while queue.position < queue.length do
    local position = queue.position + 1
    local call, arg = calls[position], args[position]
    calls[position], args[position], queue.position = false, false, position
    call(arg)
  end
  queue.length, queue.position = 0, 0
end

local function recycled(queue)
  return #queue.calls <= KEPT_LENGTH and queue or new_queue()
end

local function run_turn()
  if running.length == 0 then -- else an error has cut the last turn short
    ready, running = recycled(running), ready
  end
  if order and running.position == 0 then
    order(running.calls, running.args, running.length)
  end
  run_queue(running)
  run_queue(closing)
end

-- Has the loop call `M.turn` as soon as it comes round, or no more.
local function set_idling(wanted)
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

local function report(ok, err)
  if not ok then
    warning.emit("error in a callback: " .. errors.describe(err))
  end
end

-- Calls `fn(...)` and then runs a turn. Errors are printed: let through, they would end the
-- process.
local function guarded(fn, ...)
  local nested = busy -- a task turns the loop itself: what is ready waits for the turn around it
  busy = true
  report(pcall(fn, ...))
  if not nested then
    report(pcall(run_turn))
    busy = false
    set_idling(ready.length + running.length + closing.length > 0)
  end
end

local function nothing() end

--- Runs one turn. Never raises.
function M.turn()
  guarded(nothing)
end

--- Makes of `fn` a callback for luv: the one way in which the loop enters curlew. The callback
--- never raises, and the tasks that `fn` wakes run before it returns.
---@param fn function
---@return function
function M.entry(fn)
  return function(...)
    guarded(fn, ...)
  end
end

--- Queues `call(arg)` for the next turn.
---@param call fun(arg: any)
---@param arg any
function M.push(call, arg)
  append(ready, call, arg)
  if not busy then
    set_idling(true)
  end
end

--- Queues `call(arg)` for the end of this turn, or of the next outside of one.
---@param call fun(arg: any)
---@param arg any
function M.defer(call, arg)
  append(closing, call, arg)
  if not busy then
    set_idling(true)
  end
end

--- Whether something waits for a turn.
---@return boolean
function M.has_more()
  return idling
end

--- Whether the call that runs now is the last one queued so far.
---@return boolean
function M.is_quiet()
  return ready.length == 0 and running.position == running.length and closing.length == 0
end

--- Has `reorder(calls, args, length)` rearrange what runs in a turn, for tests; nil: first come,
--- first served.
---@param reorder? fun(calls: function[], args: any[], length: integer)
function M.set_order(reorder)
  order = reorder
end

--- Gives the handle back to the loop; a later `push` makes another.
function M.release()
  if idle and not idling then
    idle:close()
    idle = nil
  end
end

return M
