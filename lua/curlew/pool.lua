--- Who may start: limits on transfers at once, per origin and in total, with queues in front. Pure:
--- it counts and queues tickets, tables with an `origin`, and starts nothing itself.
---
--- Fair: within an origin first come, first served; among origins that wait for the total, in turn.

local each = require("curlew.compat").each
local list = require "curlew.list"

---@class curlew.Pool
local Pool = { __name = "curlew.Pool" }
Pool.__index = Pool

local M = {}

-- Tickets of one origin that share a multi handle. For each request libcurl walks over all of its
-- connections to the host; more multi handles each walk over fewer.
local PER_SHARD = 128

--- Makes a pool.
---@param max integer tickets at once in total
---@param per_origin integer the same for each origin
---@param max_queue? integer tickets that may wait, nil for any number
---@return curlew.Pool
function M.new(max, per_origin, max_queue)
  return setmetatable({
    max = max,
    per_origin = per_origin,
    max_queue = max_queue or math.huge,
    active = 0,
    queued = 0,
    origins = {},
    -- List of the origins that have waiting tickets and room for them.
    eligible = { first = nil, last = nil },
  }, Pool)
end

-- An origin is itself the list of its waiting tickets.
local function origin_of(pool, ticket)
  local origin = pool.origins[ticket.origin]
  if not origin then
    origin = { name = ticket.origin, active = 0, limit = pool.per_origin }
    pool.origins[ticket.origin] = origin
  end
  return origin
end

-- Puts an origin into, or out of, the list of those that could start one of their tickets.
local function update(pool, origin)
  if origin.first and origin.active < origin.limit then
    if not origin.list then
      list.push(pool.eligible, origin)
    end
    return
  elseif origin.list then
    list.remove(origin)
  end
  if origin.active == 0 and not origin.first then
    pool.origins[origin.name] = nil
  end
end

-- Makes ready for one more ticket: what needs memory comes before anything is changed.
local function reserve(origin)
  if origin.active >= PER_SHARD and not origin.shards then
    origin.shards = { [0] = PER_SHARD }
  end
end

-- Gives a ticket its place. Tickets fill the first shards, where the connections are that others
-- have left.
local function enter(pool, origin, ticket)
  local shards, shard = origin.shards, 0
  pool.active, origin.active = pool.active + 1, origin.active + 1
  if not shards then
    ticket.shard = 0
    return
  end
  while shards[shard] and shards[shard] >= PER_SHARD do
    shard = shard + 1
  end
  ticket.shard, shards[shard] = shard, (shards[shard] or 0) + 1
end

--- Admits a ticket at once, or queues it. An admitted one has the number of its `shard`.
---@param ticket table
---@return boolean? admitted false when it was queued; nil when the queue is full
function Pool:admit(ticket)
  local origin = origin_of(self, ticket)
  local nobody_waits = not origin.first and not self.eligible.first
  if self.active < self.max and origin.active < origin.limit and nobody_waits then
    reserve(origin)
    enter(self, origin, ticket)
    return true
  elseif self.queued >= self.max_queue then
    update(self, origin)
    return nil
  end
  if origin.list == nil then -- makes room: what needs memory comes first
    origin.list, origin.next, origin.previous = false, false, false
  end
  list.push(origin, ticket)
  self.queued = self.queued + 1
  update(self, origin)
  return false
end

--- Takes the next ticket that may start out of the queue, and admits it; nil when there is none.
---@return table? ticket
function Pool:next()
  local origin = self.active < self.max and self.eligible.first
  if not origin then
    return nil
  end
  reserve(origin)
  list.remove(origin)
  local ticket = list.shift(origin)
  self.queued = self.queued - 1
  enter(self, origin, ticket)
  update(self, origin)
  return ticket
end

--- Gives back the place of an admitted ticket, if it has one.
---@param ticket table
function Pool:leave(ticket)
  if not ticket.shard then
    return
  end
  local origin = self.origins[ticket.origin]
  local active = origin.active - 1
  self.active, origin.active = self.active - 1, active
  if origin.shards then
    origin.shards[ticket.shard] = origin.shards[ticket.shard] - 1
  end
  ticket.shard = nil
  if origin.first or active == 0 then
    update(self, origin)
  end
end

--- Takes a ticket out of the queue, if it waits there.
---@param ticket table
function Pool:withdraw(ticket)
  local origin = ticket.list
  if origin then
    list.remove(ticket)
    self.queued = self.queued - 1
    update(self, origin)
  end
end

--- One of the tickets that wait: for `name` only, if given. nil when there is none.
---@param name? string an origin
---@return table? ticket
function Pool:waiting(name)
  if name then
    return self.origins[name] and self.origins[name].first
  end
  for _, origin in each(self.origins) do
    if origin.first then
      return origin.first
    end
  end
end

--- Sets the limit of one origin for as long as it is in use, as for one that multiplexes.
---@param name string
---@param limit integer
function Pool:set_limit(name, limit)
  local origin = self.origins[name]
  if origin and origin.limit ~= limit then
    origin.limit = limit
    update(self, origin)
  end
end

return M
