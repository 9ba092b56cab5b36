--- What errors of transfers say: one sentence each, for a person who can act on it. Pure.

local curl = require "curlew.curl"

local M = {}

local DOING = {
  queue = "a place in the session's queue",
  resolve = "the address of %s",
  connect = "the connection to %s",
  tls = "the TLS handshake with %s",
  send = "sending the request",
  wait = "the response",
  body = "the end of the body",
}

local function peer(request)
  return ("%s:%s"):format(request.target.host, request.target.port)
end

--- For a request that has waited too long in a phase.
---@param request table
---@param phase string
---@param limit number seconds
---@return string
function M.timeout(request, phase, limit)
  local awaited = DOING[phase]:format(peer(request))
  return ("not done within %g s, while waiting for %s"):format(limit, awaited)
end

-- The limit of time, in seconds, that holds in a phase.
local function limit_of(request, phase)
  local timeout = request.options.timeout
  local connecting = phase == "resolve" or phase == "connect" or phase == "tls"
  return connecting and math.min(timeout.connect, request.total) or request.total
end

-- Whom libcurl has tried to connect to: a proxy, maybe, or a socket.
local function addressee(request, outcome)
  if request.options.unix_socket then
    return request.options.unix_socket
  end
  local host, port = outcome.error:match("^Failed to connect to (%S+) port (%d+)")
  if not host then
    return peer(request)
  end
  return (host:find(":", 1, true) and "[%s]:%s" or "%s:%s"):format(host, port)
end

--- How a connection has broken, by what the system calls it.
M.BROKEN = {
  ["Broken pipe"] = "%s closed the connection while it was sent to",
  ["Connection reset by peer"] = "%s reset the connection",
}

--- For a request whose session was closed.
---@param why? string
---@return string
function M.closed(why)
  return "the session was closed" .. (why and ": " .. why or "")
end

--- A message by kind; what has no entry, or gives none, says what libcurl says.
M.of = {
  connect = function(request, outcome)
    if outcome.os_error == "Connection refused" then
      return addressee(request, outcome) .. " refused the connection"
    elseif outcome.os_error then
      return ("%s cannot be reached: %s"):format(addressee(request, outcome), outcome.os_error)
    end
  end,
  proxy = function(_, outcome)
    if outcome.error:find("^Unsupported proxy") then -- the whole URL follows, with its password
      return "the URL of the proxy is not supported"
    elseif outcome.error:find("^CONNECT tunnel failed, response 0") then
      return "the answer of the proxy is not HTTP"
    elseif outcome.error:find("^Proxy CONNECT aborted") then
      return "the proxy closed the connection"
    elseif M.BROKEN[outcome.os_error] then
      return M.BROKEN[outcome.os_error]:format("the proxy")
    end
  end,
  tls = function(request, outcome)
    return outcome.error:find("wrong version number", 1, true) and peer(request)
      .. " does not speak TLS"
  end,
  resolve = function(request, outcome)
    local name = outcome.error:match("resolve host: (%S+)") or request.target.host
    return ("the name %s has no address"):format(name)
  end,
  timeout = function(request, _, phase)
    return M.timeout(request, phase, limit_of(request, phase))
  end,
  closed = function(request, outcome)
    if outcome.result == 18 then
      local part = outcome.head_complete and "body" or "head"
      return ("%s closed the connection before the %s was complete"):format(peer(request), part)
    elseif outcome.result == 52 then
      return peer(request) .. " closed the connection without an answer"
    elseif M.BROKEN[outcome.os_error] then
      return M.BROKEN[outcome.os_error]:format(peer(request))
    elseif outcome.result == 35 then
      return peer(request) .. " closed the connection in the TLS handshake"
    elseif outcome.result == 16 then
      return peer(request) .. " ended the connection before it answered the request"
    end
  end,
  protocol = function(request, outcome)
    if outcome.error:find("^Invalid Content%-Length") then -- it begins with no digit
      return curl.verdicts.bad_length[2]
    elseif outcome.error:find("HTTP/0.9", 1, true) then
      return ("the answer of %s is not HTTP"):format(peer(request))
    elseif outcome.result == 43 then
      return "a header line goes on that has not begun"
    elseif outcome.result == 52 then
      return ("the answer of %s is not HTTP/2"):format(peer(request))
    end
    return outcome.error:match("nghttp2.* returned %-%d+:(.*)")
  end,
  decode = function(_, outcome)
    return outcome.result == 23 and "the compressed body has more behind its end"
  end,
  too_large = function(_, outcome)
    return outcome.error:find("^Too large response headers") and curl.verdicts.headers_too_large[2]
      or outcome.error:find("nghttp2", 1, true) and "the header fields are more than libcurl allows"
      or "a header line is larger than libcurl allows"
  end,
  closed_session = function(_, outcome)
    return M.closed(outcome.lost)
  end,
  io = function(_, outcome)
    return outcome.result == 2 and outcome.os_error
      and "its socket cannot be watched: " .. outcome.os_error
  end,
}

return M
