--- How tasks begin: made and scheduled here, run by `curlew.task`.

local compat = require "curlew.compat"
local debugging = require "curlew.debugging"
local ending = require "curlew.ending"
local errors = require "curlew.error"
local Handle = require "curlew.handle"
local turn = require "curlew.turn"

local pack, unpack = compat.pack, compat.unpack
local roots = ending.roots
local push = turn.push

local M = {}

local NOTHING = { n = 0 }

local created = 0

-- Keeps what a function is given, or has returned: one value as it is, others packed.
local function keep(task, ...)
  local count = select("#", ...)
  if count == 1 then
    task.value = ...
  else
    task.packed = count == 0 and NOTHING or pack(...)
  end
end

--- For the kernel: calls the function of a task with its arguments, and keeps the results.
function M.call(task)
  local fn, packed, value = task.fn, task.packed, task.value
  task.fn, task.packed, task.value = nil, nil, nil
  if not packed then
    keep(task, fn(value))
  elseif packed == NOTHING then
    keep(task, fn())
  else
    keep(task, fn(unpack(packed, 1, packed.n)))
  end
end

-- Schedules `fn(...)` as a task, for the group that owns it, if any, and is told when it has ended.
local function spawn_in(owner, fn, ...)
  if type(fn) ~= "function" then
    errors.check_callable("the function to spawn", fn)
    fn = type(fn) == "table" and fn.into_function and fn:into_function() or fn
  end
  created = created + 1
  -- The fields that come later are named to make room: a table that grows costs more than a task.
  local task = setmetatable({
    id = created,
    state = "unborn",
    fn = fn,
    owner = owner,
    packed = nil,
    co = nil,
    abort = nil,
    value = nil,
    scope = nil,
    cancel_error = nil,
    first = nil,
    last = nil,
    list = nil,
    next = nil,
    previous = nil,
    after = nil,
  }, Handle)
  keep(task, ...)
  if debugging.enabled then
    debugging.note_spawn(task)
  end
  push(task)
  if owner then
    owner:adopt(task)
  else
    roots[task] = true
  end
  task.state = "scheduled" -- only now: where memory is out, nothing is spawned
  return task
end

--- Schedules `fn(...)` as a task. It starts on a later turn, never inside `spawn`, in any live
--- loop.
---@param fn function|table a function, or a coroutine object of `task.async`
---@param ... any
---@return curlew.Task
function M.spawn(fn, ...)
  return spawn_in(nil, fn, ...)
end

M.spawn_in = spawn_in

return M
