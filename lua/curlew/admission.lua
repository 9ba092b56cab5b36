--- The way of an exchange onto the wire: a place in its session's pool, an address for its host,
--- its start; and the way back, on which the next ones start.

local beside = require "curlew.beside"
local curl = require "curlew.curl"
local errors = require "curlew.error"
local failure = require "curlew.failure"
local lookups = require "curlew.lookups"
local setup = require "curlew.setup"
local time = require "curlew.time"

local huge = math.huge

local M = {}

local SHORTEST = 0.001 -- seconds that a transfer has at least

-- What libcurl and the core say when memory is out.
local OUT_OF_MEMORY = { ["Out of memory"] = true, ["memory is out"] = true }

local function refused(exchange, option, problem)
  if OUT_OF_MEMORY[problem] then
    return failure.of(exchange.request, "io", "memory is out")
  end
  return failure.of(exchange.request, "unsupported", "libcurl refuses %s: %s",
    option ~= "" and "option " .. option or "the transfer", problem)
end

local function stop_alarm(exchange)
  if exchange.alarm then
    time.cancel(exchange.alarm)
    exchange.alarm = nil
  end
end

-- Hands an exchange to the driver; returns an error when libcurl refuses it.
local function start(exchange)
  local wanted, deadline = exchange.request, exchange.deadline
  local timeout = 0
  if deadline < huge then
    timeout = deadline - time.now()
    timeout = timeout > SHORTEST and timeout or SHORTEST
  end
  local shard = exchange.session.shards:number(wanted.options.http, exchange.shard)
  local id, option, problem = exchange.session.driver:start(exchange, setup.of(wanted),
    wanted.target.url, timeout, exchange.body and true or wanted.body, exchange.lookup ~= nil,
    shard, exchange.allowed)
  exchange.id = id
  if not id then
    return refused(exchange, option, problem)
  elseif wanted.options.on_progress and not exchange.reports then
    exchange.reports = true
    exchange:help(beside.report_progress)
  end
end

-- Starts an exchange that has its place, or has it wait for the look-up of its host by another.
local function begin(exchange)
  local host = lookups.host_of(exchange.request)
  if not host or exchange.session.lookups:admit(exchange, host) then
    stop_alarm(exchange)
    return start(exchange)
  end
end

local function try(go_on, exchange)
  local err = go_on(exchange)
  return err and { failure = err }
end

-- Goes on with an exchange whose turn has come: `go_on` starts it. Where that fails, for want of
-- memory or because libcurl refuses it, it ends; nobody else does.
local function proceed(exchange, go_on)
  local ok, outcome = pcall(try, go_on, exchange)
  if not ok then
    outcome = outcome == errors.OUT_OF_MEMORY and curl.OUT_OF_MEMORY or { raised = outcome }
  end
  if outcome then
    exchange:break_off(outcome)
  end
end

-- Starts those that have waited for the look-up that has ended now.
local function proceed_after_lookup(lookups_of_session)
  local waiting = lookups_of_session:next()
  while waiting do
    stop_alarm(waiting)
    proceed(waiting, start)
    waiting = lookups_of_session:next()
  end
end

--- Tells that an exchange needs no look-up any more, and starts those that have waited for it.
---@param exchange curlew.Exchange
---@param has_socket boolean
function M.settle_lookup(exchange, has_socket)
  local known = exchange.session.lookups
  known:settle(exchange, has_socket)
  proceed_after_lookup(known)
end

--- Starts an exchange anew in the place that it has.
M.start_again = start

--- Gives back the place of an exchange, and starts what waits for it.
---@param exchange curlew.Exchange
function M.leave(exchange)
  local pool = exchange.session.pool
  stop_alarm(exchange)
  pool:leave(exchange)
  if exchange.lookup then
    M.settle_lookup(exchange, false)
  end
  local waiting = pool.queued > 0 and pool:next()
  while waiting do
    proceed(waiting, begin)
    waiting = pool:next()
  end
end

--- Starts an exchange, or queues it. One that has to wait is expired when its time is over.
---@param exchange curlew.Exchange
---@param expire fun(exchange: curlew.Exchange)
---@return curlew.Error? err when it can do neither
function M.enter(exchange, expire)
  local admitted = exchange.session.pool:admit(exchange)
  if admitted == nil then
    return failure.of(exchange.request, "connect", "the session's queue is full (max_queue)")
  elseif admitted then
    local err = begin(exchange)
    if err then
      return err
    end
  end
  if not exchange.id and exchange.deadline < huge then
    exchange.alarm = time.at(exchange.deadline, expire, exchange)
  end
end

--- Takes an exchange back, wherever it stands.
---@param exchange curlew.Exchange
function M.withdraw(exchange)
  stop_alarm(exchange)
  local id = exchange.id
  if id then
    exchange.session.driver:cancel(id)
    exchange.id = nil
  end
  exchange.session.pool:withdraw(exchange)
  M.leave(exchange)
end

return M
