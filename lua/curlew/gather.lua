--- Many calls as one. Where a list is taken, its items are tasks, or functions, which become tasks.

local compat = require "curlew.compat"
local errors = require "curlew.error"
local Handle = require "curlew.handle"
local task = require "curlew.task"
local unhandled = require "curlew.unhandled"

local M = {}

local function is_task(item)
  return getmetatable(item) == Handle
end

--- Checks a list of tasks and functions; returns its length.
---@param list (function|curlew.Task)[]
---@return integer
function M.check_items(list)
  errors.check_type("the list", list, "table")
  local count = list.n or #list
  for index = 1, count do
    if not is_task(list[index]) then
      errors.check_callable(("item %d of the list"):format(index), list[index])
    end
  end
  return count
end

local function run_item(item)
  if is_task(item) then
    return item:await()
  end
  return item()
end

local function cancel_tasks(list, count)
  for index = 1, count do
    if is_task(list[index]) then
      list[index]:cancel("its list has ended without it")
    end
  end
end

--- Waits for all items. The first failure cancels the rest and is raised unchanged.
---@async
---@param list (function|curlew.Task)[]
---@return any[] results the first result of each, in the list's order; `n` is their number
function M.gather(list)
  local count = M.check_items(list)
  local results = { n = count }
  local ok, err = task.protect(task.group, function(group)
    for index = 1, count do
      group:spawn(function()
        results[index] = run_item(list[index])
      end)
    end
  end)
  if not ok then
    cancel_tasks(list, count)
    error(err, 0)
  end
  return results
end

--- Waits for all items, whatever becomes of them.
---@async
---@param list (function|curlew.Task)[]
---@return { ok: boolean, value: any, err: any }[] outcomes in the list's order; `n` is their number
function M.settle(list)
  local count = M.check_items(list)
  local outcomes = { n = count }
  local ok, err = task.protect(task.group, function(group)
    for index = 1, count do
      group:spawn(function()
        local ended, value = task.pcall(run_item, list[index])
        outcomes[index] = ended and { ok = true, value = value }
          or { ok = false, err = errors.or_described(value) }
      end)
    end
  end)
  if not ok then -- cancelled from outside
    cancel_tasks(list, count)
    error(err, 0)
  end
  return outcomes
end

-- A runner of a race: the first to end decides it, and ends the others.
local function run_against(race, group, index, item)
  local ended = compat.pack(task.protect(run_item, item))
  local self = task.current()
  if not race.winner then
    race.winner, race.ended = index, ended
    group:cancel()
  elseif not ended[1] and ended[2] ~= self.cancel_error then
    unhandled.tell(errors.or_described(ended[2]), self)
  end
end

--- Waits for the first item to end, and cancels the rest. Its error is raised when it has failed.
---@async
---@param list (function|curlew.Task)[]
---@return integer index
---@return any ... its results
function M.race(list)
  local count = M.check_items(list)
  if count == 0 then
    errors.blame("a race needs at least one item")
  end
  local race = {}
  local ok, err = task.protect(task.group, function(group)
    for index = 1, count do
      group:spawn(run_against, race, group, index, list[index])
    end
  end)
  cancel_tasks(list, count)
  if not ok then
    error(err, 0)
  elseif not race.ended[1] then
    error(errors.or_described(race.ended[2]), 0)
  end
  return race.winner, compat.unpack(race.ended, 2, race.ended.n)
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
