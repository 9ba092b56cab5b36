local curl = require "curlew.curl"
local errors = require "curlew.error"
local failure = require "curlew.failure"
local options = require "curlew.options"
local request = require "curlew.request"

local function new(given, address)
  return assert(request.new(options.for_session(), nil,
    address or "http://u:secret@h:81/p?token=secret#x", given))
end

-- An outcome that stands where the connection was being made.
local function outcome(changes)
  local all = {
    result = 7, error = "", status = 200, head = "", head_complete = false, proxy_status = 0,
    uploaded = 0,
    dns = 0.1, connect = 0, tls = 0, ready = 0, first_byte = 0, total = 1,
  }
  for name, value in pairs(changes) do
    all[name] = value
  end
  return all
end

local function make(changes, given, address)
  return failure.from_outcome(new(given, address), outcome(changes))
end

local CONNECTED = { connect = 0.2, ready = 0.3 }

local function connected(changes)
  for name, value in pairs(CONNECTED) do
    changes[name] = changes[name] or value
  end
  return changes
end

describe("the error of a transfer", function()
  it("reads well, without secrets", function()
    assert.equal("connect: h:81 refused the connection (GET http://h:81/p?token=***)",
      tostring(make { result = 7, os_error = "Connection refused" }))
    assert.equal("connect: h:81 cannot be reached: No route to host (GET http://h:81/p?token=***)",
      tostring(make { result = 7, os_error = "No route to host" }))
    assert.equal("resolve: the name h has no address (GET http://h:81/p?token=***)",
      tostring(make { result = 6, dns = 0 }))
    local text = "closed: h:81 closed the connection without an answer "
      .. "(GET http://h:81/p?token=***)"
    assert.equal(text, tostring(make(connected { result = 52 })))
    assert.matches("closed the connection before the head was complete",
      make(connected { result = 18 }).message, 1, true)
  end)

  it("has every field", function()
    local err = make { result = 7, os_error = "Connection refused" }
    assert.is_true(errors.is(err, "connect"))
    assert.equal("CURLE_COULDNT_CONNECT", err.code)
    assert.equal("connect", err.phase)
    assert.equal("GET", err.method)
    assert.equal("http://h:81/p?token=***", err.url)
    assert.equal(true, err.retryable)
    assert.equal(1, err.attempts)
  end)

  it("says where the transfer stood", function()
    local function phase(changes, address)
      changes.result = 28
      return make(changes, nil, address).phase
    end
    assert.equal("resolve", phase { dns = 0 })
    assert.equal("connect", phase { dns = 0.1 })
    assert.equal("tls", phase({ connect = 0.2 }, "https://h/"))
    assert.equal("send", phase({ connect = 0.2 }, "http://h/"))
    assert.equal("wait", phase { connect = 0.2, ready = 0.3 })
    assert.equal("body", phase { connect = 0.2, ready = 0.3, head_complete = true })
  end)

  it("says which limit was reached, and what for", function()
    assert.equal("not done within 10 s, while waiting for the connection to h:81",
      make({ result = 28 }).message)
    assert.equal("not done within 2 s, while waiting for the address of h:81",
      make({ result = 28, dns = 0 }, { timeout = 2 }).message)
    assert.equal("not done within 0.5 s, while waiting for the response",
      make(connected { result = 28 }, { timeout = 0.5 }).message)
    assert.equal("not done within 300 s, while waiting for the end of the body",
      make(connected { result = 28, head_complete = true }).message)
    assert.equal("not done within 5 s, while waiting for the TLS handshake with h:443",
      make({ result = 28, connect = 0.1 }, { timeout = { connect = 5 } }, "https://h/").message)
  end)

  it("is retryable only when nothing was wrong with the request itself", function()
    for result, retryable in pairs {
      [6] = true, [7] = true, [28] = true, [52] = true, [55] = true, [56] = true, [18] = true,
      [3] = false, [35] = false, [60] = false, [61] = false, [47] = false, [92] = false,
    } do
      assert.equal(retryable, make(connected { result = result }).retryable, tostring(result))
    end
  end)

  it("has what libcurl says, when curlew has no better sentence", function()
    assert.equal("SSL: wrong name", make({ result = 60, error = "SSL: wrong name" }).message)
    assert.equal("said: 100%d %s", make({ result = 56, error = "said: 100%d %s" }).message)
  end)

  it("copes with a result that nobody knows", function()
    local err = make { result = 9999, error = "Unknown error" }
    assert.equal("io", err.kind)
    assert.equal("CURLE_9999", err.code)
    assert.equal("Unknown error", err.message)
  end)

  it("blames the proxy when it was the proxy that refused", function()
    assert.equal("proxy", make({ result = 56, proxy_status = 407 }).kind)
    assert.equal("proxy", make({ result = 56, os_error = "Connection reset by peer" }).kind)
    assert.equal("closed", make(connected { result = 56, proxy_status = 200 }).kind)
    assert.equal("closed", make(connected { result = 56 }).kind)
  end)

  it("calls an answer that is no HTTP a breach of protocol", function()
    local err = make { result = 1, ready = 0.1, error = "Received HTTP/0.9 when not allowed" }
    assert.equal("protocol", err.kind)
    assert.is_false(err.retryable)
  end)

  it("names every reason for which curlew itself ends a transfer", function()
    for name, verdict in pairs(curl.verdicts) do
      local err = make({ result = 23, verdict = name }, { max_body = 1000 })
      assert.equal(verdict[1], err.kind)
      assert.is_nil(err.message:find("%%[sdg]"))
      assert.not_equal("", err.message)
    end
    assert.equal("the body is larger than 1000 bytes (max_body)",
      make({ result = 23, verdict = "body_too_large" }, { max_body = 1000 }).message)
    local idle = make({ result = 28, verdict = "idle" }, { timeout = { idle = 1.5 } })
    assert.equal("nothing came or went for 1.5 s (timeout.idle)", idle.message)
    assert.equal("CURLE_OPERATION_TIMEDOUT", idle.code)
    assert.is_true(idle.retryable)
  end)

  it("has one of the kinds that are documented, whatever the result", function()
    local kinds = {}
    for kind in ("resolve connect tls proxy timeout cancelled closed protocol redirect too_large "
      .. "decode upload status invalid_url unsupported io checksum closed_session"):gmatch("%S+") do
      kinds[kind] = true
    end
    for result = 1, 120 do
      local err = make { result = result }
      assert.is_true(kinds[err.kind], err.kind)
      assert.matches("^CURLE_", err.code)
      assert.is_nil(tostring(err):find("[%c]"))
      assert.is_nil(tostring(err):find("secret", 1, true))
    end
  end)

  it("tells of the time that was over in the queue", function()
    local err = failure.early_timeout(new { timeout = 3 }, "queue")
    assert.equal("timeout", err.kind)
    assert.equal("queue", err.phase)
    assert.equal("not done within 3 s, while waiting for a place in the session's queue",
      err.message)
    assert.is_true(err.retryable)
  end)

  it("can be of any kind and wording", function()
    local err = failure.of(new(), "status", "%d%% of %s", 5, "it")
    assert.equal("status: 5% of it (GET http://h:81/p?token=***)", tostring(err))
    assert.is_false(err.retryable)
  end)

  it("writes the limit of the body without a point or exponent", function()
    for limit, text in pairs { [1e3] = "1000", [1e6] = "1000000", [2 ^ 50] = "1125899906842624" } do
      assert.equal(("the body is larger than %s bytes (max_body)"):format(text),
        make({ result = 23, verdict = "body_too_large" }, { max_body = limit * 1.0 }).message)
    end
  end)
end)
