--- Streams of events and of lines: the same comes out however the bytes are split.

local events = require "curlew.events"
local lines = require "curlew.lines"

local LARGEST = 64 -- bytes of an event or a line, so that it is met

local function feed_all(parser, pieces, finish)
  local found = {}
  for _, piece in ipairs(pieces) do
    local more, problem = parser:feed(piece)
    assert((more == nil) == (problem ~= nil), "neither events nor a problem")
    for _, item in ipairs(more or {}) do
      found[#found + 1] = type(item) == "string" and item
        or ("%q %q %q"):format(item.type, item.data, item.id)
    end
  end
  found[#found + 1] = finish and parser:finish()
  return found
end

local function split(bytes, size)
  local pieces = {}
  for first = 1, #bytes, size do
    pieces[#pieces + 1] = bytes:sub(first, first + size - 1)
  end
  return pieces
end

local function compare(one, other)
  assert(table.concat(one, "\n") == table.concat(other, "\n"), "another split, another result")
end

return function(bytes)
  local size = (bytes:byte(1) or 0) % 7 + 1
  bytes = bytes:sub(2)
  for _, pieces in ipairs { split(bytes, 1), split(bytes, size) } do
    local whole, apart = events.parser(), events.parser()
    compare(feed_all(whole, { bytes }), feed_all(apart, pieces))
    assert(whole.last_event_id == apart.last_event_id and whole.retry == apart.retry)
    compare(feed_all(lines.splitter(), { bytes }, true), feed_all(lines.splitter(), pieces, true))
    local short, bits = events.parser(LARGEST), events.parser(LARGEST)
    feed_all(short, { bytes })
    feed_all(bits, pieces)
    assert(short.problem == bits.problem, "too large, or not, by the split")
    short, bits = lines.splitter(LARGEST), lines.splitter(LARGEST)
    feed_all(short, { bytes }, true)
    feed_all(bits, pieces, true)
    assert(short.problem == bits.problem, "too long, or not, by the split")
  end
end
