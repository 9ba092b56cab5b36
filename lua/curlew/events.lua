--- Server-sent events (WHATWG HTML, "Server-sent events"): a stream of bytes in, events out. Pure.

local M = {}

local LARGEST = 16 * 1024 * 1024 -- bytes of one event, unless it is said otherwise

local LF, CR = 10, 13

local BOM = "\239\187\191"

-- That many lines of data are joined beforehand: short strings take several times the memory of
-- their bytes.
local MANY = 256

---@class curlew.EventParser
---@field last_event_id string of the last event that had one; may be set at the start
---@field retry number? milliseconds that the server wants between two connections
local Parser = { __name = "curlew.EventParser" }
Parser.__index = Parser

--- Makes a parser.
---@param largest? integer bytes of the largest event that is taken, 16 MiB when it is not said
---@return curlew.EventParser
function M.parser(largest)
  return setmetatable({
    last_event_id = "",
    largest = largest or LARGEST,
    start = "", -- the first bytes, while they may be a part of the mark of byte order
    rest = {}, -- pieces of the line that has not ended yet
    size = 0, -- bytes of them, and of what is known of the event
    blocks = {}, -- the lines of its data, but for the last ones
    data = {}, -- its last lines
    type = "",
    id = nil, -- what it will make of last_event_id: string?
    after_cr = false, -- a line has ended with CR, the LF of which may be still to come
  }, Parser)
end

-- What a line's field says; unknown ones say nothing.
local FIELDS = {
  data = function(parser, value)
    if #parser.data == MANY then
      table.insert(parser.blocks, table.concat(parser.data, "\n"))
      parser.data = {}
    end
    table.insert(parser.data, value)
    parser.size = parser.size + #value + 1 -- LF
  end,
  event = function(parser, value)
    parser.size = parser.size - #parser.type + #value
    parser.type = value
  end,
  id = function(parser, value)
    if not value:find("%z") then
      parser.size = parser.size - #(parser.id or "") + #value
      parser.id = value
    end
  end,
  retry = function(parser, value)
    if value:find("^%d+$") then
      parser.retry = tonumber(value)
    end
  end,
}

-- A blank line ends an event, which is one only when it has data. Its id counts in either case, but
-- not before: an event that is cut off has to be sent again.
local function dispatch(parser, events)
  parser.last_event_id = parser.id or parser.last_event_id
  if parser.data[1] then
    table.insert(parser.blocks, table.concat(parser.data, "\n"))
    events[#events + 1] = {
      type = parser.type ~= "" and parser.type or "message",
      data = table.concat(parser.blocks, "\n"),
      id = parser.last_event_id,
    }
    parser.blocks, parser.data = {}, {}
  end
  parser.type, parser.id, parser.size = "", nil, 0
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

local function hold(parser, part)
  if part ~= "" then
    parser.rest[#parser.rest + 1] = part
    parser.size = parser.size + #part
  end
end

-- What is held and `part`, which complete a line.
local function complete_line(parser, part)
  if not parser.rest[1] then
    return part
  end
  hold(parser, part)
  local line = table.concat(parser.rest)
  parser.rest, parser.size = {}, parser.size - #line
  return line
end

local function refuse(parser)
  parser.problem = ("an event is larger than %.0f bytes"):format(parser.largest)
  parser.rest, parser.blocks, parser.data = {}, {}, {}
  return nil, parser.problem
end

--- Takes a piece of the stream, and returns the events that are complete now. Bytes that are not
--- UTF-8 stay as they are.
---@param piece string
---@return { type: string, data: string, id: string }[]? events nil from the first one on that is
--- too large
---@return string? problem
function Parser:feed(piece)
  if self.problem then
    return nil, self.problem
  end
  local events, from = {}, 1
  piece = without_mark(self, piece)
  if not piece or piece == "" then
    return events
  elseif self.after_cr and piece:byte() == LF then
    from = 2
  end
  while true do
    local position = piece:find("[\r\n]", from)
    local part = piece:sub(from, position and position - 1 or -1)
    if self.size + #part > self.largest then
      return refuse(self)
    elseif not position then
      hold(self, part)
      self.after_cr = piece:byte(-1) == CR
      return events
    end
    take_line(self, complete_line(self, part), events)
    from = position + 1
    if piece:byte(position) == CR and piece:byte(from) == LF then
      from = from + 1
    end
  end
end

return M
