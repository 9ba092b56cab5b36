--- A stream of server-sent events that is resumed when it breaks (WHATWG HTML, server-sent events,
--- "processing model").

local cancellation = require "curlew.cancellation"
local each = require("curlew.compat").each
local errors = require "curlew.error"
local failure = require "curlew.failure"
local options = require "curlew.options"
local parser = require "curlew.events"
local protect_within = require("curlew.scope").protect_within
local reading = require "curlew.reading"
local task = require "curlew.task"
local time = require "curlew.time"

local M = {}

-- Seconds before it connects again: until the server says otherwise, and whatever it says.
local DEFAULT_DELAY, LONGEST_DELAY = 3, 3600

-- What ends the waits of a source that is closed; nobody sees it.
local CLOSED = errors.new { kind = "cancelled", message = "the source of events was closed" }

---@class curlew.EventSource
---@field last_event_id string of the last event that had one; sent when it connects again
---@field delay number seconds before it connects again
local EventSource = { __name = "curlew.EventSource" }
EventSource.__index = EventSource

local function headers_with(given, id)
  local headers = { accept = "text/event-stream", ["cache-control"] = "no-store" }
  for name, value in each(given or {}) do
    headers[name:lower()] = value
  end
  if id ~= "" then
    headers["last-event-id"] = id
  end
  return headers
end

-- Ends an answer that is of no use, and raises why.
local function reject(answer, kind, format, ...)
  answer:close()
  local err = failure.of(answer[reading.REQUEST], kind, format, ...)
  err.response, err.attempts = answer, answer.attempts
  error(err, 0)
end

-- Raises what connecting again would not mend.
local function check_answer(answer)
  local kind = answer.headers["content-type"] or "a body of no type"
  if answer.status ~= 200 then
    answer:close()
    local _, err = answer:check()
    if err then
      error(err, 0)
    end
    reject(answer, "status", "the server answered %d", answer.status)
  elseif not (kind .. ";"):lower():find("^text/event%-stream%s*;") then
    reject(answer, "protocol", "the server sends %s, not text/event-stream", kind)
  end
end

-- Connects. Returns nil when the server wants no more connections, or when it failed for now.
local function connect(source)
  local given = options.union(source.options)
  given.headers = headers_with(given.headers, source.last_event_id)
  given.stream = true
  local answer, err = source.session:request("GET", source.url, given)
  if not answer then
    if not err.retryable then
      error(err, 0)
    end
  elseif answer.status == 204 then
    answer:close()
    source:close()
  else
    check_answer(answer)
    source.answer, source.parser = answer, parser.parser()
    source.parser.last_event_id = source.last_event_id
  end
end

-- Reads some more; returns whether there may be more after it.
local function receive(source)
  local bytes, err = source.answer:read()
  if not bytes then
    if err and err.kind == "closed_session" and not source.closed then
      error(err, 0)
    end
    return false
  end
  local events, problem = source.parser:feed(bytes)
  if not events then
    reject(source.answer, "too_large", "%s", problem)
  end
  source.ready, source.position = events, 0
  source.last_event_id = source.parser.last_event_id or ""
  if source.parser.retry then
    source.delay = math.min(source.parser.retry / 1000, LONGEST_DELAY)
  end
  return true
end

-- Runs `fn(arg)`, which waits, unless and until the source is closed.
local function until_closed(source, fn, arg)
  if source.closed then
    return
  end
  local scope = {}
  source.scope = scope
  local ok, err = protect_within(scope, fn, arg)
  source.scope = nil
  if not ok and err ~= scope.error then
    error(err, 0)
  end
end

-- The next event, nil when the source is closed.
local function await_event(source)
  while true do
    if source.position < #source.ready then
      source.position = source.position + 1
      return source.ready[source.position]
    elseif source.closed then
      source:close() -- what has come meanwhile
      return nil
    elseif not source.answer then
      until_closed(source, connect, source)
      if not source.answer then
        until_closed(source, time.sleep, source.delay)
      end
    elseif not receive(source) then
      source.answer = nil
      until_closed(source, time.sleep, source.delay)
    end
  end
end

--- The next event; waits for it, and connects again when the connection has ended.
---@async
---@return { type: string, data: string, id: string }? event nil when the source is closed
function EventSource:next()
  task.checkpoint()
  if self.is_awaited then
    errors.blame("another task waits for the next event of this source")
  end
  self.is_awaited = true
  local ok, event = task.protect(await_event, self)
  self.is_awaited = false
  if not ok then
    error(event, 0)
  end
  return event
end

EventSource.__call = EventSource.next

--- Ends the connection, and the loop over the events. Does not wait; may be called again.
function EventSource:close()
  self.closed = true
  self.ready, self.position = {}, 0
  if self.answer then
    self.answer:close()
    self.answer = nil
  end
  if self.scope then
    cancellation.cancel_scope(self.scope, CLOSED)
  end
end

--- Makes a source of events, which can be looped over. It connects when the first one is asked for.
---@param session curlew.Session
---@param address string
---@param given? table the options of a request
---@return curlew.EventSource
function M.new(session, address, given)
  errors.check_type("the URL", address, "string")
  options.for_request(given, session.defaults) -- raises where the user stands
  return setmetatable({
    session = session,
    url = address,
    options = given or {},
    delay = DEFAULT_DELAY,
    last_event_id = "",
    ready = {},
    position = 0,
  }, EventSource)
end

return M
