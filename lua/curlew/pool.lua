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
    eligible = {}, -- list of the origins that have waiting tickets and room for them
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

-- Gives a ticket its place. Tickets fill the first shards, where the connections are that others
-- have left.
local function enter(pool, origin, ticket)
  local active, shards = origin.active + 1, origin.shards
  pool.active, origin.active = pool.active + 1, active
  if not shards then
    if active <= PER_SHARD then
      ticket.shard = 0
      return
    end
    shards = { [0] = PER_SHARD }
    origin.shards = shards
  end
  local shard = 0
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
    enter(self, origin, ticket)
    return true
  elseif self.queued >= self.max_queue then
    update(self, origin)
    return nil
  end
  self.queued = self.queued + 1
  list.push(origin, ticket)
  update(self, origin)
  return false
end

--- Takes the next ticket that may start out of the queue, and admits it; nil when there is none.
---@return table? ticket
function Pool:next()
  local origin = self.active < self.max and list.shift(self.eligible)
  if not origin then
    return nil
  end
  local ticket = list.shift(origin)
  self.queued = self.queued - 1
  enter(self, origin, ticket)
  update(self, origin)
  return ticket
end

--- Gives back the place of an admitted ticket.
---@param ticket table
function Pool:leave(ticket)
  local origin = self.origins[ticket.origin]
  local active = origin.active - 1
  self.active, origin.active = self.active - 1, active
  if origin.shards then
    origin.shards[ticket.shard] = origin.shards[ticket.shard] - 1
  end
  if origin.first or active == 0 then
    update(self, origin)
  end
end

--- Takes a ticket that waits out of the queue.
---@param ticket table
function Pool:withdraw(ticket)
  list.remove(ticket)
  self.queued = self.queued - 1
  update(self, origin_of(self, ticket))
end

--- All tickets that wait.
---@return table[]
function Pool:waiting()
  local tickets = {}
  for _, origin in each(self.origins) do
    local ticket = origin.first
    while ticket do
      tickets[#tickets + 1], ticket = ticket, ticket.next
    end
  end
  return tickets
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
