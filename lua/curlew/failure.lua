--- From what a transfer has ended with to an error that a person can act on.

local each = require("curlew.compat").each
local curl = require "curlew.curl"
local errors = require "curlew.error"
local messages = require "curlew.messages"
local options = require "curlew.options"
local url = require "curlew.url"
local width = require "curlew.width"

local M = {}

local RETRYABLE = { resolve = true, connect = true, timeout = true, closed = true }

-- Results that only a TLS handshake has.
local TLS_RESULTS = {}
for result, known in each(curl.results) do
  TLS_RESULTS[result] = known[2] == "tls" or nil
end

--- Where a transfer stood when it ended.
local function phase_of(request, outcome)
  if outcome.head_complete and outcome.status >= 200 then
    return "body"
  elseif outcome.ready > 0 then
    local has_more = (request.body or request.source)
      and outcome.uploaded < (request.body_length or math.huge)
    return has_more and "send" or "wait"
  elseif TLS_RESULTS[outcome.result] then
    return "tls"
  elseif outcome.dns == 0 then
    return "resolve"
  elseif outcome.connect == 0 and outcome.peer_port ~= tonumber(request.target.port) then
    return "connect" -- or waits for a proxy's answer
  end
  return request.target.scheme == "https" and "tls" or "send"
end

local function make(request, fields)
  fields.message = width.escape(fields.message) -- it may quote what a server has sent
  fields.method = request.method
  fields.url = url.printable(request.target.url)
  fields.retryable = RETRYABLE[fields.kind] or false
  fields.attempts = request.attempt or 1
  return errors.new(fields)
end

-- Receive errors that are of another kind, by what libcurl says.
local RECEIVE_ERRORS = {
  { "^CONNECT response too large", "too_large" },
  { "^Too large response headers", "too_large" },
  { "nghttp2.* returned %-902:", "too_large" }, -- libcurl had enough of header fields
  { "nghttp2.* returned %-%d+:", "protocol" },
  { "^Out of memory in chunk", "too_large" }, -- a line of a trailer
  { "[Cc]hunk", "protocol" },
  { "SSL_read: .* alert ", "tls" }, -- what TLS 1.3 says of a client's certificate
  { "^CONNECT tunnel failed", "proxy" },
  { "^Proxy CONNECT", "proxy" },
}

-- Some results of libcurl's have a better name, once it is known where the transfer stood.
local REFINED = {
  -- A proxy whose scheme is unknown.
  CURLE_COULDNT_CONNECT = function(outcome)
    return outcome.error:find("^Unsupported proxy") and "proxy"
  end,
  -- A socket's path that is too long; a SOCKS proxy's name, which libcurl calls sometimes so,
  -- sometimes CURLE_COULDNT_RESOLVE_PROXY.
  CURLE_COULDNT_RESOLVE_HOST = function(outcome, request)
    local name = outcome.error:match("resolve host: (%S+)")
    local is_other = name and name:lower() ~= request.target.host:lower()
    return outcome.error:find("^Unix socket path") and "io"
      or is_other and not request.options.curl and "proxy"
  end,
  -- Much is a receive error to libcurl, also that a proxy has broken off.
  CURLE_RECV_ERROR = function(outcome, request)
    for _, known in ipairs(RECEIVE_ERRORS) do
      if outcome.error:find(known[1]) then
        return known[2]
      end
    end
    local has_refused = outcome.proxy_status >= 400 or phase_of(request, outcome) == "connect"
    return has_refused and "proxy"
  end,
  -- Where nothing but HTTP/2 was asked for: libcurl has ended the connection, for what came.
  CURLE_GOT_NOTHING = function(_, request)
    return request.options.http == "2-prior-knowledge" and "protocol"
  end,
  -- A connection that has ended in the handshake.
  CURLE_SSL_CONNECT_ERROR = function(outcome)
    return (messages.BROKEN[outcome.os_error] or outcome.error:find("SSL_ERROR_SYSCALL", 1, true))
      and "closed"
  end,
  -- The URL's protocol was supported: it is the answer that is of another.
  CURLE_UNSUPPORTED_PROTOCOL = function(outcome)
    return outcome.ready > 0 and "protocol"
  end,
  -- Header fields that begin with a folded line.
  CURLE_BAD_FUNCTION_ARGUMENT = function(outcome)
    return outcome.ready > 0 and "protocol"
  end,
  -- A header line beyond libcurl's limit.
  CURLE_OUT_OF_MEMORY = function(outcome)
    return outcome.ready > 0 and not outcome.head_complete and "too_large"
  end,
  -- The write callback gives a verdict when it refuses; without one, the decoder has refused.
  CURLE_WRITE_ERROR = function()
    return "decode"
  end,
}

local function kind_of(request, outcome, known)
  local refine = known and REFINED[known[1]]
  return refine and refine(outcome, request) or known and known[2] or "io"
end

--- The error of a transfer that curlew itself has ended.
local function from_verdict(request, outcome, verdict)
  local detail = request.max_body
  if outcome.verdict == "idle" then
    detail = request.options.timeout.idle
  end
  return make(request, {
    kind = verdict[1],
    message = verdict[2]:format(detail),
    phase = outcome.ready and phase_of(request, outcome) or nil,
    code = outcome.verdict == "idle" and "CURLE_OPERATION_TIMEDOUT" or nil,
  })
end

--- The error of a request whose session is closed, or was closed before the request could start.
---@param request table
---@param session table
---@return curlew.Error
function M.closed_session(request, session)
  return make(request, {
    kind = "closed_session",
    message = messages.closed(session.lost),
  })
end

--- The error of a transfer, of the table of `client:take`.
---@param request table
---@param outcome table
---@return curlew.Error
function M.from_outcome(request, outcome)
  if outcome.figures then
    outcome = options.union(outcome, curl.figures(outcome.figures))
  end
  local verdict = curl.verdicts[outcome.verdict]
  if verdict then
    return from_verdict(request, outcome, verdict)
  end
  local known = curl.results[outcome.result]
  local kind = kind_of(request, outcome, known)
  local phase = kind ~= "closed_session" and phase_of(request, outcome) or nil
  local wording = messages.of[kind]
  return make(request, {
    kind = kind,
    message = wording and wording(request, outcome, phase) or outcome.error,
    phase = phase,
    code = known and known[1] or ("CURLE_%d"):format(outcome.result),
  })
end

--- The error of a request whose time was over before it could start.
---@param request table
---@param phase string "queue", or "resolve" where it waited for another to look its host up
---@return curlew.Error
function M.early_timeout(request, phase)
  return make(request, {
    kind = "timeout",
    message = messages.timeout(request, phase, request.total),
    phase = phase,
  })
end

--- An error of the given kind about a request.
---@param request table
---@param kind string
---@param format string as in string.format
---@param ... any
---@return curlew.Error
function M.of(request, kind, format, ...)
  return make(request, { kind = kind, message = format:format(...) })
end

return M
