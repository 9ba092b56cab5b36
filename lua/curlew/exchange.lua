--- One request on the wire: it takes a place in the pool, runs as a transfer, and wakes its task.

local beside = require "curlew.beside"
local failure = require "curlew.failure"
local lookups = require "curlew.lookups"
local setup = require "curlew.setup"
local stream = require "curlew.stream"
local task = require "curlew.task"
local time = require "curlew.time"
local upload = require "curlew.upload"
local verbose = require "curlew.verbose"

local huge = math.huge

local M = {}

-- HTTP/2 and 3 carry many requests on one connection; servers allow about this many at once.
local STREAMS = 100
local SHORTEST = 0.001 -- seconds that a transfer has at least
local CLOSED = { result = 42 }
local NO_ADDRESS = 6 -- CURLE_COULDNT_RESOLVE_HOST

---@class curlew.Exchange
---@field session table
---@field request table
---@field task curlew.Task? the one that waits for the response, until it has it
---@field id integer? of the transfer, while it runs
---@field body table? being sent piece by piece
---@field stream curlew.Stream? of the response, once its head has come
---@field helpers curlew.Task[]? tasks that serve this exchange, and end with it
local Exchange = { __name = "curlew.Exchange" }
Exchange.__index = Exchange

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

-- Hands an exchange to the driver; returns an error when libcurl refuses it.
local function start(exchange)
  local wanted, deadline = exchange.request, exchange.deadline
  local timeout = deadline < huge and math.max(deadline - time.now(), SHORTEST) or 0
  local id, option, problem = exchange.session.driver:start(exchange, setup.of(wanted),
    wanted.target.url, timeout, exchange.body and true or wanted.body, exchange.lookup ~= nil,
    exchange.shard)
  exchange.id = id
  if not id then
    return refused(exchange, option, problem)
  elseif wanted.options.on_progress then
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

-- Ends what belongs to an exchange that has ended, in whatever way.
local function clean_up(exchange)
  if exchange.helpers then
    for _, helper in ipairs(exchange.helpers) do
      helper:cancel()
    end
  end
  if exchange.body then
    exchange.body.close()
  end
end

-- Hands what has become of an exchange to whoever waits for it.
local function deliver(exchange, outcome)
  local waiter = exchange.task
  if waiter then
    exchange.task = nil
    task.wake(waiter, outcome)
  elseif exchange.stream then
    exchange.stream:finish(outcome)
  end
end

local settle_lookup

-- Ends an exchange that libcurl has refused when its turn came.
local function give_up(exchange, err)
  exchange.session.pool:leave(exchange)
  clean_up(exchange)
  deliver(exchange, { failure = err })
  settle_lookup(exchange, false)
end

-- Tells that an exchange needs no look-up any more, and starts those that have waited for it.
function settle_lookup(exchange, has_socket)
  for _, waiting in ipairs(exchange.session.lookups:settle(exchange, has_socket)) do
    stop_alarm(waiting)
    local err = start(waiting)
    if err then
      give_up(waiting, err)
    end
  end
end

-- Gives back the place of an exchange, and starts what waits for it.
local function leave_pool(exchange)
  local pool = exchange.session.pool
  if exchange.lookup then
    settle_lookup(exchange, false)
  end
  pool:leave(exchange)
  local waiting = pool:next()
  while waiting do
    local err = begin(waiting)
    if err then
      give_up(waiting, err)
    end
    waiting = pool:next()
  end
end

-- Tells whoever waits for an exchange what has become of it, and gives back what it had.
local function conclude(exchange, outcome)
  stop_alarm(exchange)
  deliver(exchange, outcome) -- first: starting the next may raise, when memory is out
  clean_up(exchange)
  leave_pool(exchange)
end

--- For the driver: the transfer has ended.
function Exchange:finish(outcome)
  self.id = nil
  if outcome.log then
    outcome = verbose.tell(self.request, outcome.log) or outcome
  end
  if outcome.http_version and outcome.http_version >= 3 then
    self.session.pool:set_limit(self.origin, STREAMS)
  end
  if outcome.result == NO_ADDRESS then
    for _, follower in ipairs(self.session.lookups:take_followers(self)) do
      conclude(follower, outcome)
    end
  end
  conclude(self, outcome)
end

-- Takes a transfer back; nothing of it stays behind.
local function withdraw(exchange)
  stop_alarm(exchange)
  clean_up(exchange)
  if exchange.id then
    exchange.session.driver:cancel(exchange.id)
    exchange.id = nil
    leave_pool(exchange)
  elseif exchange.lookup then
    leave_pool(exchange)
  else
    exchange.session.pool:withdraw(exchange)
  end
end

--- Ends a transfer that runs, whose waiter gets `outcome`.
function Exchange:end_with(outcome)
  if self.id then
    withdraw(self)
    deliver(self, outcome)
  end
end

-- Runs `fn(exchange)` in a task of its own until the exchange ends; its failure is the exchange's.
function Exchange:help(fn)
  self.helpers = self.helpers or {}
  table.insert(self.helpers, task.spawn(function()
    local ok, err = task.protect(fn, self)
    if not ok and self.id then
      self:end_with { raised = err }
    end
  end))
end

-- Whether the head that has come is the one of the answer: none of 1xx, nor one that libcurl
-- answers with credentials.
local function is_final(exchange, outcome)
  local status = outcome.status
  local negotiates = exchange.request.negotiates and (status == 401 or status == 407)
  return outcome.head_complete and status >= 200 and not negotiates
end

--- For the driver: the transfer has brought something, or wants something.
function Exchange:on_news()
  local client = self.session.driver.client
  if self.lookup then
    settle_lookup(self, true)
  end
  local problem = self.request.options.verbose and verbose.tell(self.request, client:log(self.id))
  if problem or not self.id then
    return self:end_with(problem)
  end
  if self.body and not self.is_sending then
    self.is_sending = true
    self:help(beside.send_body)
  elseif self.sender then
    local sender = self.sender
    self.sender = nil
    task.wake(sender)
  end
  if self.stream then
    self.stream:wake()
  elseif self.request.streamed and self.id then
    local outcome = client:peek(self.id)
    if is_final(self, outcome) then
      self.stream = stream.new(self)
      deliver(self, outcome)
    end
  end
end

-- Ends the wait of an exchange in the queue.
local function refuse_queued(exchange, err)
  withdraw(exchange)
  deliver(exchange, { failure = err })
end

local function expire_in_queue(exchange)
  local phase = exchange.lookup and "resolve" or "queue"
  refuse_queued(exchange, failure.early_timeout(exchange.request, phase))
end

--- Ends all exchanges of a session, in its queue and on the wire, as the session closes.
---@param session table
function M.end_all(session)
  local waiting = session.pool:waiting()
  for _, ticket in ipairs(session.lookups:waiting()) do
    waiting[#waiting + 1] = ticket.exchange
  end
  for _, exchange in ipairs(waiting) do
    refuse_queued(exchange, failure.closed_session(exchange.request))
  end
  session.driver:close(CLOSED)
end

--- Sends a request and waits for the response: all of it, or of a streamed one the head.
---@async
---@param session table
---@param wanted table a request of `curlew.request`
---@param deadline number of time.now, math.huge for none
---@return table? outcome of `client:take` or `client:peek`
---@return curlew.Error|curlew.Stream? err, or the stream of a streamed one
function M.perform(session, wanted, deadline)
  local origin, http = wanted.target.origin, wanted.options.http
  local exchange = setmetatable({
    session = session,
    request = wanted,
    -- Other versions of HTTP have other limits: many requests share one connection with HTTP/2.
    origin = http == "auto" and origin or origin .. " " .. http,
    deadline = deadline,
    task = task.checkpoint(),
  }, Exchange)
  if wanted.source or type(wanted.body) == "table" then
    local body, unreadable = upload.open(wanted)
    if unreadable then
      return nil, unreadable
    end
    exchange.body, wanted.body_length = body, body and body.length or wanted.body_length
  end
  if session.closed then
    clean_up(exchange)
    return nil, failure.closed_session(wanted)
  end
  local admitted = session.pool:admit(exchange)
  if admitted == nil then
    clean_up(exchange)
    return nil, failure.of(wanted, "connect", "the session's queue is full (max_queue)")
  elseif admitted then
    local err = begin(exchange)
    if err then
      clean_up(exchange)
      leave_pool(exchange)
      return nil, err
    end
  end
  if not exchange.id and deadline < huge then
    exchange.alarm = time.at(deadline, expire_in_queue, exchange)
  end
  local outcome = task.park(withdraw, exchange)
  if wanted.options.on_progress and not wanted.streamed then
    beside.tell_progress(wanted, outcome)
  end
  local is_cut = outcome.result ~= 0 and not (wanted.streamed and is_final(exchange, outcome))
  if outcome.raised then
    error(outcome.raised, 0)
  elseif outcome.failure then
    return nil, outcome.failure
  elseif exchange.stream then
    return outcome, exchange.stream
  elseif is_cut or outcome.verdict then
    return nil, failure.from_outcome(wanted, outcome)
  elseif wanted.streamed then -- it has ended, or was cut, together with its head
    local whole = stream.new(exchange)
    whole:finish(outcome)
    return outcome, whole
  end
  return outcome
end

return M
