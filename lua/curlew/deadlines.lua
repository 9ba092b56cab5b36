--- Deadlines: buckets, lists of what waits for one moment, with its `tick` and an `index` in a
--- binary heap, the earliest first. Pure.

local M = {}

local buckets = {} -- by tick
local heap, size = {}, 0

--- The earliest bucket, nil when there is none.
---@return table?
function M.first()
  return size > 0 and heap[1] or nil
end

--- The bucket of a moment, if there is one.
---@param tick number
---@return table?
function M.at(tick)
  return buckets[tick]
end

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

--- Adds an empty bucket. Where memory is out, even a call may raise: nothing is half done then.
---@param tick number
---@return table bucket
function M.add(tick)
  local index = size + 1
  local bucket = { tick = tick, index = index, first = nil, last = nil }
  heap[index] = bucket
  buckets[tick] = bucket
  size = index
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
  local index, moved = bucket.index, heap[size]
  buckets[bucket.tick] = nil
  heap[size], size = nil, size - 1
  if moved ~= bucket then
    rise(moved, index)
    sink(moved, moved.index)
  end
end

return M
