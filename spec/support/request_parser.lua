--- Reads HTTP/1 requests out of a stream of bytes, for the scripted server.

local Parser = { __name = "support.RequestParser" }
Parser.__index = Parser

local M = {}

--- Makes a parser.
---@param events {head: fun(request: table), request: fun(request: table), bad: fun(line: string)}
--- `head` is called when a request's headers are there, `request` when its body is too
function M.new(events)
  return setmetatable({ events = events, buffer = "", state = "read_head" }, Parser)
end

local function parse_headers(request, text)
  for line in text:gmatch("([^\r\n]+)") do
    local name, value = line:match("^([^:]+):%s*(.-)%s*$")
    if name then
      table.insert(request.header_list, { name, value })
      local key = name:lower()
      local before = request.headers[key]
      request.headers[key] = before and (before .. ", " .. value) or value
    end
  end
end

--- Parses a head. Returns nil when its first line is no request.
local function parse_head(head)
  local line, rest = head:match("^([^\r\n]*)\r?\n(.*)$")
  local method, target, version = (line or ""):match("^(%S+) (%S+) HTTP/(%d%.%d)$")
  if not method then
    return nil, line or head:match("^[^\n]*") -- with a CR in it, as bytes of TLS may have
  end
  local path, query = target:match("^([^?]*)%??(.*)$")
  local request = {
    method = method,
    target = target,
    path = path,
    query = query,
    version = version,
    headers = {},
    header_list = {},
    head = head,
  }
  parse_headers(request, rest)
  return request
end

function Parser:take(count)
  local piece = self.buffer:sub(1, count)
  self.buffer = self.buffer:sub(count + 1)
  table.insert(self.raw, piece)
  return piece
end

function Parser:finish()
  local request = self.request
  request.body = table.concat(self.body)
  request.raw = table.concat(self.raw)
  self.request, self.body, self.raw = nil, nil, nil
  self.state = "read_head"
  self.events.request(request)
  return true
end

function Parser:read_head()
  local _, last = self.buffer:find("\r?\n\r?\n")
  if not last then
    return false
  end
  self.raw, self.body = {}, {}
  local request, line = parse_head(self:take(last))
  if not request then
    self.state = "stopped"
    self.events.bad(line)
    return false
  end
  self.request = request
  local chunked = (request.headers["transfer-encoding"] or ""):lower():find("chunked", 1, true)
  self.missing = tonumber(request.headers["content-length"]) or 0
  self.state = chunked and "read_chunk_size" or "read_body"
  self.events.head(request)
  return true
end

function Parser:read_body()
  if self.missing > 0 and self.buffer == "" then
    return false
  end
  local piece = self:take(self.missing)
  table.insert(self.body, piece)
  self.missing = self.missing - #piece
  return self.missing == 0 and self:finish()
end

function Parser:read_line()
  local _, last = self.buffer:find("\n", 1, true)
  return last and (self:take(last):gsub("\r?\n$", ""))
end

function Parser:read_chunk_size()
  local line = self:read_line()
  if not line then
    return false
  end
  self.missing = tonumber(line:match("^%x+") or "0", 16)
  self.state = self.missing == 0 and "read_trailers" or "read_chunk"
  return true
end

function Parser:read_chunk()
  if self.buffer == "" then
    return false
  end
  local piece = self:take(self.missing)
  table.insert(self.body, piece)
  self.missing = self.missing - #piece
  if self.missing == 0 then
    self.state = "read_chunk_end"
  end
  return true
end

function Parser:read_chunk_end()
  if not self:read_line() then
    return false
  end
  self.state = "read_chunk_size"
  return true
end

function Parser:read_trailers()
  local line = self:read_line()
  if not line then
    return false
  end
  return line ~= "" or self:finish()
end

function Parser.stopped()
  return false
end

--- Ignores all bytes from now on.
function Parser:stop()
  self.state, self.buffer = "stopped", ""
end

--- Takes bytes from the network and calls back for what they complete.
---@param bytes string
function Parser:feed(bytes)
  if self.state == "stopped" then
    return
  end
  self.buffer = self.buffer .. bytes
  repeat until not self[self.state](self)
end

return M
