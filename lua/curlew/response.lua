--- A response: what came, read lazily where reading costs.

local each = require("curlew.compat").each
local curl = require "curlew.curl"
local errors = require "curlew.error"
local headers = require "curlew.headers"
local json = require "curlew.json"
local failure = require "curlew.failure"
local reading = require "curlew.reading"
local retry = require "curlew.retry"

---@class curlew.Response
---@field status integer
---@field ok boolean whether the status is 200 to 299
---@field reason string the server's word for the status; empty with HTTP/2
---@field url string after redirects, without user and password
---@field headers curlew.Headers
---@field trailers curlew.Headers fields that came after the body
---@field body string? nil where the body is read as it comes
---@field http_version string "1.0", "1.1", "2" or "3"
---@field history curlew.Response[] the redirects on the way, the first one first
---@field timing table seconds since the start: dns, connect, tls, first_byte, total
---@field remote_ip string
---@field reused boolean whether the connection had served another request before
---@field attempts integer how often the request was sent
local Response = { __name = "curlew.Response" }

local methods = reading.methods

-- What the transfer has brought at last; of one that was given up, what it had with its head.
local function latest(outcome, stream)
  local last = stream and stream.outcome
  return last and last.head and last or outcome
end

-- Fields that are made when they are first asked for.
local lazy = {
  ok = function(outcome)
    return outcome.status >= 200 and outcome.status < 300
  end,
  url = function(_, _, request)
    return request.target.url
  end,
  headers = function(outcome)
    return headers.parse(outcome.head)
  end,
  trailers = function(outcome, stream)
    return headers.parse(latest(outcome, stream).trailers or "")
  end,
  reason = function(outcome)
    return outcome.head:match("^HTTP/%S+ %d+ ?([^\r\n]*)") or ""
  end,
  timing = function(outcome, stream)
    local figures = latest(outcome, stream).figures
    local all = figures and curl.figures(figures) or {}
    return {
      dns = all.dns,
      connect = all.connect,
      tls = all.tls,
      first_byte = all.first_byte,
      total = all.total,
    }
  end,
  history = function()
    return {}
  end,
  http_version = function(outcome)
    return curl.http_versions[outcome.http_version]
  end,
  remote_ip = function(outcome)
    return outcome.remote_ip
  end,
  reused = function(outcome)
    return outcome.connects == 0
  end,
  attempts = function()
    return 1
  end,
}

-- Where a response keeps its request and its outcome.
local REQUEST, OUTCOME, STREAM = reading.REQUEST, {}, reading.STREAM

function Response.__index(response, name)
  if methods[name] then
    return methods[name]
  elseif lazy[name] then
    local stream = rawget(response, STREAM)
    local value = lazy[name](rawget(response, OUTCOME), stream, rawget(response, REQUEST))
    if not stream or stream.outcome then -- else more may come
      rawset(response, name, value)
    end
    return value
  end
end

function Response.__tostring(response)
  return ("<Response %d %s>"):format(response.status, response.url)
end

--- The body as a JSON value. Waits for the rest of a streamed one.
---@async
---@return any value
---@return curlew.Error? err of kind "decode" when it is none
function methods:json()
  local body, err = self:text()
  if not body then
    return nil, err
  end
  local value, problem = json.decode(body)
  if problem then
    return nil, failure.of(self[REQUEST], "decode", "the body is not JSON: %s", problem)
  end
  return value
end

--- Turns a status of 400 and above into a failure.
---@return curlew.Response? self
---@return curlew.Error? err of kind "status", with this response in `response`
function methods:check()
  if self.status < 400 then
    return self
  end
  local reason = self.reason ~= "" and " " .. self.reason or ""
  local err = failure.of(self[REQUEST], "status", "the server answered %d%s", self.status, reason)
  err.response, err.attempts = self, self.attempts
  err.retryable = retry.STATUSES[self.status] or false
  return nil, err
end

local M = {}

--- Makes a response of a transfer that has succeeded.
---@param request table
---@param outcome table of `client:take`
---@param history? curlew.Response[]
---@param stream? curlew.Stream of the body, where it is read as it comes
---@return curlew.Response
function M.new(request, outcome, history, stream)
  local response = setmetatable({
    status = outcome.status,
    body = not stream and outcome.body or nil,
    history = history,
    attempts = request.attempt,
    [REQUEST] = request,
    [OUTCOME] = outcome,
    [STREAM] = stream,
  }, Response)
  if stream then
    reading.watch(response, stream)
  end
  return response
end

local HTTP_VERSIONS = { ["1.0"] = 1, ["1.1"] = 2, ["2"] = 3, ["3"] = 30 }

-- The head that a server would have sent.
local function head_of(status, given)
  local lines = { ("HTTP/1.1 %d"):format(status) }
  for name, value in each(given or {}) do
    for _, item in ipairs(type(value) == "table" and value or { value }) do
      lines[#lines + 1] = ("%s: %s"):format(name, item)
    end
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

--- Makes a response of what the option "transport" has returned instead of the network:
--- `{ status =, headers =, body =, json = }`, or nil and an error.
---@param request table
---@param history? curlew.Response[]
---@param given? table
---@param err? any
---@return curlew.Response?
---@return curlew.Error? err
function M.of_table(request, history, given, err)
  if given == nil then
    return nil, errors.is(err) and err
      or failure.of(request, "io", "the transport failed: %s", errors.describe(err))
  end
  errors.check_type("what the transport returns", given, "table")
  local status, body = given.status or 200, given.body or ""
  errors.check_type("the status that the transport returns", status, "number")
  errors.check_type("the body that the transport returns", body, "string")
  return M.new(request, {
    status = status,
    head = head_of(status, given.headers),
    body = given.json ~= nil and json.encode(given.json) or body,
    http_version = HTTP_VERSIONS[given.http_version or "1.1"],
    connects = 1,
  }, history)
end

return M
