--- Server-sent events (WHATWG HTML, "Server-sent events"): a stream of bytes in, events out. Pure.

local M = {}

local LARGEST = 16 * 1024 * 1024 -- bytes of one event, unless it is said otherwise

local BOM = "\239\187\191"

---@class curlew.EventParser
---@field last_event_id string of the last event that had one
---@field retry number? milliseconds that the server wants between two connections
local Parser = { __name = "curlew.EventParser" }
Parser.__index = Parser

--- Makes a parser.
---@param largest? integer bytes of the largest event that is taken
---@return curlew.EventParser
function M.parser(largest)
  return setmetatable({
    last_event_id = "",
    largest = largest or LARGEST,
    start = "", -- the first bytes, while they may be a part of the mark of byte order
    rest = {}, -- pieces of the line that has not ended yet
    size = 0, -- bytes of them, and of the data of the event
    data = {}, -- lines
    type = "",
    after_cr = false, -- a line has ended with CR, the LF of which may be still to come
  }, Parser)
end

-- What a line's field says; unknown ones say nothing.
local FIELDS = {
  data = function(parser, value)
    table.insert(parser.data, value)
    parser.size = parser.size + #value
  end,
  event = function(parser, value)
    parser.type = value
  end,
  id = function(parser, value)
    if not value:find("%z") then
      parser.last_event_id = value
    end
  end,
  retry = function(parser, value)
    if value:find("^%d+$") then
      parser.retry = tonumber(value)
    end
  end,
}

-- A blank line ends an event, which is one only when it has data.
local function dispatch(parser, events)
  if parser.data[1] then
    events[#events + 1] = {
      type = parser.type ~= "" and parser.type or "message",
      data = table.concat(parser.data, "\n"),
      id = parser.last_event_id,
    }
  end
  parser.data, parser.type, parser.size = {}, "", 0
end

local function take_line(parser, line, events)
  if line == "" then
    return dispatch(parser, events)
  end
  local name, value = line:match("^([^:]*):? ?(.*)$")
  local read = FIELDS[name] -- a comment's name is empty
  if read then
    read(parser, value)
  end
end

-- Drops the mark of byte order that may stand in front. Returns nil while that is not known.
local function without_mark(parser, piece)
  if not parser.start then
    return piece
  end
  local bytes = parser.start .. piece
  if #bytes < #BOM and BOM:sub(1, #bytes) == bytes then
    parser.start = bytes
    return nil
  end
  parser.start = nil
  return bytes:sub(1, #BOM) == BOM and bytes:sub(#BOM + 1) or bytes
end

--- Takes a piece of the stream, and returns the events that are complete now.
---@param piece string
---@return { type: string, data: string, id: string }[]? events
---@return string? problem when an event is too large
function Parser:feed(piece)
  local events, from = {}, 1
  piece = without_mark(self, piece)
  if not piece then
    return events
  end
  if piece ~= "" then
    if self.after_cr and piece:sub(1, 1) == "\n" then
      from = 2
    end
    self.after_cr = false
  end
  while true do
    local position = piece:find("[\r\n]", from)
    local part = piece:sub(from, position and position - 1 or -1)
    if self.size + #part > self.largest then
      return nil, ("an event is larger than %.0f bytes"):format(self.largest)
    elseif not position then
      self.rest[#self.rest + 1], self.size = part, self.size + #part
      return events
    end
    local held = table.concat(self.rest)
    self.rest, self.size = {}, self.size - #held
    take_line(self, held .. part, events)
    from = position + 1
    if piece:sub(position, position) == "\r" then
      if from > #piece then
        self.after_cr = true
      elseif piece:sub(from, from) == "\n" then
        from = from + 1
      end
    end
  end
end

return M
