--- The body of a response, read while it comes. A reader that stops reading stops the transfer: its
--- bytes wait in libcurl and with the server.

local beside = require "curlew.beside"
local curl = require "curlew.curl"
local ending = require "curlew.ending"
local failure = require "curlew.failure"
local task = require "curlew.task"
local warning = require "curlew.warning"

---@class curlew.Stream
---@field exchange table borrowed: the exchange under way
---@field rest string bytes taken from the core that nobody has read yet
---@field outcome table? what the transfer has brought, once it has ended
local Stream = { __name = "curlew.Stream" }
Stream.__index = Stream

local M = {}

--- Makes the stream of an exchange whose head has come.
---@param exchange table
---@return curlew.Stream
function M.new(exchange)
  return setmetatable({
    exchange = exchange,
    rest = "",
    reader = nil,
    outcome = nil,
    told = nil,
    owner = nil,
    made_at = nil,
  }, Stream)
end

local function forget_reader(stream)
  stream.reader = nil
end

--- For the exchange: something has come, or the transfer has ended.
function Stream:wake()
  local reader = self.reader
  if reader then
    self.reader = nil
    task.wake(reader)
  end
end

local function join(rest, body)
  return rest .. (body or "")
end

--- For the exchange: the transfer has ended; its outcome brings the last bytes.
function Stream:finish(outcome)
  if self.outcome then
    return
  end
  ending.disown(self)
  local ok, rest = pcall(join, self.rest, outcome.body)
  self.outcome, self.rest = ok and outcome or curl.OUT_OF_MEMORY, ok and rest or ""
  self:wake()
end

-- Tells once how far the transfer has got in the end.
local function tell_end(stream)
  if not stream.told then
    stream.told = true
    beside.tell_progress(stream.exchange.request, stream.outcome)
  end
end

-- The error with which the body has ended, nil when it is complete.
local function failure_of(stream)
  local outcome = stream.outcome
  if outcome.raised then
    error(outcome.raised, 0)
  elseif outcome.failure then
    return outcome.failure
  elseif outcome.result ~= 0 or outcome.verdict then
    return failure.from_outcome(stream.exchange.request, outcome)
  end
end

local function take(stream, most)
  local bytes = stream.rest
  if bytes == "" and not stream.outcome then
    return stream.exchange.session.driver:read(stream.exchange.id, most)
  end
  if #bytes <= most then
    stream.rest = ""
    return bytes
  end
  stream.rest = bytes:sub(most + 1)
  return bytes:sub(1, most)
end

--- The next bytes of the body, as they come, at most `most`.
---@async
---@param most number
---@return string? bytes nil at the end
---@return curlew.Error? err when the body was cut short
function Stream:read(most)
  local reader = task.checkpoint()
  while true do
    local bytes = take(self, most)
    if bytes ~= "" then
      return bytes
    elseif self.outcome then
      tell_end(self)
      return nil, failure_of(self)
    elseif self.reader then
      return nil, failure.of(self.exchange.request, "io", "another task reads this response")
    end
    self.reader = reader
    task.park(forget_reader, self)
  end
end

--- Has the core write the bytes that nobody has read yet to the descriptor of a file, and waits for
--- the end of the body. Nothing happens where the body is here already, or cannot go this way.
---@async
---@param fd integer must stay open until the stream has ended
---@return integer? bytes written; nil when nothing has happened, or with an error
---@return curlew.Error? err when the body was cut short
---@return string? problem why it could not be written
function Stream:divert(fd)
  local reader = task.checkpoint()
  if self.outcome or self.reader
    or not self.exchange.session.driver:divert(self.exchange.id, fd) then
    return nil
  end
  while not self.outcome do
    self.reader = reader
    task.park(forget_reader, self)
  end
  tell_end(self)
  if self.outcome.verdict == "sink" then
    return nil, nil, self.outcome.os_error
  end
  local err = failure_of(self)
  return not err and self.outcome.written or nil, err
end

--- For its owner, which ends, and for the collector: nobody will read what is left.
function Stream:abandon()
  if self.made_at and not self.outcome then
    warning.emit(("a streamed response of %s was left before its end without being closed")
      :format(self.made_at))
  end
  self:close()
end

--- Ends the transfer, unless it has ended. Does not wait; may be called again.
function Stream:close()
  if not self.outcome then
    self.exchange:end_with {
      failure = failure.of(self.exchange.request, "closed", "the response was closed"),
    }
  end
end

return M
