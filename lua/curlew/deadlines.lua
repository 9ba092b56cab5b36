--- Deadlines: buckets, lists of what waits for one moment, with its `tick` and an `index` in a
--- binary heap, the earliest first. Pure.

local heap, by_tick = {}, {}

-- Tables that are read as they are: where memory is out, even a call may raise.
local M = { heap = heap, by_tick = by_tick, count = 0 }

local function place(bucket, index)
  heap[index], bucket.index = bucket, index
end

local function rise(bucket, index)
  while index > 1 do
    local above = (index - index % 2) / 2
    if heap[above].tick < bucket.tick then
      break
    end
    place(heap[above], index)
    index = above
  end
  place(bucket, index)
end

--- Adds an empty bucket. What raises for want of memory leaves nothing half done.
---@param tick number
---@return table bucket
function M.add(tick)
  local index = M.count + 1
  local bucket = { tick = tick, index = index, first = nil, last = nil }
  heap[index] = bucket
  by_tick[tick] = bucket
  M.count = index
  while index > 1 do -- as `rise`
    local above = (index - index % 2) / 2
    local parent = heap[above]
    if parent.tick < tick then
      break
    end
    heap[index], parent.index = parent, index
    heap[above], bucket.index = bucket, above
    index = above
  end
  return bucket
end

local function sink(bucket, index)
  local size = M.count
  while true do
    local below = 2 * index
    local child, other = heap[below], heap[below + 1]
    if below < size and other.tick < child.tick then
      child, below = other, below + 1
    end
    if below > size or bucket.tick < child.tick then
      break
    end
    place(child, index)
    index = below
  end
  place(bucket, index)
end

--- Takes a bucket out.
---@param bucket table
function M.drop(bucket)
  local size = M.count
  local index, moved = bucket.index, heap[size]
  by_tick[bucket.tick] = nil
  heap[size], M.count = nil, size - 1
  if moved ~= bucket then
    rise(moved, index)
    sink(moved, moved.index)
  end
end

return M
