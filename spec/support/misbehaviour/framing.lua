--- Bodies that are shorter, longer or other than their heads say (RFC 9112 sections 6 and 7).

local steps = require "support.misbehaviour.steps"

local unpack = table.unpack or unpack
local close, dribble, forever, head, reset = steps.close, steps.dribble, steps.forever, steps.head,
  steps.reset

local CHUNKED = head "Transfer-Encoding: chunked"
local IDLE = { timeout = steps.patience "timeout" }
local RESET = "^127%.0%.0%.1:%d+ reset the connection$"
local BAD_LENGTH = "bad length, or two different ones"

-- A head whose length is no number of bytes.
local function length(name, ...)
  local fields = {}
  for i, value in ipairs { ... } do
    fields[i] = "Content-Length: " .. value
  end
  return {
    name, answer = { head(unpack(fields)), "hello" }, kind = "protocol", message = BAD_LENGTH,
  }
end

local function chunks(name, bytes, kind, message)
  return { name, answer = { CHUNKED, bytes, close }, kind = kind, message = message }
end

return {
  {
    "a body that is shorter than its length",
    answer = { head "Content-Length: 100", "half", close },
    kind = "closed", message = "before the body was complete",
  },
  {
    "a body that is reset before its length is reached",
    answer = { head "Content-Length: 100", "half", reset },
    kind = "closed", message = RESET,
  },
  {
    "a body that stops before its length is reached",
    answer = { head "Content-Length: 100", "half" },
    given = IDLE, kind = "timeout", message = "timeout%.idle",
  },
  {
    "no byte of the body that was announced",
    answer = { head "Content-Length: 100", close },
    kind = "closed", message = "before the body was complete",
  },
  -- What is too much belongs to nobody; its connection is not used again.
  {
    "a body that is longer than its length",
    answer = { head "Content-Length: 5", "hello, and more" }, body = "hello",
  },
  {
    "a body behind a length of 0",
    answer = { head "Content-Length: 0", "hello" }, body = "",
  },
  length("two different lengths", "5", "6"),
  length("two different lengths in one line", "5, 6"),
  length("the same length twice in one line", "5, 5"),
  length("a negative length", "-5"),
  length("a length that no number holds", "99999999999999999999"),
  length("a length of 2 to the power of 63", "9223372036854775808"),
  length("a length in words", "five"),
  length("a hexadecimal length", "0x5"),
  length("a length with a sign", "+5"),
  length("a length with a fraction", "5.0"),
  length("an empty length", ""),
  length("a length with something behind it", "5 bytes"),
  {
    "the same length in two lines",
    answer = { head("Content-Length: 5", "Content-Length: 5"), "hello" }, body = "hello",
  },
  {
    "a length of a thousand terabytes",
    answer = { head "Content-Length: 1125899906842624", "begun" },
    given = IDLE, kind = "timeout",
  },
  -- Allowed, but no length is to be believed then: the chunks count (section 6.3).
  {
    "a length and chunks",
    answer = { head("Content-Length: 2", "Transfer-Encoding: chunked"), "5\r\nhello\r\n0\r\n\r\n" },
    body = "hello",
  },
  {
    "a body without length or chunks that is reset",
    answer = { head(), "half", reset }, kind = "closed", message = RESET,
  },
  -- Its end is the only sign of its end: nobody can tell whether it is whole.
  {
    "a body without length or chunks that is closed",
    answer = { head(), "all", close }, body = "all",
  },
  {
    "a body without length or chunks that stops",
    answer = { head(), "half" }, given = IDLE, kind = "timeout", message = "timeout%.idle",
  },
  {
    "a body without end",
    answer = { head(), forever(("x"):rep(4096)) },
    given = { max_body = 100000 }, kind = "too_large", message = "larger than 100000 bytes",
  },
  {
    "chunks without end",
    answer = { CHUNKED, forever("4\r\nmore\r\n") },
    given = { max_body = 100000 }, kind = "too_large", message = "larger than 100000 bytes",
  },
  chunks("a chunk size that is no number", "size\r\nhello\r\n0\r\n\r\n", "protocol"),
  chunks("a negative chunk size", "-5\r\nhello\r\n0\r\n\r\n", "protocol"),
  chunks("a chunk size that no number holds", ("f"):rep(17) .. "\r\nhello", "protocol"),
  chunks("an empty chunk size", "\r\nhello\r\n0\r\n\r\n", "protocol"),
  chunks("a chunk without its end of line", "5\r\nhello0\r\n\r\n", "protocol"),
  chunks("a chunk that is longer than its size", "4\r\nhello\r\n0\r\n\r\n", "protocol"),
  chunks("no last chunk", "5\r\nhello\r\n", "closed"),
  chunks("a chunk that is cut short", "64\r\nhalf", "closed"),
  chunks("no chunk at all", "", "closed"),
  chunks("a last chunk without its end of line", "5\r\nhello\r\n0\r\n", "closed"),
  chunks("a last chunk whose trailers are cut short", "5\r\nhello\r\n0\r\nX-Sum: 1", "closed"),
  {
    "a chunk that is reset",
    answer = { CHUNKED, "64\r\nhalf", reset }, kind = "closed", message = RESET,
  },
  {
    "chunks that stop",
    answer = { CHUNKED, "5\r\nhello\r\n" }, given = IDLE, kind = "timeout",
  },
  {
    "a line of a chunk size without end",
    answer = { CHUNKED, "5;", forever(("x"):rep(1024)) },
    given = IDLE, kind = "timeout", message = "timeout%.idle",
  },
  {
    "trailers without end",
    answer = { CHUNKED, "5\r\nhello\r\n0\r\n", forever("X-More: and more\r\n") },
    kind = "too_large",
  },
  {
    "a trailer line without end",
    answer = { CHUNKED, "5\r\nhello\r\n0\r\nX-More: ", forever(("x"):rep(1024)) },
    kind = "too_large",
  },
  {
    "a transfer coding that nobody knows",
    answer = { head "Transfer-Encoding: rot13", "uryyb", close }, kind = "decode",
  },
  -- libcurl passes over what stands behind a size, though only ";" may begin it.
  {
    "a chunk size with something behind it",
    answer = { CHUNKED, "5 bytes\r\nhello\r\n0 bytes\r\n\r\n" }, body = "hello",
  },
  {
    "chunks within chunks",
    answer = {
      head "Transfer-Encoding: chunked, chunked",
      "f\r\n5\r\nhello\r\n0\r\n\r\n\r\n0\r\n\r\n",
    },
  },
  {
    "a body with a length, one byte at a time",
    answer = { dribble(head "Content-Length: 5" .. "hello") }, body = "hello",
  },
  {
    "chunks with a trailer, one byte at a time",
    answer = { dribble(CHUNKED .. "5;x=1\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n") }, body = "hello",
  },
  {
    "a body with a status that has none",
    answer = { head "204 No Content", "hello" }, status = 204, body = "",
  },
  {
    "a body with an answer to HEAD", method = "HEAD",
    answer = { head "Content-Length: 5", "hello" }, body = "",
  },
}
