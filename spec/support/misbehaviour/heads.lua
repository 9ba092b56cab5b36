--- Status lines and header fields that HTTP does not know (RFC 9112 sections 2 to 5).

local steps = require "support.misbehaviour.steps"

local close, dribble, forever, head = steps.close, steps.dribble, steps.forever, steps.head

local GOOD_HEAD = head "Content-Length: 5"
local IDLE = { timeout = steps.patience "timeout" }
local REST = "\r\nContent-Length: 5\r\n\r\nhello"

-- An answer that begins with this line.
local function status_line(name, line, expected)
  expected[1], expected.answer = name, { line .. REST, close }
  return expected
end

-- An answer with this line among its header fields.
local function field(name, line, expected)
  expected[1], expected.answer = name, { head(line, "Content-Length: 5") .. "hello" }
  return expected
end

local function protocol(message)
  return { kind = "protocol", message = message }
end

local function fine(status)
  return { status = status, body = "hello" }
end

-- In a handle that has served another request, libcurl before 8.1.1 goes on with a header of that
-- one, whose memory is free (curl issue 11101): not to be mixed with others.
local begins_folded = field("a header that goes on before it began", " X-Folded: a",
  protocol "has not begun")
begins_folded.alone = true

return {
  {
    "the greeting of another protocol",
    answer = { "SSH-2.0-OpenSSH_9.2\r\n", close }, kind = "protocol", message = "is not HTTP",
  },
  {
    "the greeting of another protocol, and waits",
    answer = { "220 mail.example.org ESMTP\r\n" }, kind = "protocol", message = "is not HTTP",
  },
  {
    "a page without a head, as HTTP/0.9 did",
    answer = { "<html>hello</html>", close }, kind = "protocol", message = "is not HTTP",
  },
  {
    "bytes of no meaning",
    answer = { steps.hex "00ff10807f0000fefe01ff" .. ("\0"):rep(100), close }, kind = "protocol",
  },
  { "a record of TLS", answer = { steps.hex "15030300020228", close }, kind = "protocol" },
  { "a frame of HTTP/2", answer = { steps.hex "000000040000000000", close }, kind = "protocol" },
  { "empty lines only", answer = { "\r\n\r\n\r\n", close }, kind = "protocol" },
  { "NULs without end", answer = { forever(("\0"):rep(1024)) }, kind = "protocol" },
  {
    "a status line without end",
    answer = { "HTTP/1.1 200 ", forever(("x"):rep(1024)) }, kind = "too_large",
  },
  status_line("a status line without a status", "HTTP/1.1", protocol()),
  status_line("a status in words", "HTTP/1.1 fine OK", protocol()),
  status_line("a status of four digits", "HTTP/1.1 2000 OK", protocol()),
  status_line("a status of two digits", "HTTP/1.1 99 Low", protocol()),
  status_line("a negative status", "HTTP/1.1 -200 OK", protocol()),
  status_line("a status of 000", "HTTP/1.1 000 None", protocol()),
  status_line("a status of 999", "HTTP/1.1 999 High", fine(999)),
  status_line("a status without a reason", "HTTP/1.1 200", fine()),
  status_line("a reason of 80 KB", "HTTP/1.1 200 " .. ("so "):rep(27000), fine()),
  status_line("version 1.2 of HTTP", "HTTP/1.2 200 OK", protocol()),
  status_line("version 3.7 of HTTP", "HTTP/3.7 200 OK", protocol()),
  -- libcurl reads on as it has begun, and takes the number for a word.
  status_line("version 2 of HTTP, unasked", "HTTP/2 200 OK", fine()),
  status_line("a version in words", "HTTP/one 200 OK", protocol "version of HTTP"),
  status_line("a version in words, behind an interim answer",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/one 404 No", protocol "version of HTTP"),
  {
    "an interim answer, and bytes of no meaning",
    answer = {
      "HtTP/1.1 103\5Td\12\n\r\nHTTP" .. ("\0"):rep(27)
        .. steps.hex "2f008ad19a9af2f5f2f501",
      close,
    },
    kind = "closed",
  },
  {
    "an interim answer, and nothing else",
    answer = { head "103 Early Hints", close }, kind = "closed",
  },
  status_line("a status line in small letters", "http/1.1 200 ok", fine()),
  status_line("a status line of RTSP", "RTSP/1.0 200 OK", protocol()),
  status_line("a status line of Icecast", "ICY 200 OK", protocol()),
  status_line("a status line behind a space", " HTTP/1.1 200 OK", protocol()),
  status_line("a status line behind an empty line", "\r\nHTTP/1.1 200 OK", protocol()),
  {
    "a switch of protocols that nobody asked for",
    answer = { head("101 Switching Protocols", "Upgrade: websocket"), "noise", close },
    kind = "protocol", message = "switches protocols",
  },
  {
    "a switch of protocols, and noise without end",
    answer = { head "101 Switching Protocols", forever(("x"):rep(4096)) },
    given = { stream = true }, kind = "protocol", message = "switches protocols",
  },
  {
    "hints before the answer",
    answer = { head("103 Early Hints", "Link: </style.css>") .. GOOD_HEAD .. "hello" },
    body = "hello",
  },
  {
    "a hundred times 100 before the answer",
    answer = { head("100 Continue"):rep(100) .. GOOD_HEAD .. "hello" }, body = "hello",
  },
  { "a flood of 100", answer = { forever(head("100 Continue"):rep(100)) }, kind = "too_large" },
  {
    "a flood of 103, each with fields",
    answer = { forever(head("103 Early Hints", "Link: </style.css>"):rep(50)) }, kind = "too_large",
  },
  {
    "100, and no more",
    answer = { head "100 Continue", close }, kind = "closed", message = "without an answer",
  },
  { "100, and silence", answer = { head "100 Continue" }, given = IDLE, kind = "timeout" },
  field("a header line of 90 KB", "X-Long: " .. ("x"):rep(90000), fine()),
  field("a header line of 200 KB", "X-Long: " .. ("x"):rep(200000), {
    kind = "too_large", message = "a header line is larger than libcurl allows",
  }),
  field("400 KB of header lines", ("X-Many: field\r\n"):rep(27000) .. "X-Last: field", {
    kind = "too_large", message = "larger than 300 KiB",
  }),
  {
    "header lines without end",
    answer = { "HTTP/1.1 200 OK\r\n", forever(("X-More: and more\r\n"):rep(50)) },
    kind = "too_large", message = "larger than 300 KiB",
  },
  {
    "a header line without end",
    answer = { "HTTP/1.1 200 OK\r\nX-More: ", forever(("x"):rep(1024)) },
    kind = "too_large", message = "a header line is larger than libcurl allows",
  },
  field("a header with a NUL", "X-Nul: a\0b", protocol()),
  field("a header line without a colon", "no colon", protocol()),
  field("a header without a name", ": value", fine()), -- left out
  field("a header with a space before its colon", "X-Name : value", fine()),
  field("a header with control bytes", "X-Bell: a\7b\27[2J", fine()),
  field("a header with a CR within", "X-Cr: a\rX-Hidden: b", fine()),
  field("a header in two lines, as of old", "X-Folded: a\r\n  b", fine()),
  begins_folded,
  {
    "lines that end without CR",
    answer = { "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello" }, body = "hello",
  },
  { "a head, one byte at a time", answer = { dribble(GOOD_HEAD .. "hello") }, body = "hello" },
  {
    "a head that is cut within a name",
    answer = { "HTTP/1.1 200 OK\r\nContent-Le", close },
    kind = "closed", message = "before the head was complete",
  },
  {
    "a head without its empty line",
    answer = { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", close },
    kind = "closed", message = "before the head was complete",
  },
}
