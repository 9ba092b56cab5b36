--- Bounds the look-ups of names that are under way: libcurl starts a thread for each. To a host
--- whose address may not be known one exchange goes ahead, and the others follow once that has a
--- socket; a few hosts are looked up at once.

local pool = require "curlew.pool"
local time = require "curlew.time"

---@class curlew.Lookups
local Lookups = { __name = "curlew.Lookups" }
Lookups.__index = Lookups

local M = {}

local MOST_AT_ONCE = 16 -- hosts
local KNOWN_FOR = 30 -- seconds; libcurl remembers an address for 60
local MOST_KNOWN = 10000 -- hosts, then they are forgotten

--- Makes the bound for one session.
---@return curlew.Lookups
function M.new()
  return setmetatable({ pool = pool.new(MOST_AT_ONCE, 1), known = {}, count = 0 }, Lookups)
end

--- The host whose name libcurl will look up; nil for none, or when curlew cannot tell.
---@param wanted table a request of `curlew.request`
---@return string?
function M.host_of(wanted)
  local given = wanted.options
  local target = wanted.target
  if target.is_address or given.unix_socket or given.resolve or given.proxy or given.curl then
    return nil
  end
  return target.host
end

local function is_known(lookups, host)
  local since = lookups.known[host]
  return since ~= nil and time.now() - since < KNOWN_FOR
end

local function note_known(lookups, host)
  if not lookups.known[host] then
    if lookups.count == MOST_KNOWN then
      lookups.known, lookups.count = {}, 0
    end
    lookups.count = lookups.count + 1
  end
  lookups.known[host] = time.now()
end

--- Whether an exchange with `host` may go ahead; if not, it waits until `settle` returns it.
---@param exchange table
---@param host string
---@return boolean
function Lookups:admit(exchange, host)
  if is_known(self, host) then
    return true
  end
  local ticket = { origin = host, exchange = exchange }
  exchange.lookup = ticket
  ticket.is_admitted = self.pool:admit(ticket)
  return ticket.is_admitted
end

-- Takes the exchanges out that may go ahead now.
local function take_ready(lookups)
  local ready, ticket = {}, lookups.pool:next()
  while ticket do
    ticket.is_admitted = true
    ready[#ready + 1] = ticket.exchange
    if is_known(lookups, ticket.origin) then
      ticket.exchange.lookup = nil
      lookups.pool:leave(ticket)
    end
    ticket = lookups.pool:next()
  end
  return ready
end

--- The tickets of the exchanges that wait, each with its `exchange`.
---@return table[]
function Lookups:waiting()
  return self.pool:waiting()
end

--- Takes the exchanges out that wait for the look-up of this one, which has failed for all of them.
---@param exchange table
---@return table[]
function Lookups:take_followers(exchange)
  local followers = {}
  for _, ticket in ipairs(self:waiting()) do
    if exchange.lookup and ticket.origin == exchange.lookup.origin then
      self.pool:withdraw(ticket)
      ticket.exchange.lookup = nil
      followers[#followers + 1] = ticket.exchange
    end
  end
  return followers
end

--- Tells that an exchange has a socket, or has ended; returns those that may go ahead.
---@param exchange table
---@param has_socket boolean
---@return table[]
function Lookups:settle(exchange, has_socket)
  local ticket = exchange.lookup
  if not ticket then
    return {}
  end
  exchange.lookup = nil
  if has_socket then
    note_known(self, ticket.origin)
  end
  if ticket.is_admitted then
    self.pool:leave(ticket)
  else
    self.pool:withdraw(ticket)
  end
  return take_ready(self)
end

return M
