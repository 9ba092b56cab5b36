--- A server that goes away, breaks off or falls silent, at every stage of an answer.

local steps = require "support.misbehaviour.steps"

local close, finish, head, reset = steps.close, steps.finish, steps.head, steps.reset

local CHUNKED = head "Transfer-Encoding: chunked"

-- Where the answer has come when it ends, by what was sent.
local STAGES = {
  { "before the status line", "" },
  { "within the status line", "HTTP/1.1 20" },
  { "within the header fields", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n" },
  { "behind the head", head "Content-Length: 100" },
  { "within the body", head "Content-Length: 100" .. "half" },
  { "within a chunk", CHUNKED .. "64\r\nhalf" },
  { "within the size of a chunk", CHUNKED .. "4\r\nhalf\r\n1" },
  { "within the trailers", CHUNKED .. "4\r\nhalf\r\n0\r\nX-Sum: " },
}

-- How it ends; what the client makes of it; libcurl says otherwise where nothing had come.
local ENDS = {
  { "closes ", close, "closed", "closed the connection" },
  { "resets ", reset, "closed", "reset the connection" },
  { "sends no more, but reads, ", finish, "closed", "closed the connection" },
  { "is silent ", nil, "timeout", "timeout%.idle" },
}

local cases = {
  {
    "closes as soon as it is connected to",
    connect = { close }, kind = "closed",
  },
  {
    "resets as soon as it is connected to",
    connect = { reset }, kind = "closed",
  },
  {
    "closes at the first bytes of the request",
    bytes = { close }, kind = "closed",
  },
  {
    "resets at the first bytes of the request",
    bytes = { reset }, kind = "closed",
  },
  {
    "never reads the request",
    connect = { steps.deafen }, given = { timeout = steps.patience "timeout" }, kind = "timeout",
  },
  {
    "answers before the request has come",
    connect = { head "Content-Length: 5" .. "hello" }, body = "hello",
  },
  {
    "sends a byte now and then, for longer than all of the time",
    answer = { head "Content-Length: 1000", steps.trickle("x", 0.02) },
    given = { timeout = { total = 0.15, idle = 0.1 } },
    kind = "timeout", message = "not done within 0%.15 s",
  },
  {
    "pauses for less than the limit",
    answer = { steps.pause(0.03), head "Content-Length: 5", steps.pause(0.03), "hello" },
    given = { timeout = { idle = 0.2 } }, body = "hello",
  },
}

for _, ending in ipairs(ENDS) do
  for _, stage in ipairs(STAGES) do
    cases[#cases + 1] = {
      ending[1] .. stage[1],
      answer = { stage[2], ending[2] },
      given = { timeout = steps.patience(ending[3]) },
      kind = ending[3], message = ending[4],
    }
  end
end

return cases
