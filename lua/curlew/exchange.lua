--- One request on the wire: it takes a place in the pool, runs as a transfer, and wakes its task.

local admission = require "curlew.admission"
local allowing = require "curlew.allowing"
local beside = require "curlew.beside"
local errors = require "curlew.error"
local failure = require "curlew.failure"
local list = require "curlew.list"
local stream = require "curlew.stream"
local task = require "curlew.task"
local time = require "curlew.time"
local upload = require "curlew.upload"
local verbose = require "curlew.verbose"

local M = {}

-- HTTP/2 and 3 carry many requests on one connection; servers allow about this many at once.
local STREAMS = 100
local CLOSED = { result = 42 }
local NO_ADDRESS = 6 -- CURLE_COULDNT_RESOLVE_HOST

---@class curlew.Exchange
---@field session table
---@field request table
---@field task curlew.Task? the one that waits for the response, until it has it
---@field allowed string? where it may connect to; nil for anywhere
---@field answers table<string, boolean>? of the option "allow" so far
---@field id integer? of the transfer, while it runs
---@field has_ended boolean? set as soon as the transfer has
---@field body table? being sent piece by piece
---@field stream curlew.Stream? of the response, once its head has come
---@field helpers curlew.Task[]? tasks that serve this exchange, and end with it
local Exchange = { __name = "curlew.Exchange" }
Exchange.__index = Exchange

--- Ends what belongs to an exchange that has ended, in whatever way.
function Exchange:clean_up()
  if self.helpers then
    for _, helper in ipairs(self.helpers) do
      helper:cancel()
    end
  end
  if self.body then
    self.body.close()
  end
end

--- Hands what has become of an exchange to whoever waits for it.
function Exchange:deliver(outcome)
  local waiter = self.task
  if waiter then
    task.wake(waiter, outcome)
    self.task = nil
  elseif self.stream then
    self.stream:finish(outcome)
  end
end

-- Tells whoever waits for an exchange what has become of it, and gives back what it had.
local function conclude(exchange, outcome)
  exchange:deliver(outcome) -- first: the rest may raise, when memory is out
  local ok, err = true, nil
  if exchange.helpers or exchange.body then
    ok, err = pcall(exchange.clean_up, exchange)
  end
  admission.leave(exchange)
  errors.unwrap(ok, err)
end

--- For the driver: the transfer has ended.
function Exchange:finish(outcome)
  self.id = nil
  if self.allowed and allowing.is_due(self, outcome) then
    return self:deliver { refused = outcome }
  end
  self.has_ended = true
  if outcome.log then
    outcome = verbose.tell(self, outcome.log) or outcome
  end
  if outcome.http_version and outcome.http_version >= 3 then
    self.session.pool:set_limit(self.origin, STREAMS)
  end
  local follower = outcome.result == NO_ADDRESS and self.session.lookups:take_follower(self)
  while follower do
    conclude(follower, outcome)
    follower = self.session.lookups:take_follower(self)
  end
  conclude(self, outcome)
end

-- Takes an exchange back, wherever it stands; nothing of it stays behind.
local function withdraw(exchange)
  if exchange.has_ended then -- just now, and tells its log
    return
  end
  admission.withdraw(exchange)
  exchange:clean_up()
end

--- Ends an exchange wherever it stands; its waiter gets `outcome`.
function Exchange:break_off(outcome)
  self:deliver(outcome)
  withdraw(self)
end

--- Ends a transfer that runs, whose waiter gets `outcome`.
function Exchange:end_with(outcome)
  if self.id then
    self:break_off(outcome)
  end
end

-- A helper has failed before it could begin.
local function on_end(observer, helper)
  if helper.state == "failed" then
    observer.exchange:end_with { raised = helper.error }
  end
end

--- For the driver: it cannot go on.
function Exchange:lose()
  self.session:close_if_lost()
end

-- Runs `fn(exchange)` in a task of its own until the exchange ends; its failure is the exchange's.
function Exchange:help(fn)
  self.helpers = self.helpers or {}
  local helper = task.spawn(function()
    local ok, err = task.protect(fn, self)
    if not ok and self.id then
      self:end_with { raised = err }
    end
  end)
  table.insert(self.helpers, helper)
  list.push(helper, { notify = on_end, exchange = self })
end

-- Whether the head that has come is the one of the answer: none of 1xx, but for a switch of
-- protocols, behind which there is no other; nor one that libcurl answers with credentials.
local function is_final(exchange, outcome)
  local status = outcome.status
  local negotiates = exchange.request.negotiates and (status == 401 or status == 407)
  return outcome.head_complete and (status >= 200 or status == 101) and not negotiates
end

--- For the driver: the transfer has brought something, or wants something.
function Exchange:on_news()
  local client = self.session.driver.client
  if self.lookup then
    admission.settle_lookup(self, true)
  end
  local problem = self.request.options.verbose and verbose.tell(self, client:log(self.id))
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
      self:deliver(outcome)
    end
  end
end

local function expire_in_queue(exchange)
  local phase = exchange.lookup and "resolve" or "queue"
  exchange:break_off { failure = failure.early_timeout(exchange.request, phase) }
end

local function end_waiting(session, outcome)
  local waiting = session.pool:waiting() or session.lookups:waiting()
  while waiting do
    waiting:break_off(outcome)
    waiting = session.pool:waiting() or session.lookups:waiting()
  end
end

--- Ends all exchanges of a session, in its queue and on the wire, as the session closes.
---@param session table
function M.end_all(session)
  local outcome = session.lost and { result = CLOSED.result, lost = session.lost } or CLOSED
  local ok, err = pcall(end_waiting, session, outcome)
  session.driver:close(outcome)
  errors.unwrap(ok, err)
end

-- Asks the user where a transfer may connect to, and starts it again, or tells what has become of
-- it. The exchange keeps its place meanwhile.
local function ask(exchange, refused)
  local problem = refused.log and verbose.tell(exchange, refused.log)
  if problem then
    return problem
  end
  local has_more = allowing.ask(exchange, refused.asked)
  exchange.task = task.checkpoint()
  if exchange.session.closed then
    return { failure = failure.closed_session(exchange.request, exchange.session) }
  elseif not has_more then
    return refused.os_error and refused or { failure = allowing.refusal(exchange) }
  end
  local err = admission.start_again(exchange)
  return err and { failure = err }
end

-- Waits until the transfer of an exchange has ended, or brought the head of its answer.
local function await(exchange)
  local outcome = task.park(withdraw, exchange)
  while outcome.refused do
    local left = exchange.deadline - time.now()
    local is_asked, ended, late = task.protect(time.timeout, left, ask, exchange, outcome.refused)
    if not is_asked or ended or late then
      exchange.has_ended = true
      exchange:clean_up()
      admission.leave(exchange)
    end
    if not is_asked then
      error(ended, 0)
    elseif late then
      return { failure = failure.early_timeout(exchange.request, "connect") }
    end
    outcome = ended or task.park(withdraw, exchange)
  end
  return outcome
end

-- Opens the body of an exchange, if there is one to be sent; returns an error when it cannot be.
local function open_body(exchange)
  local wanted = exchange.request
  if wanted.source or type(wanted.body) == "table" then
    local body, unreadable = upload.open(wanted)
    exchange.body, wanted.body_length = body, body and body.length or wanted.body_length
    return unreadable
  end
end

-- Starts or queues an exchange. Does not wait.
local function enter(exchange)
  return exchange.session.closed and failure.closed_session(exchange.request, exchange.session)
    or admission.enter(exchange, expire_in_queue)
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
    allowed = wanted.options.allow and "",
    answers = wanted.options.allow and {},
    -- Made room for: it must not lack when the exchange ends.
    id = nil, shard = nil, has_ended = nil, stream = nil,
    alarm = nil, lookup = nil, body = nil, helpers = nil,
  }, Exchange)
  local unreadable = open_body(exchange)
  if unreadable then
    return nil, unreadable
  end
  local is_entered, err = pcall(enter, exchange)
  if not is_entered or err then
    exchange.task = nil
    withdraw(exchange)
    return nil, is_entered and err or error(err, 0)
  end
  local outcome = await(exchange)
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
