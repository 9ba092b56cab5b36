--- Redirects that lead nowhere, in circles, or where nobody should go (RFC 9110 section 15.4).

local steps = require "support.misbehaviour.steps"

local close, forever, head = steps.close, steps.forever, steps.head

local IDLE = { timeout = steps.patience "timeout" }

-- A redirect to that place, which is refused.
local function to(name, place, message)
  return {
    name, answer = { head("302 Found", "Location: " .. place, "Content-Length: 0") },
    kind = "redirect", message = message or "redirects to",
  }
end

-- Sends each request on to a place that no request has asked for yet.
local function ever_further(conn)
  local number = #conn.server.requests
  conn:send(head("302 Found", "Location: /" .. number, "Content-Length: 0"))
end

-- Answers the first request with these lines behind its status, all others well.
local function once(...)
  local answer = head(...)
  return function(conn)
    if #conn.server.requests == 1 then
      conn:send(answer)
    else
      conn:respond { body = "arrived" }
    end
  end
end

-- Sends requests on to the same server by another name, and tells what they bring along there.
local function to_other_origin(conn)
  local request = conn.request
  if request.headers.host:find("^127") then
    local place = conn.server.url:gsub("127%.0%.0%.1", "localhost") .. "/bad"
    conn:send(head("307 Temporary Redirect", "Location: " .. place, "Content-Length: 0"))
  else
    local brought = {}
    for _, name in ipairs { "authorization", "cookie", "x-api-key", "accept" } do
      brought[#brought + 1] = request.headers[name]
    end
    conn:respond { body = table.concat(brought, ",") }
  end
end

return {
  to("a redirect to itself", "/bad", "more than 10 redirects"),
  to("a redirect to an empty place, which is itself", "", "more than 10 redirects"),
  {
    "redirects without end",
    answer = { ever_further }, kind = "redirect", message = "more than 10 redirects",
  },
  to("a redirect to a file", "file:///etc/passwd", "only http and https"),
  to("a redirect to ftp", "ftp://127.0.0.1/file", "only http and https"),
  to("a redirect to gopher", "gopher://127.0.0.1:25/_HELO", "gopher"),
  to("a redirect to dict", "dict://127.0.0.1:11211/stats", "dict"),
  to("a redirect to a scheme of nobody's", "nosuch://127.0.0.1/", "nosuch"),
  to("a redirect to no host", "http://"),
  to("a redirect to half an address", "http://[::1/"),
  to("a redirect to a port beyond all", "http://127.0.0.1:99999/"),
  to("a redirect to a host with a space", "http://127.0.0.1 localhost/"),
  to("a redirect with control bytes", "http://127.0.0.1\27[2J\7/"),
  {
    "a redirect to a port that nobody serves",
    answer = { head("302 Found", "Location: http://127.0.0.1:1/", "Content-Length: 0") },
    kind = "connect", message = "127%.0%.0%.1:1 refused",
  },
  {
    "a redirect to a place of 90 KB",
    answer = { once("302 Found", "Location: /" .. ("x"):rep(90000), "Content-Length: 0") },
    body = "arrived",
  },
  {
    "a redirect to two places", -- the first counts
    answer = { once("302 Found", "Location: /first", "Location: ftp://h/", "Content-Length: 0") },
    body = "arrived",
  },
  {
    "a redirect without a place",
    answer = { head("302 Found", "Content-Length: 5"), "hello" }, status = 302, body = "hello",
  },
  {
    "a redirect to another origin, which gets no secrets",
    answer = { to_other_origin },
    given = {
      headers = {
        Authorization = "Bearer hidden", Cookie = "hidden", ["X-Api-Key"] = "hidden",
        Accept = "text/plain",
      },
    },
    body = "text/plain",
  },
  {
    "a redirect whose head is cut short",
    answer = { "HTTP/1.1 302 Found\r\nLocation: /", close }, kind = "closed",
  },
  {
    "a redirect whose body is cut short",
    answer = { head("302 Found", "Location: /", "Content-Length: 100"), "half", close },
    kind = "closed", message = "before the body was complete",
  },
  {
    "a redirect whose body stops",
    answer = { head("302 Found", "Location: /", "Content-Length: 100"), "half" },
    given = IDLE, kind = "timeout",
  },
  {
    "a redirect whose body has no end",
    answer = { head("302 Found", "Location: /"), forever(("x"):rep(4096)) },
    given = { max_body = 100000 }, kind = "too_large",
  },
  {
    "a redirect whose body has no end, before a body that is streamed",
    answer = { head("302 Found", "Location: /"), forever(("x"):rep(4096)) },
    given = { stream = true },
  },
  {
    "a redirect of a body that can be sent once",
    method = "PUT",
    answer = { head("307 Temporary Redirect", "Location: /", "Content-Length: 0") },
    given = function()
      local pieces = { "once" }
      return {
        body = function()
          return table.remove(pieces)
        end,
      }
    end,
    kind = "redirect", message = "cannot be sent again",
  },
}
