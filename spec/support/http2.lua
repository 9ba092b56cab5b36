--- Frames of HTTP/2 (RFC 9113), made and read by hand, right or wrong, for the scripted server.

local M = {}

local PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" -- a client's first bytes
local FRAME_HEADER = 9 -- bytes

local TYPES = {
  data = 0, headers = 1, priority = 2, rst_stream = 3, settings = 4, push_promise = 5, ping = 6,
  goaway = 7, window_update = 8, continuation = 9,
}

M.END_STREAM, M.ACK, M.END_HEADERS = 1, 1, 4

-- Error codes (section 7).
M.NO_ERROR, M.PROTOCOL_ERROR, M.INTERNAL_ERROR, M.FLOW_CONTROL_ERROR = 0, 1, 2, 3
M.REFUSED_STREAM, M.CANCEL, M.ENHANCE_YOUR_CALM, M.HTTP_1_1_REQUIRED = 7, 8, 11, 13

--- A whole number as bytes, the highest first.
---@param value integer
---@param size integer bytes
---@return string
function M.number(value, size)
  local bytes = {}
  for i = size, 1, -1 do
    bytes[i] = string.char(value % 256)
    value = math.floor(value / 256)
  end
  return table.concat(bytes)
end

local number = M.number

--- A frame.
---@param kind string|integer of `data headers priority rst_stream settings push_promise ping goaway
--- window_update continuation`, or the number of any other
---@param flags integer
---@param stream integer
---@param payload? string
---@param length? integer that is announced in place of the right one
---@return string
function M.frame(kind, flags, stream, payload, length)
  payload = payload or ""
  return number(length or #payload, 3) .. number(TYPES[kind] or kind, 1) .. number(flags, 1)
    .. number(stream, 4) .. payload
end

-- A text of HPACK (RFC 7541 section 5.2), as it is. Lengths have a prefix of 7 bits.
local function text(value)
  local length = #value
  if length < 127 then
    return string.char(length) .. value
  end
  local bytes = { string.char(127) }
  length = length - 127
  while length >= 128 do
    bytes[#bytes + 1] = string.char(length % 128 + 128)
    length = math.floor(length / 128)
  end
  bytes[#bytes + 1] = string.char(length)
  return table.concat(bytes) .. value
end

--- A block of header fields, each a literal that is not indexed.
---@param ... string names and values in turn
---@return string
function M.block(...)
  local fields, parts = { ... }, {}
  for i = 1, #fields, 2 do
    parts[#parts + 1] = "\0" .. text(fields[i]) .. text(fields[i + 1])
  end
  return table.concat(parts)
end

--- The head of an answer, whose body follows.
---@param stream integer
---@param ... string further names and values in turn
---@return string
function M.head(stream, ...)
  return M.frame("headers", M.END_HEADERS, stream, M.block(":status", "200", ...))
end

--- The last bytes of a body.
---@param stream integer
---@param bytes string
---@return string
function M.ending(stream, bytes)
  return M.frame("data", M.END_STREAM, stream, bytes)
end

---@param stream integer
---@param code integer
---@return string
function M.rst_stream(stream, code)
  return M.frame("rst_stream", 0, stream, number(code, 4))
end

---@param last integer the last stream that will be served
---@param code integer
---@return string
function M.goaway(last, code)
  return M.frame("goaway", 0, 0, number(last, 4) .. number(code, 4))
end

--- Answers a request.
---@param conn table
---@param stream integer
---@param body string
function M.answer(conn, stream, body)
  conn:send(M.head(stream) .. M.ending(stream, body))
end

--- Calls back once the client has sent its body to the end.
---@param conn table
---@param fn fun()
function M.once_sent(conn, fn)
  conn.on_body = fn
end

-- libcurl sends the method and the path first; "/" is then this byte (RFC 7541, appendix A).
local PATH_IS_ROOT = 0x84

-- What the server does with a frame of the client's, by its type.
local REACTIONS = {
  [TYPES.data] = function(conn, flags, stream, payload)
    if #payload > 0 then -- so that the client may go on sending
      local more = number(#payload, 4)
      conn:send(M.frame("window_update", 0, 0, more) .. M.frame("window_update", 0, stream, more))
    end
    if flags % 2 == M.END_STREAM and conn.on_body then
      conn.on_body()
    end
  end,
  [TYPES.headers] = function(_, flags, stream, payload, on_request)
    local skipped = math.floor(flags / 32) % 2 == 1 and 5 or 0 -- the priority
    on_request(stream, payload:byte(skipped + 2) == PATH_IS_ROOT)
  end,
  [TYPES.settings] = function(conn, flags)
    if flags % 2 == 0 then
      conn:send(M.frame("settings", M.ACK, 0))
    end
  end,
  [TYPES.ping] = function(conn, flags, _, payload)
    if flags % 2 == 0 then
      conn:send(M.frame("ping", M.ACK, 0, payload))
    end
  end,
}

-- The first frame of some bytes, if it is whole.
local function first_frame(bytes)
  if #bytes < FRAME_HEADER then
    return nil
  end
  local a, b, c, kind, flags, s3, s2, s1, s0 = bytes:byte(1, FRAME_HEADER)
  local size = FRAME_HEADER + a * 65536 + b * 256 + c
  if #bytes < size then
    return nil
  end
  local stream = (s3 % 128) * 2 ^ 24 + s2 * 65536 + s1 * 256 + s0
  return size, kind, flags, stream, bytes:sub(FRAME_HEADER + 1, size)
end

--- Makes what takes a client's bytes: sends the server's SETTINGS, acknowledges the client's, and
--- tells of requests when their heads have come. A preface among the bytes begins anew.
---@param conn table
---@param on_request fun(stream: integer, is_root: boolean) is_root: its path is "/"
---@return fun(bytes: string)
function M.taker(conn, on_request)
  local held = ""
  local function take_one()
    if held:sub(1, #PREFACE) == PREFACE then
      held = held:sub(#PREFACE + 1)
      conn:send(M.frame("settings", 0, 0))
      return true
    end
    local size, kind, flags, stream, payload = first_frame(held)
    if not size then
      return false
    end
    held = held:sub(size + 1)
    if REACTIONS[kind] then
      REACTIONS[kind](conn, flags, stream, payload, on_request)
    end
    return true
  end
  return function(bytes)
    held = held .. bytes
    repeat until not take_one()
  end
end

return M
