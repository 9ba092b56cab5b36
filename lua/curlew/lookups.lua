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
  local ticket = {
    origin = host,
    exchange = exchange,
    is_admitted = false,
    shard = nil,
    list = nil,
    next = nil,
    previous = nil,
  }
  exchange.lookup = ticket
  ticket.is_admitted = self.pool:admit(ticket)
  return ticket.is_admitted
end

--- Takes an exchange out that may go ahead now; nil when there is none.
---@return table?
function Lookups:next()
  local ticket = self.pool:next()
  if not ticket then
    return nil
  end
  ticket.is_admitted = true
  if is_known(self, ticket.origin) then
    ticket.exchange.lookup = nil
    self.pool:leave(ticket)
  end
  return ticket.exchange
end

--- One of the exchanges that wait, nil when there is none.
---@return table?
function Lookups:waiting()
  local ticket = self.pool:waiting()
  return ticket and ticket.exchange
end

--- Takes an exchange out that waits for the look-up of this one, which has failed for all of them.
---@param exchange table
---@return table? follower nil when there is none
function Lookups:take_follower(exchange)
  local ticket = exchange.lookup and self.pool:waiting(exchange.lookup.origin)
  if not ticket then
    return nil
  end
  self.pool:withdraw(ticket)
  ticket.exchange.lookup = nil
  return ticket.exchange
end

--- Tells that an exchange has a socket, or has ended; `next` has those that may go ahead then.
---@param exchange table
---@param has_socket boolean
function Lookups:settle(exchange, has_socket)
  local ticket = exchange.lookup
  if not ticket then
    return
  end
  exchange.lookup = nil
  if ticket.is_admitted then
    self.pool:leave(ticket)
  else
    self.pool:withdraw(ticket)
  end
  if has_socket then
    note_known(self, ticket.origin)
  end
end

return M
