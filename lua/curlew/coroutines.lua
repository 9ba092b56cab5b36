--- Coroutines whose task has ended serve the next tasks: one costs more than the rest of a task.

local M = {}

local MOST_KEPT = 1000

local kept, count = {}, 0

--- A coroutine that waits for its next task, or a new one of `body`.
---@param body function
---@return thread
function M.take(body)
  if count == 0 then
    return coroutine.create(body)
  end
  local co = kept[count]
  kept[count], count = nil, count - 1
  return co
end

--- Keeps a coroutine that waits for its next task.
---@param co thread
function M.keep(co)
  if count < MOST_KEPT then
    kept[count + 1] = co
    count = count + 1
  end
end

return M
