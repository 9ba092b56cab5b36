--- What a server does to connections that are to be used again.

local steps = require "support.misbehaviour.steps"

local close, finish, head, pause, reset = steps.close, steps.finish, steps.head, steps.pause,
  steps.reset

local GOOD = head "Content-Length: 5" .. "right"
local FORGED = head "Content-Length: 5" .. "wrong"
local IDLE = { timeout = steps.patience "timeout" }

-- A good answer, behind which something comes; then a request on a connection of its own.
local function behind(name, ...)
  return { name, root = { head "Content-Length: 5" .. "hello", ... }, after_good = true,
    answer = { GOOD }, body = "right" }
end

-- The first request on a connection is answered well; further ones meet these steps.
local function again(name, reply, expected)
  expected[1], expected.again, expected.answer = name, reply, { GOOD }
  expected.after_good = true
  return expected
end

local function with_body()
  return { body = "hello" }
end

return {
  behind("an answer, and closes later", pause(0.002), close),
  behind("an answer, and resets later", reset),
  behind("an answer, and ends its side later", pause(0.002), finish),
  behind("an answer, and another one right behind it", FORGED),
  behind("an answer, and another one later, on the idle connection", pause(0.002), FORGED),
  behind("an answer, and half of another one later", pause(0.002), "HTTP/1.1 200 OK\r\nContent-"),
  behind("an answer, and an empty line behind it", "\r\n"),
  behind("an answer, and 408 later, as some do before they close", pause(0.002),
    head("408 Request Timeout", "Connection: close", "Content-Length: 0"), close),
  behind("an answer, and noise later", pause(0.002), ("\0"):rep(100)),
  -- libcurl sends what it may once more on a new connection, as nothing was answered.
  again("nothing to the second request, and closes", { close }, { body = "right" }),
  again("a reset to the second request", { reset }, { body = "right" }),
  again("nothing to a second request with a body, and closes", { close }, {
    method = "POST", given = with_body, body = "right",
  }),
  again("a reset to a second request with a body", { reset }, {
    method = "POST", given = with_body, body = "right",
  }),
  again("half a status line to the second request", { "HTTP/1.1 2", close }, { body = "right" }),
  again("half a body to the second request", { head "Content-Length: 50" .. "half", close }, {
    kind = "closed", message = "before the body was complete",
  }),
  again("silence to the second request", {}, { given = IDLE, kind = "timeout" }),
  again("no HTTP to the second request", { "noise\r\n" }, {
    kind = "protocol", message = "is not HTTP",
  }),
  {
    "\"Connection: close\", and stays",
    answer = { head("Content-Length: 5", "Connection: close") .. "right" }, body = "right",
  },
  {
    "\"Connection: keep-alive\", and closes",
    answer = { head("Content-Length: 5", "Connection: keep-alive") .. "right", close },
    body = "right",
  },
  {
    "HTTP/1.0 with a length, and stays",
    answer = { "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nright" }, body = "right",
  },
  {
    "\"Keep-Alive: timeout=0\", and stays",
    answer = { head("Content-Length: 5", "Keep-Alive: timeout=0") .. "right" }, body = "right",
  },
}
