--- Servers that are not who they should be, and handshakes that do not come to their end.

local forwarder = require "support.forwarder"
local steps = require "support.misbehaviour.steps"
local tls = require "support.tls"

local close, head, hex, reset = steps.close, steps.head, steps.hex, steps.reset

local NO_TLS = "does not speak TLS"

-- A server of `support.tls`, and what is asked of it beside to trust its CA.
local function server(name, which, kind, message, more)
  return {
    name, kind = kind, message = message,
    url = function()
      return tls.start()[which]
    end,
    given = function()
      local given = { verify = tls.start().ca }
      for option, value in pairs(more and more(tls.start()) or {}) do
        given[option] = value
      end
      return given
    end,
  }
end

-- One that meets the first bytes of the handshake with these.
local function handshake(name, reply, kind, message)
  return {
    name, bytes = reply, kind = kind, message = message,
    given = { timeout = steps.patience(kind) },
    url = function(site)
      return (site.url:gsub("^http", "https"))
    end,
  }
end

-- A server whose last word, close_notify, is kept back.
local function cut(name, path, expected)
  expected[1] = name
  function expected.url(site)
    site.between = forwarder.start(tonumber(tls.start().tls12:match(":(%d+)")))
    return ("https://localhost:%d%s"):format(site.between.port, path)
  end
  function expected.given()
    local headers = { ["Accept-Encoding"] = "gzip", Connection = "close" }
    return { verify = tls.start().ca, headers = headers }
  end
  function expected.finally(site)
    site.between.close()
  end
  return expected
end

return {
  server("a certificate that has expired", "expired", "tls", "expired"),
  server("a certificate that is not valid yet", "future", "tls", "not yet valid"),
  server("a certificate for another name", "other", "tls", "no alternative certificate"),
  server("a certificate that it has signed itself", "self", "tls", "self%-signed"),
  server("a certificate of an issuer that is not trusted", "good", "tls", "local issuer",
    function(site)
      return { verify = site.stranger }
    end),
  server("a certificate of an issuer that the system does not know", "good", "tls", "local issuer",
    function()
      return { verify = true }
    end),
  server("another key than the pinned one", "good", "tls", "pin", function()
    return { pinned_key = "sha256//" .. ("A"):rep(43) .. "=" }
  end),
  server("the wish for a certificate of the client's", "strict", "tls"),
  server("the wish for a certificate of the client's, in TLS 1.2", "strict12", "tls"),
  server("no version of TLS that is new enough", "tls12", "tls", "version", function()
    return { tls_min = "1.3" }
  end),
  handshake("no TLS but another protocol", { "SSH-2.0-OpenSSH_9.2\r\n" }, "tls", NO_TLS),
  handshake("no TLS but HTTP", { head "400 Bad Request", close }, "tls", NO_TLS),
  handshake("zeros in place of TLS", { ("\0"):rep(1000) }, "tls", NO_TLS),
  handshake("an alert of TLS", { hex "15 0303 0002 0228" }, "tls", "handshake failure"),
  handshake("an alert of TLS that the name is unknown", { hex "15 0303 0002 0270" }, "tls",
    "unrecognized name"),
  handshake("a record of TLS that is longer than allowed", {
    hex "16 0303 ffff" .. ("x"):rep(65535),
  }, "tls"),
  handshake("half a record of TLS, and closes", { hex "16 0303 0100 02", close }, "closed",
    "in the TLS handshake"),
  handshake("half a record of TLS, and resets", { hex "16 0303 0100 02", reset }, "closed",
    "reset the connection"),
  handshake("half a record of TLS, and silence", { hex "16 0303 0100 02" }, "timeout"),
  handshake("a handshake message of no meaning", { hex "16 0303 0004 63000000" }, "tls"),
  handshake("nothing of TLS, and closes", { close }, "closed", "in the TLS handshake"),
  handshake("nothing of TLS, and resets", { reset }, "closed", "reset the connection"),
  handshake("nothing of TLS", {}, "timeout"),
  cut("a body without length, and no close_notify", "/unsized", {
    kind = "closed", message = "close_notify",
  }),
  cut("a body with its length, and no close_notify", "/", { body = "tls12\n" }),
}
