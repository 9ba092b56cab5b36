--- Many calls as one. Where a list is taken, its items are tasks, or functions, which become tasks.

local compat = require "curlew.compat"
local errors = require "curlew.error"
local items = require "curlew.items"
local task = require "curlew.task"
local unhandled = require "curlew.unhandled"
local wait = require "curlew.wait"

local M = {}

local function run_item(item)
  if items.is_task(item) then
    return item:await()
  end
  return item()
end

-- Cancels the tasks among the items that have not ended.
local function cancel_tasks(list, count)
  for index = 1, count do
    if items.is_task(list[index]) then
      list[index]:cancel("its list has ended without it")
    end
  end
end

-- Calls `fn(index, item, group)` in a child for each item, and waits for all. The first that raises
-- ends the others, the tasks among the items included.
local function run_all(list, count, fn)
  local function run(index, group)
    local ok, err = task.protect(fn, index, list[index], group)
    if not ok then
      cancel_tasks(list, count)
      error(err, 0)
    end
  end
  local ok, err = task.protect(task.group, function(group)
    for index = 1, count do
      group:spawn(run, index, group)
    end
  end)
  cancel_tasks(list, count) -- those whose child was cancelled before it began
  local left = {}
  for index = 1, count do
    left[#left + 1] = items.is_task(list[index]) and list[index] or nil
  end
  task.pcall(wait.wait, left) -- a cancellation is raised at the next wait
  return errors.unwrap(ok, err)
end

--- Waits for all items. The first failure cancels the rest and is raised unchanged.
---@async
---@param list (function|curlew.Task)[]
---@return any[] results the first result of each, in the list's order; `n` is their number
function M.gather(list)
  local count = items.check(list, task.current())
  local results = { n = count }
  run_all(list, count, function(index, item)
    results[index] = run_item(item)
  end)
  return results
end

--- Waits for all items, whatever becomes of them.
---@async
---@param list (function|curlew.Task)[]
---@return { ok: boolean, value: any, err: any }[] outcomes in the list's order; `n` is their number
function M.settle(list)
  local count = items.check(list, task.current())
  local outcomes = { n = count }
  run_all(list, count, function(index, item)
    local ok, value = task.pcall(run_item, item)
    outcomes[index] = ok and { ok = true, value = value }
      or { ok = false, err = errors.or_described(value) }
  end)
  return outcomes
end

--- Waits for the first item to end, and cancels the rest. Its error is raised when it has failed.
---@async
---@param list (function|curlew.Task)[]
---@return integer index
---@return any ... its results
function M.race(list)
  local count = items.check(list, task.current())
  if count == 0 then
    errors.blame("a race needs at least one item")
  end
  local winner, ended
  run_all(list, count, function(index, item, group)
    local mine, self = compat.pack(task.protect(run_item, item)), task.current()
    if not winner then -- the first to end decides the race, and ends the others
      winner, ended = index, mine
      group:cancel()
      cancel_tasks(list, count)
    elseif not mine[1] and mine[2] ~= self.cancel_error then
      unhandled.tell(errors.or_described(mine[2]), self)
    end
  end)
  if not ended[1] then
    error(errors.or_described(ended[2]), 0)
  end
  return winner, compat.unpack(ended, 2, ended.n)
end

--- Calls `fn(item, index)` for each item of a list, at most `limit` at once, and waits for all. The
--- first failure cancels the rest and is raised unchanged.
---@async
---@param list any[]
---@param fn fun(item: any, index: integer): any
---@param options? { limit?: integer } default: all at once
---@return any[] results the first result of each call, in the list's order; `n` is their number
function M.map(list, fn, options)
  errors.check_type("the list", list, "table")
  errors.check_callable("the function to map", fn)
  local limit = errors.check_options(options, { limit = "number" }).limit or math.huge
  if limit ~= limit or limit < 1 then
    errors.blame("the limit must be a number of at least 1, got %s", tostring(limit))
  end
  local count, taken = list.n or #list, 0
  local results = { n = count }
  local function work()
    while taken < count do
      taken = taken + 1
      local index = taken
      results[index] = fn(list[index], index)
    end
  end
  task.group(function(group)
    for _ = 1, math.min(limit, count) do
      group:spawn(work)
    end
  end)
  return results
end

return M
