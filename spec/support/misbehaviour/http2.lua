--- Frames that HTTP/2 forbids, and streams and connections that end early (RFC 9113), without TLS:
--- with libcurl 7.88 each request has a connection of its own there, and is its stream 1.

local http2 = require "support.http2"
local steps = require "support.misbehaviour.steps"

local close, forever, hex, reset = steps.close, steps.forever, steps.hex, steps.reset
local block, frame, goaway, head, number, rst_stream = http2.block, http2.frame, http2.goaway,
  http2.head, http2.number, http2.rst_stream
local END_HEADERS, END_STREAM = http2.END_HEADERS, http2.END_STREAM

local HEAD, ENDING = head(1), http2.ending(1, "hello")
local GOOD = HEAD .. ENDING

-- A request that meets these frames; `more` are options of it.
local function case(name, frames, kind, message, more)
  local given = { http = "2-prior-knowledge", timeout = steps.patience(kind) }
  for option, value in pairs(more or {}) do
    given[option] = value
  end
  return { name, frames = frames, given = given, kind = kind, message = message }
end

local function fine(name, frames, more)
  local one = case(name, frames, nil, nil, more)
  one.body = "hello"
  return one
end

-- An answer with these header fields, names and values in turn.
local function fields(name, ...)
  return case(name, { frame("headers", END_HEADERS, 1, block(...)), ENDING }, "protocol")
end

-- What the first bytes of the client's meet.
local function greeting(name, bytes, kind, message)
  local one = case(name, {}, kind, message)
  one.bytes = bytes
  return one
end

-- What only the first connection meets; on others all is well.
local function first(name, frames)
  local one = fine(name, frames)
  one.later = { GOOD }
  return one
end

local BIG = { body = ("x"):rep(1024 * 1024) }

-- libcurl obeys.
local wish = fine("the wish for HTTP/1.1", { rst_stream(1, http2.HTTP_1_1_REQUIRED) })
wish.falls_back = true
wish.answer = { steps.head "Content-Length: 5" .. "hello" }

-- Clients are to take such an answer (section 8.1); libcurl 7.88 loses it.
local answer_and_end = fine("an answer before the body, which it ends at once", {
  GOOD, rst_stream(1, http2.NO_ERROR),
}, BIG)
answer_and_end.unmet = true

return {
  fine("HTTP/2, as it should be", { GOOD }),
  fine("HTTP/2, one byte at a time", { steps.dribble(GOOD) }),
  case("RST_STREAM in place of an answer", { rst_stream(1, http2.INTERNAL_ERROR) }, "protocol"),
  case("RST_STREAM within the body", { HEAD, frame("data", 0, 1, "half"),
    rst_stream(1, http2.INTERNAL_ERROR) }, "protocol"),
  case("RST_STREAM that cancels", { HEAD, rst_stream(1, http2.CANCEL) }, "protocol"),
  case("RST_STREAM without an error, within the body", {
    HEAD, frame("data", 0, 1, "half"), rst_stream(1, http2.NO_ERROR),
  }, "protocol"),
  -- libcurl sends it again, each time on a connection of its own, up to five times.
  case("REFUSED_STREAM each time", { rst_stream(1, http2.REFUSED_STREAM) }, "closed", "5 times"),
  first("REFUSED_STREAM once", { rst_stream(1, http2.REFUSED_STREAM) }),
  wish,
  case("GOAWAY before the request was seen", { goaway(0, http2.NO_ERROR), close }, "closed",
    "before it answered the request"),
  fine("GOAWAY, and serves what has come", { goaway(1, http2.NO_ERROR), GOOD, close }),
  case("GOAWAY, and breaks off", { HEAD, goaway(1, http2.NO_ERROR), close }, "closed"),
  case("GOAWAY with an error", { goaway(1, http2.ENHANCE_YOUR_CALM), close }, "closed"),
  case("GOAWAY with an error in the body", {
    HEAD, frame("data", 0, 1, "half"), goaway(1, http2.INTERNAL_ERROR), close,
  }, "closed"),
  case("a close in place of an answer", { close }, "closed"),
  case("a reset in place of an answer", { reset }, "closed"),
  case("a close behind the head", { HEAD, close }, "closed"),
  case("a reset behind the head", { HEAD, reset }, "closed"),
  case("a close within the body", { HEAD, frame("data", 0, 1, "half"), close }, "closed"),
  case("a close within a frame", { HEAD, frame("data", 0, 1, "half", 100), close }, "closed"),
  case("silence in place of an answer", {}, "timeout"),
  case("silence behind the head", { HEAD }, "timeout"),
  case("silence within the body", { HEAD, frame("data", 0, 1, "half") }, "timeout"),
  case("silence within a frame", { HEAD, frame("data", 0, 1, "half", 100) }, "timeout"),
  greeting("silence in place of its SETTINGS", {}, "timeout"),
  greeting("an answer of HTTP/1.1", { steps.head "Content-Length: 5" .. "hello" }, "protocol"),
  greeting("noise", { hex "00ff10807f0000fefe01ff" .. ("\0"):rep(100) }, "protocol"),
  greeting("a close in place of its SETTINGS", { close }, "closed"),
  greeting("a reset in place of its SETTINGS", { reset }, "closed"),
  greeting("SETTINGS with a window that is too large", {
    frame("settings", 0, 0, number(4, 2) .. number(2 ^ 31, 4)),
  }, "protocol"),
  greeting("SETTINGS with a frame size that is too small", {
    frame("settings", 0, 0, number(5, 2) .. number(100, 4)),
  }, "protocol"),
  greeting("SETTINGS that allow no stream", {
    frame("settings", 0, 0, number(3, 2) .. number(0, 4)),
  }, "timeout"),

  case("a body that is shorter than its length", {
    head(1, "content-length", "100"), ENDING,
  }, "protocol"),
  case("a body that is longer than its length", {
    head(1, "content-length", "2"), ENDING,
  }, "protocol"),
  case("two different lengths", {
    head(1, "content-length", "5", "content-length", "6"), ENDING,
  }, "protocol"),
  case("a negative length", { head(1, "content-length", "-5"), ENDING }, "protocol"),
  fields("no status"),
  fields("an empty status", ":status", ""),
  fields("a status in words", ":status", "fine"),
  fields("a status of four digits", ":status", "2000"),
  fields("two statuses", ":status", "200", ":status", "201"),
  fields("a status behind the fields", "x-first", "1", ":status", "200"),
  fields("a field of requests", ":status", "200", ":path", "/"),
  fields("a name in capitals", ":status", "200", "X-Loud", "1"),
  fields("a field of connections", ":status", "200", "transfer-encoding", "chunked"),
  fields("a value with a line end", ":status", "200", "x-split", "a\r\nSet-Cookie: b=1"),
  fields("a value with a NUL", ":status", "200", "x-nul", "a\0b"),
  fields("a switch of protocols", ":status", "101"),
  case("100 without end", {
    forever(frame("headers", END_HEADERS, 1, block(":status", "100"))),
  }, "too_large", "libcurl allows"),
  case("a corrupt block of header fields", {
    frame("headers", END_HEADERS, 1, ("\255"):rep(20)), ENDING,
  }, "protocol"),
  case("a reference to no header field", { frame("headers", END_HEADERS, 1, "\254") }, "protocol"),
  case("a header field of 200 KB", {
    frame("headers", 0, 1, block(":status", "200")),
    frame("continuation", 0, 1, block("x-long", ("x"):rep(16000))):rep(13),
    frame("continuation", END_HEADERS, 1), ENDING,
  }, "protocol"),
  case("CONTINUATION without end", {
    frame("headers", 0, 1, block(":status", "200")),
    forever(frame("continuation", 0, 1, block("x-more", "and more"):rep(100))),
  }, "protocol"),
  case("empty CONTINUATION without end", {
    frame("headers", 0, 1, block(":status", "200")), forever(frame("continuation", 0, 1):rep(100)),
  }, "protocol", "CONTINUATION"),
  case("DATA within a block of header fields", {
    frame("headers", 0, 1, block(":status", "200")), ENDING,
  }, "protocol"),
  case("trailers that do not end the stream", {
    HEAD, frame("headers", END_HEADERS, 1, block("x-sum", "1")), ENDING,
  }, "protocol"),

  case("DATA before the head", { ENDING }, "protocol"),
  -- Once there is a head, libcurl 7.88 ends the connection, but waits on: hence "timeout".
  case("DATA on stream 0", { HEAD, frame("data", 0, 0, "hello") }, "timeout"),
  case("HEADERS on stream 0", { frame("headers", END_HEADERS, 0, block(":status", "200")) },
    "protocol"),
  case("DATA on a stream that nobody opened", { HEAD, frame("data", 0, 99, "hello") }, "timeout"),
  case("HEADERS on a stream of the server's", {
    frame("headers", END_HEADERS, 2, block(":status", "200")),
  }, "protocol"),
  case("RST_STREAM on stream 0", { rst_stream(0, 0) }, "protocol"),
  case("RST_STREAM of a stream that nobody opened", { rst_stream(99, 0) }, "protocol"),
  case("SETTINGS on stream 1", { frame("settings", 0, 1) }, "protocol"),
  case("SETTINGS of a broken size", { frame("settings", 0, 0, "12345") }, "protocol"),
  case("PING of a broken size", { frame("ping", 0, 0, "1234") }, "protocol"),
  case("WINDOW_UPDATE of a broken size", { frame("window_update", 0, 0, "12") }, "protocol"),
  case("RST_STREAM of a broken size", { frame("rst_stream", 0, 1, "12") }, "protocol"),
  case("a frame that is larger than allowed", { HEAD, frame("data", 0, 1, ("x"):rep(20000)) },
    "timeout"),
  case("a frame of 16 MB, announced", { HEAD, frame("data", 0, 1, "x", 2 ^ 24 - 1) }, "timeout"),
  case("padding that is longer than its frame", { HEAD, frame("data", 8, 1, "\200half") },
    "timeout"),
  case("a window that is opened by 0", { frame("window_update", 0, 0, number(0, 4)) }, "protocol"),
  case("a window that overflows", { frame("window_update", 0, 0, number(2 ^ 31 - 1, 4)):rep(2) },
    "protocol"),
  case("a push that nobody wants", {
    frame("push_promise", END_HEADERS, 1, number(2, 4) .. block(":method", "GET", ":path", "/x")),
    GOOD,
  }, "protocol"),
  fine("frames of a kind that nobody knows", { frame(99, 0, 1, "what"), GOOD }),
  fine("a hundred PINGs", { frame("ping", 0, 0, "12345678"):rep(100), GOOD }),
  fine("a hundred SETTINGS", { frame("settings", 0, 0):rep(100), GOOD }),
  case("PINGs without end", { forever(frame("ping", 0, 0, "12345678"):rep(100)) }, "protocol",
    "Flooding"),
  case("SETTINGS without end", { forever(frame("settings", 0, 0):rep(100)) }, "protocol",
    "Flooding"),
  case("empty DATA without end", { HEAD, forever(frame("data", 0, 1):rep(100)) }, "timeout"),
  case("priorities without end", {
    forever(frame("priority", 0, 1, number(0, 4) .. "\1"):rep(100)),
  }, "timeout"),
  case("a body without end", { HEAD, forever(frame("data", 0, 1, ("x"):rep(4096))) },
    "too_large", nil, { max_body = 100000 }),
  -- What is not read stays with the kernel.
  case("DATA without end for one who does not read", {
    HEAD, forever(frame("data", 0, 1, ("x"):rep(16384))),
  }, nil, nil, { stream = true }),
  fine("an answer before the body", { GOOD }, BIG),
  fine("an answer before the body, which it ends later", {
    GOOD, http2.once_sent, rst_stream(1, http2.NO_ERROR),
  }, BIG),
  answer_and_end,
  case("RST_STREAM while it is sent to", { rst_stream(1, http2.CANCEL) }, "protocol", nil, BIG),
  case("a window that is closed", { steps.deafen }, "timeout", nil, BIG),
  case("a body that ends with its head", {
    frame("headers", END_HEADERS + END_STREAM, 1, block(":status", "200")),
  }),
}
