--- Bodies that are not in the compression that their heads say (RFC 9110 section 8.4).

local shell = require "support.shell"
local steps = require "support.misbehaviour.steps"

local close, forever, head, hex = steps.close, steps.forever, steps.head, steps.hex

local TEXT = ("hello, "):rep(20)
local GZIP = hex "1f8b0800000000000203cb48cdc9c9d751c8180c140003386e2f8c000000"
local ZLIB = hex "789ccb48cdc9c9d751c8180c14002f9b2f81"
local TWICE = hex [[
  1f8b080000000000020393efe660000126e6d31e674f9ebc1e784282478481d9224fbf07280a00c564a7ee1e000000
]]
local ZSTD = hex "28b52ffd04586d00003868656c6c6f2c2001001a8b111298037b"
local BOMB_SIZE = 32 * 1024 * 1024 -- bytes, once it has been unpacked
local MAX = 1024 * 1024

-- A whole body in a coding, of the announced length.
local function whole(name, coding, bytes, expected)
  expected[1] = name
  expected.answer = {
    head("Content-Encoding: " .. coding, "Content-Length: " .. #bytes) .. bytes,
  }
  return expected
end

local function text(body)
  return { body = body or TEXT }
end

local function decode(message)
  return { kind = "decode", message = message }
end

-- Many bytes that are packed into few.
local function send_bomb(conn)
  local path = shell.scratch() .. "/bomb.gz"
  assert(shell.run(("head -c %d /dev/zero | gzip >%s"):format(BOMB_SIZE, path)))
  local bytes = shell.read_file(path)
  conn:send(head("Content-Encoding: gzip", "Content-Length: " .. #bytes) .. bytes)
end

return {
  whole("gzip, as it should be", "gzip", GZIP, text()),
  whole("gzip with a corrupt head", "gzip", "no gzip" .. GZIP:sub(8), decode()),
  whole("gzip with corrupt data", "gzip", GZIP:sub(1, 10) .. "\255\255\255\255" .. GZIP:sub(15),
    decode()),
  whole("gzip with a wrong checksum", "gzip", GZIP:sub(1, -9) .. "\0\0\0\0" .. GZIP:sub(-4),
    decode()),
  whole("gzip of a wrong size", "gzip", GZIP:sub(1, -5) .. "\9\9\9\9", decode()),
  -- The body is as long as it says, and libcurl gives no sign that the stream in it is not at its
  -- end. Where it matters, compare a length or a sum that came another way.
  whole("gzip that is truncated within a complete body", "gzip", GZIP:sub(1, 18), { status = 200 }),
  whole("gzip without its checksum", "gzip", GZIP:sub(1, -9), text()),
  {
    "gzip whose connection is cut",
    answer = { head("Content-Encoding: gzip", "Content-Length: 30"), GZIP:sub(1, 18), close },
    kind = "closed", message = "before the body was complete",
  },
  whole("bytes behind gzip", "gzip", GZIP .. "and more", decode "more behind its end"),
  -- RFC 1952 allows it; libcurl does not read on, but does not take the first for all, either.
  whole("two gzip streams, one behind the other", "gzip", GZIP .. GZIP,
    decode "more behind its end"),
  whole("gzip within gzip", "gzip, gzip", TWICE, text()),
  whole("gzip within gzip, of which one is told", "gzip", TWICE, text(GZIP)),
  whole("gzip that is told twice", "gzip, gzip", GZIP, decode()),
  whole("a coding within a hundred others", ("gzip, "):rep(100) .. "gzip", GZIP, decode()),
  whole("plain text that is told to be gzip", "gzip", TEXT, decode()),
  whole("an empty body that is told to be gzip", "gzip", "", text("")),
  whole("deflate, as it should be", "deflate", ZLIB, text()),
  -- As many servers send it; libcurl takes both.
  whole("deflate without its head", "deflate", ZLIB:sub(3, -5), text()),
  whole("corrupt deflate", "deflate", "no deflate at all", decode()),
  whole("corrupt brotli", "br", "no brotli at all", decode()),
  whole("zstd, as it should be", "zstd", ZSTD, text(("hello, "):rep(6):sub(1, -3))),
  whole("zstd that is truncated within a complete body", "zstd", ZSTD:sub(1, 18), { status = 200 }),
  whole("corrupt zstd", "zstd", "no zstd at all", decode()),
  whole("a coding that nobody knows", "rot13", "uryyb", decode "Unrecognized content encoding"),
  whole("an empty coding", "", TEXT, text()),
  whole("no coding, by name", "identity", TEXT, text()),
  {
    "32 MB packed into 32 KB",
    answer = { send_bomb }, given = { max_body = MAX },
    kind = "too_large", message = "larger than 1048576 bytes",
  },
  {
    "gzip without end",
    answer = { head "Content-Encoding: gzip", GZIP:sub(1, 10), forever("\0\0\0\255\255") },
    given = { timeout = steps.patience "timeout" }, kind = "timeout",
  },
  {
    "corrupt gzip for one who does not unpack",
    answer = { head("Content-Encoding: gzip", "Content-Length: 7"), "no gzip" },
    given = { decompress = false }, body = "no gzip",
  },
}
