--- Answers that come before a request has been sent, or never (RFC 9110 section 10.1.1).

local steps = require "support.misbehaviour.steps"

local close, deafen, head, pause, reset = steps.close, steps.deafen, steps.head, steps.pause,
  steps.reset

local BIG = ("x"):rep(16 * 1024 * 1024) -- more than the kernel takes from a client
local TOO_LARGE = head("413 Content Too Large", "Content-Length: 9", "Connection: close")
  .. "too large"

-- A request with a big body, whose head meets these steps.
local function upload(name, reply, expected)
  expected[1], expected.head, expected.method = name, reply, "PUT"
  expected.given = expected.given or { body = BIG, timeout = steps.patience(expected.kind) }
  expected.expect = false
  return expected
end

-- The same, of a request that waits for 100 first.
local function expecting(name, reply, expected)
  expected.given = {
    body = "hello", headers = { Expect = "100-continue" }, timeout = steps.patience(expected.kind),
    curl = { CURLOPT_EXPECT_100_TIMEOUT_MS = 20 },
  }
  return upload(name, reply, expected)
end

-- A body whose pieces come one by one, without end.
local function endless(kind)
  return {
    body = function()
      return ("x"):rep(16384)
    end,
    timeout = steps.patience(kind),
  }
end

local function refused()
  return { status = 413, body = "too large" }
end

return {
  upload("413 before the body, and closes", { TOO_LARGE, close }, refused()),
  upload("413 before the body, and reads on", { TOO_LARGE }, refused()),
  upload("413 before the body, and reads no more", { deafen, TOO_LARGE }, refused()),
  upload("413 before the body, and resets a little later", {
    deafen, TOO_LARGE, pause(0.02), reset,
  }, refused()),
  upload("200 before the body, which it takes all the same", {
    head "Content-Length: 5" .. "early",
  }, { body = "early", reads = true }),
  upload("half an answer before the body", { head "Content-Length: 50" .. "early", close }, {
    kind = "closed",
  }),
  upload("no answer, and closes before the body", { close }, {
    kind = "closed", message = "^127%.0%.0%.1:%d+ %a+ the connection",
  }),
  upload("no answer, and resets before the body", { reset }, {
    kind = "closed", message = "reset the connection",
  }),
  upload("no answer, and stops reading", { deafen }, {
    kind = "timeout", message = "timeout%.idle",
  }),
  upload("no answer, and reads on", {}, {
    given = { body = "hello", timeout = steps.patience "timeout" }, kind = "timeout",
  }),
  upload("a redirect before the body, and closes", {
    head("307 Temporary Redirect", "Location: /", "Content-Length: 0", "Connection: close"), close,
  }, { body = "hello" }),
  upload("no HTTP before the body", { "SSH-2.0-OpenSSH_9.2\r\n" }, {
    kind = "protocol", message = "is not HTTP",
  }),
  upload("413 to a body without end, and closes", { TOO_LARGE, close }, {
    status = 413, given = endless(),
  }),
  upload("413 to a body without end, and reads on", { TOO_LARGE }, {
    status = 413, given = endless(),
  }),
  upload("nothing to a body without end, and closes", { close }, {
    kind = "closed", given = endless(),
  }),
  upload("nothing to a body without end, and stops reading", { deafen }, {
    kind = "timeout", given = endless "timeout",
  }),
  expecting("417 to Expect", {
    head("417 Expectation Failed", "Content-Length: 2", "Connection: close") .. "no", close,
  }, { status = 417, body = "no" }),
  expecting("413 to Expect", { TOO_LARGE, close }, refused()),
  expecting("100 to Expect, and closes", { head "100 Continue", pause(0.01), close }, {
    kind = "closed",
  }),
  expecting("100 to Expect, and silence", { head "100 Continue" }, { kind = "timeout" }),
  expecting("silence to Expect", {}, { kind = "timeout" }),
  {
    "no 100 to Expect, but an answer to the body", method = "PUT", expect = false,
    answer = { head "Content-Length: 5" .. "taken" },
    given = {
      body = "hello", headers = { Expect = "100-continue" },
      curl = { CURLOPT_EXPECT_100_TIMEOUT_MS = 20 },
    },
    body = "taken",
  },
  {
    "a reset when the body has come", method = "POST",
    answer = { reset }, given = { body = "hello" }, kind = "closed", message = "reset",
  },
  {
    "half an answer when the body has come", method = "POST",
    answer = { head "Content-Length: 50" .. "half", close }, given = { body = "hello" },
    kind = "closed",
  },
}
