--- Proxies that refuse, break off or speak something else (RFC 9110 section 9.3.6, RFC 1928).

local steps = require "support.misbehaviour.steps"

local close, forever, head, hex, reset = steps.close, steps.forever, steps.head, steps.hex,
  steps.reset

local NO_TLS = "does not speak TLS"
local OPEN = head "200 Connection established"

-- A tunnel to a server, which the proxy answers with these steps.
local function tunnel(name, reply, kind, message)
  return {
    name, url = "https://nosuch.invalid/", answer = reply, kind = kind, message = message,
    given = function(site)
      return { proxy = site.url, timeout = steps.patience(kind) }
    end,
  }
end

-- A request through a proxy without a tunnel.
local function plain(name, reply, expected)
  expected[1], expected.url, expected.answer = name, "http://nosuch.invalid/", reply
  function expected.given(site)
    return { proxy = site.url, timeout = steps.patience(expected.kind) }
  end
  return expected
end

-- A proxy of the SOCKS protocol, which answers the first bytes so.
local function socks(name, reply, kind, message, scheme)
  return {
    name, url = "http://nosuch.invalid/", bytes = reply, kind = kind, message = message,
    given = function(site)
      local proxy = site.url:gsub("^http", scheme or "socks5h")
      return { proxy = proxy, timeout = steps.patience(kind) }
    end,
  }
end

return {
  tunnel("407 to CONNECT", {
    head("407 Proxy Authentication Required", "Proxy-Authenticate: Basic realm=x",
      "Content-Length: 0"),
  }, "proxy", "407"),
  tunnel("502 to CONNECT", { head("502 Bad Gateway", "Content-Length: 0") }, "proxy", "502"),
  tunnel("502 with a body that stops to CONNECT", {
    head("502 Bad Gateway", "Content-Length: 100"), "half",
  }, "proxy", "502"),
  tunnel("a redirect to CONNECT", {
    head("302 Found", "Location: http://127.0.0.1:1/", "Content-Length: 0"),
  }, "proxy", "302"),
  tunnel("garbage to CONNECT", { "SSH-2.0-OpenSSH_9.2\r\n\r\n", close }, "proxy", "is not HTTP"),
  tunnel("nothing to CONNECT", {}, "timeout"),
  tunnel("nothing to CONNECT, and closes", { close }, "proxy", "the proxy closed the connection"),
  tunnel("a reset to CONNECT", { reset }, "proxy", "the proxy reset the connection"),
  tunnel("half a head to CONNECT", { "HTTP/1.1 200 Conn", close }, "proxy",
    "the proxy closed the connection"),
  tunnel("a head without end to CONNECT", {
    "HTTP/1.1 200 OK\r\n", forever(("X-More: and more\r\n"):rep(50)),
  }, "timeout"), -- libcurl passes over it
  tunnel("a head line without end to CONNECT", {
    "HTTP/1.1 200 OK\r\nX-More: ", forever(("x"):rep(1024)),
  }, "too_large"),
  tunnel("1xx to CONNECT", { forever(head("100 Continue"):rep(100)) }, "proxy", "100"),
  tunnel("a tunnel, and closes it", { OPEN, close }, "closed", "in the TLS handshake"),
  tunnel("a tunnel, and resets it", { OPEN, reset }, "closed", "reset"),
  tunnel("a tunnel to silence", { OPEN }, "timeout"),
  tunnel("a tunnel to one that speaks no TLS", { OPEN, "SSH-2.0-OpenSSH_9.2\r\n" }, "tls", NO_TLS),
  tunnel("a tunnel with a length", { head "Content-Length: 5" .. "hello", close }, "tls", NO_TLS),

  plain("407 to a request", {
    head("407 Proxy Authentication Required", "Proxy-Authenticate: Basic realm=x",
      "Content-Length: 2") .. "no",
  }, { status = 407, body = "no" }),
  plain("502 to a request", { head("502 Bad Gateway", "Content-Length: 0") }, { status = 502 }),
  plain("garbage to a request", { "SSH-2.0-OpenSSH_9.2\r\n" }, {
    kind = "protocol", message = "is not HTTP",
  }),
  plain("nothing to a request", {}, { kind = "timeout" }),
  plain("nothing to a request, and closes", { close }, { kind = "closed" }),
  plain("a reset to a request", { reset }, { kind = "closed" }),
  {
    "a proxy that nobody serves", url = "https://nosuch.invalid/",
    given = { proxy = "http://127.0.0.1:1" }, kind = "connect", message = "127%.0%.0%.1:1 refused",
  },
  {
    "a proxy whose name has no address", url = "https://nosuch.invalid/",
    given = { proxy = "http://proxy.invalid:8080" }, kind = "proxy", message = "proxy%.invalid",
  },

  socks("another version of SOCKS", { hex "0400" }, "proxy"),
  socks("no way of SOCKS that suits both", { hex "05ff" }, "proxy"),
  socks("a way of SOCKS that nobody offered", { hex "0577" }, "proxy"),
  socks("HTTP to SOCKS", { head "400 Bad Request", close }, "proxy"),
  socks("half a greeting of SOCKS", { hex "05", close }, "proxy"),
  socks("nothing to SOCKS", {}, "timeout"),
  socks("nothing to SOCKS, and closes", { close }, "proxy"),
  socks("a reset to SOCKS", { reset }, "proxy"),
  socks("a refusal of SOCKS 5", { hex "0500", steps.pause(0.01), hex "05050001000000000000" },
    "proxy"),
  socks("an address of a kind that SOCKS 5 has not", {
    hex "0500", steps.pause(0.01), hex "05000009000000000000",
  }, "proxy"),
  socks("half a reply of SOCKS 5", { hex "0500", steps.pause(0.01), hex "0500", close }, "proxy"),
  socks("no reply of SOCKS 5", { hex "0500" }, "timeout"),
  socks("a refusal of SOCKS 4", { hex "005b000000000000" }, "proxy", nil, "socks4a"),
}
