--- From a request to its response: attempts, redirects, and where the body goes. All within one
--- deadline.

local each = require("curlew.compat").each
local exchange = require "curlew.exchange"
local failure = require "curlew.failure"
local options = require "curlew.options"
local reading = require "curlew.reading"
local redirect = require "curlew.redirect"
local request = require "curlew.request"
local response = require "curlew.response"
local retry = require "curlew.retry"
local task = require "curlew.task"
local time = require "curlew.time"

local M = {}

local VERSION_AT, ZERO, NINE = #"HTTP/" + 1, ("0"):byte(), ("9"):byte()
local MOST_SKIPPED = 64 * 1024 -- bytes of a body that nobody wants

-- A request as the option "transport" is told of it: what the user has said, as it is after the
-- session's defaults and redirects.
local function describe(wanted)
  local call = options.union(wanted.call)
  call.method, call.url, call.headers = wanted.method, wanted.target.url, {}
  call.auth = wanted.options.auth
  for _, field in each(wanted.options.headers or {}) do
    if field.values then
      call.headers[field.name] = #field.values == 1 and field.values[1] or field.values
    end
  end
  if not wanted.body and not wanted.source then -- a redirect may have dropped it
    for name in each(request.BODIES) do
      call[name] = nil
    end
  end
  return call
end

-- What is wrong with a head that libcurl lets pass.
local function flaw_of(outcome)
  if outcome.status < 200 then
    return "the server switches protocols, which nobody has asked for"
  end
  local digit = outcome.head:byte(VERSION_AT) or 0
  if digit < ZERO or digit > NINE then
    return "the version of HTTP in the status line cannot be understood"
  end
end

-- Sends a request once. Returns the response, or nil and an error.
local function send(session, wanted, history, deadline)
  if wanted.options.transport then
    return response.of_table(wanted, history, wanted.options.transport(describe(wanted)))
  end
  local outcome, problem = exchange.perform(session, wanted, deadline)
  if not outcome then
    return nil, problem
  end
  session:count(outcome)
  local answer, flaw = response.new(wanted, outcome, history, problem), flaw_of(outcome)
  if flaw then
    answer:close()
    return nil, failure.of(wanted, "protocol", flaw)
  end
  return answer
end

-- Calls `fn(answer, ...)`, which waits. The answer is nobody's yet: if that is cancelled, it is
-- closed.
local function hold(fn, answer, ...)
  local ok, value, err = task.protect(fn, answer, ...)
  if not ok then
    answer:close()
    error(value, 0)
  end
  return value, err
end

-- Reads a body that nobody wants, so that its connection serves again, unless it is long.
local function skip_body(answer)
  local size = 0
  while size < MOST_SKIPPED do
    local bytes = answer:read()
    if not bytes then
      return
    end
    size = size + #bytes
  end
  answer:close()
end

-- Sends a request, and those that its redirects lead to.
local function follow(session, wanted, deadline)
  local history -- of the redirects, once there is one
  while true do
    local answer, err = send(session, wanted, history, deadline)
    if not answer then
      return nil, err
    end
    local next_wanted, refusal
    if redirect.STATUSES[answer.status] then
      next_wanted, refusal = redirect.follow(wanted, answer, history and #history or 0)
    end
    if refusal then
      answer:close()
      refusal.response = answer
      return nil, refusal
    elseif not next_wanted then
      return answer
    end
    hold(skip_body, answer)
    history = history or {}
    history[#history + 1] = answer
    wanted = next_wanted
  end
end

-- Attempts a request as often as its policy allows.
local function attempt_all(session, wanted, deadline)
  local policy, attempt = wanted.options.retry, 1
  wanted = request.copy(wanted)
  while true do
    wanted.attempt = attempt
    local answer, err = follow(session, wanted, deadline)
    local delay = retry.pause(policy, attempt, wanted.method, request.is_replayable(wanted), answer,
      err)
    if not delay or time.now() + delay >= deadline then
      if err then
        err.attempts = attempt
      end
      return answer, err
    elseif answer then
      hold(skip_body, answer)
    end
    time.sleep(delay)
    attempt = attempt + 1
  end
end

-- Does with an answer what its request asks for.
local function receive(wanted, answer)
  local given = wanted.options
  if given.check and answer.status >= 400 then
    hold(answer.text, answer)
    return answer:check()
  elseif given.sink then
    local size, err = hold(reading.pour, answer, given.sink)
    if not size then
      return nil, err
    end
  elseif given.stream then
    answer:belong(task.current())
  end
  return answer
end

--- Sends a request and waits for its response, or for the head of a streamed one.
---@async
---@param session curlew.Session
---@param wanted table a request of `curlew.request`
---@return curlew.Response?
---@return curlew.Error? err
function M.perform(session, wanted)
  session:close_if_lost()
  if session.closed then
    return nil, failure.closed_session(wanted, session)
  end
  local deadline = wanted.total < math.huge and time.now() + wanted.total or math.huge
  local given = wanted.options
  local send_all = given.retry and attempt_all or follow
  local answer, err = send_all(session, wanted, deadline)
  if not answer then
    return nil, err
  elseif given.check or given.sink or given.stream then
    return receive(wanted, answer)
  end
  return answer
end

return M
