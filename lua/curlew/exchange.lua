--- One request on the wire: it takes a place in the pool, runs as a transfer, and wakes its task.

local failure = require "curlew.failure"
local request = require "curlew.request"
local task = require "curlew.task"
local time = require "curlew.time"

local M = {}

-- HTTP/2 and 3 carry many requests on one connection; servers allow about this many at once.
local STREAMS = 100

local CLOSED = { result = 42 }

local function refused(exchange, option, problem)
  return failure.of(exchange.request, "unsupported", "libcurl refuses %s: %s",
    option ~= "" and "option " .. option or "the transfer", problem)
end

local function stop_alarm(exchange)
  if exchange.alarm then
    time.cancel(exchange.alarm)
    exchange.alarm = nil
  end
end

-- Hands an admitted exchange to the driver; returns an error when libcurl refuses it.
local function begin(exchange)
  stop_alarm(exchange)
  local wanted = exchange.request
  local options = request.curl_options(wanted)
  if exchange.deadline < math.huge then
    options.TIMEOUT_MS = request.milliseconds(exchange.deadline - time.now())
  end
  local limits = wanted.options
  local id, option, problem = exchange.session.driver:start(options, exchange, wanted.body,
    limits.max_body, limits.timeout.idle, limits.timeout.connect)
  if not id then
    return refused(exchange, option, problem)
  end
  exchange.id = id
end

-- Gives back the place of an exchange, and starts what waits for it.
local function leave_pool(exchange)
  local session = exchange.session
  session.pool:leave(exchange)
  local waiting = session.pool:next()
  while waiting do
    local err = begin(waiting)
    if err then
      session.pool:leave(waiting)
      task.wake(waiting.task, { failure = err })
    end
    waiting = session.pool:next()
  end
end

-- Called by the driver when the transfer has ended.
local function finish(exchange, outcome)
  if outcome.http_version and outcome.http_version >= 3 then
    exchange.session.pool:set_limit(exchange.origin, STREAMS)
  end
  task.wake(exchange.task, outcome) -- first: starting the next may raise, when memory is out
  leave_pool(exchange)
end

-- Called on cancellation: nothing of the exchange stays behind.
local function abort(exchange)
  stop_alarm(exchange)
  if exchange.id then
    exchange.session.driver:cancel(exchange.id)
    leave_pool(exchange)
  else
    exchange.session.pool:withdraw(exchange)
  end
end

-- Ends the wait of an exchange in the queue.
local function refuse_queued(exchange, err)
  stop_alarm(exchange)
  exchange.session.pool:withdraw(exchange)
  task.wake(exchange.task, { failure = err })
end

local function expire_in_queue(exchange)
  refuse_queued(exchange, failure.queue_timeout(exchange.request))
end

--- Ends all exchanges of a session, in its queue and on the wire, as the session closes.
---@param session table
function M.end_all(session)
  for _, exchange in ipairs(session.pool:waiting()) do
    local err = failure.of(exchange.request, "closed_session", "the session was closed")
    refuse_queued(exchange, err)
  end
  session.driver:close(CLOSED)
end

--- Sends a request and waits for the whole response.
---@async
---@param session table
---@param wanted table a request of `curlew.request`
---@param deadline number of time.now, math.huge for none
---@return table? outcome of `client:take`
---@return curlew.Error? err
function M.perform(session, wanted, deadline)
  local exchange = {
    session = session,
    request = wanted,
    -- Other versions of HTTP have other limits: many requests share one connection with HTTP/2.
    origin = wanted.target.origin .. " " .. wanted.options.http,
    deadline = deadline,
    task = task.checkpoint(),
    finish = finish,
  }
  if session.closed then
    return nil, failure.of(wanted, "closed_session", "the session is closed")
  end
  local admitted = session.pool:admit(exchange)
  if admitted == nil then
    return nil, failure.of(wanted, "connect", "the session's queue is full (max_queue)")
  elseif admitted then
    local err = begin(exchange)
    if err then
      leave_pool(exchange)
      return nil, err
    end
  elseif deadline < math.huge then
    exchange.alarm = time.at(deadline, expire_in_queue, exchange)
  end
  local outcome = task.park(abort, exchange)
  if outcome.failure then
    return nil, outcome.failure
  elseif outcome.result ~= 0 or outcome.verdict then
    return nil, failure.from_outcome(wanted, outcome)
  end
  return outcome
end

return M
