--- One connection of the scripted server: what a handler may do with it.
---
--- Fields: `number` (1 for the first), `requests` (how many came on it), `received` and `sent`
--- (bytes; sent counts what was handed to luv), `closed`, `closed_by` ("client", "server", "reset",
--- or luv's error), `data` (a table for the handler's own use).

local request_parser = require "support.request_parser"

local REASONS = {
  [200] = "OK", [201] = "Created", [204] = "No Content", [206] = "Partial Content",
  [301] = "Moved Permanently", [302] = "Found", [303] = "See Other", [304] = "Not Modified",
  [307] = "Temporary Redirect", [308] = "Permanent Redirect", [400] = "Bad Request",
  [401] = "Unauthorized", [403] = "Forbidden", [404] = "Not Found", [408] = "Request Timeout",
  [413] = "Content Too Large", [416] = "Range Not Satisfiable", [429] = "Too Many Requests",
  [500] = "Internal Server Error", [502] = "Bad Gateway", [503] = "Service Unavailable",
}

local Connection = { __name = "support.Connection" }
Connection.__index = Connection

local M = {}

--- Sends bytes as they are. `done()` is called when the kernel has taken them all.
---@param bytes string
---@param done? fun(err: string|nil)
---@return boolean sent false when the connection is closed
function Connection:send(bytes, done)
  if self.closed then
    return false
  end
  self.sent = self.sent + #bytes
  return self.handle:write(bytes, self.server:guard(done or function() end)) and true or false
end

local function header_lines(headers)
  local lines, seen = {}, {}
  local function add(name, value)
    for _, one in ipairs(type(value) == "table" and value or { value }) do
      lines[#lines + 1] = ("%s: %s\r\n"):format(name, tostring(one))
    end
    seen[name:lower()] = true
  end
  for _, pair in ipairs(headers) do
    add(pair[1], pair[2])
  end
  for name, value in pairs(headers) do
    if type(name) == "string" then
      add(name, value)
    end
  end
  return table.concat(lines), seen
end

--- Sends a whole response. Content-Length is added unless the headers say how long the body is, or
--- the status has none; the answer to a HEAD request carries no body.
---@param response table `status` (200), `reason`, `headers` ({name = value or list} or {{name,
--- value}}), `body` (""), `close` (true: closes the connection afterwards)
---@return boolean sent
function Connection:respond(response)
  local status, body = response.status or 200, response.body or ""
  local lines, seen = header_lines(response.headers or {})
  local bodiless = status < 200 or status == 204 or status == 304
  if not bodiless and not seen["content-length"] and not seen["transfer-encoding"] then
    lines = lines .. ("Content-Length: %d\r\n"):format(#body)
  end
  if response.close and not seen.connection then
    lines = lines .. "Connection: close\r\n"
  end
  if bodiless or (self.request and self.request.method == "HEAD") then
    body = ""
  end
  local reason = response.reason or REASONS[status] or "Status"
  local sent = self:send(("HTTP/1.1 %d %s\r\n%s\r\n"):format(status, reason, lines) .. body)
  if response.close then
    self:close()
  end
  return sent
end

--- Sends the head of a response whose body follows in `conn:chunk`s.
---@param response? table `status`, `reason`, `headers` as for `respond`
---@return boolean sent
function Connection:respond_chunked(response)
  response = response or {}
  local status = response.status or 200
  local reason = response.reason or REASONS[status] or "Status"
  local lines = header_lines(response.headers or {})
  local head = "HTTP/1.1 %d %s\r\n%sTransfer-Encoding: chunked\r\n\r\n"
  return self:send(head:format(status, reason, lines))
end

--- Sends one chunk of a chunked body; without bytes, its end.
---@param bytes? string
---@return boolean sent
function Connection:chunk(bytes, done)
  bytes = bytes or ""
  return self:send(("%x\r\n"):format(#bytes) .. bytes .. "\r\n", done)
end

--- Sends what waits, then says that no more will come (FIN), and goes on reading.
function Connection:finish()
  if self.closed or self.finishing then
    return
  end
  self.finishing = true
  local function finished()
    self.finished = true
    if self.closing then
      self:destroy("server")
    end
  end
  if not self.handle:shutdown(self.server:guard(finished)) then
    finished()
  end
end

--- Sends what waits, then closes.
function Connection:close()
  self.closing = true
  self:finish()
  if self.finished then
    self:destroy("server")
  end
end

--- Ends the connection with a RST; what waits is lost.
function Connection:reset()
  self:destroy("reset", true)
end

--- Ends the connection now; what luv has not sent yet is lost.
---@param by string
---@param reset? boolean with a RST
function Connection:destroy(by, reset)
  if self.closed then
    return
  end
  self.closed, self.closed_by = true, by
  local server = self.server
  server.live[self] = nil
  server.open = server.open - 1
  for cancel in pairs(self.timers) do
    cancel()
  end
  if not (reset and self.handle:close_reset()) then
    self.handle:close()
  end
  if server.options.on_close then
    server:guard(server.options.on_close)(self, by)
  end
end

--- Calls `fn` after a time, unless the connection has been closed by then.
---@param seconds number
---@param fn fun()
---@return fun() cancel
function Connection:after(seconds, fn)
  local cancel
  cancel = self.server:after(seconds, function()
    self.timers[cancel] = nil
    fn()
  end)
  self.timers[cancel] = true
  return cancel
end

--- Stops reading: what the client sends fills the kernel's buffers, then stops the client.
function Connection:pause()
  if not self.closed then
    self.handle:read_stop()
  end
end

--- Reads again after `pause`.
function Connection:resume()
  if not self.closed then
    self:read()
  end
end

--- Bytes handed to luv that the kernel has not taken: grows when the client does not read.
---@return integer
function Connection:unsent()
  return self.closed and 0 or self.handle:get_write_queue_size()
end

function Connection:read()
  self.handle:read_start(self.server:guard(function(err, bytes)
    if self.closed then
      return
    elseif bytes then
      self.received = self.received + #bytes
      self:take(bytes)
    else
      self:destroy(err or "client")
    end
  end))
end

local function make_parser(self)
  local server = self.server
  return request_parser.new {
    bad = function(line)
      self:respond { status = 400, body = "no request: " .. line, close = true }
    end,
    head = function(request)
      self.requests = self.requests + 1
      self.request = request
      request.connection = self.number
      local expects = (request.headers.expect or ""):lower() == "100-continue"
      if expects and server.options.expect ~= false then
        self:send("HTTP/1.1 100 Continue\r\n\r\n")
      end
      if server.options.on_head and server.options.on_head(self, request) == false then
        table.insert(server.requests, request)
        self.parser:stop()
      end
    end,
    request = function(request)
      table.insert(server.requests, request)
      server.handler(self, request)
    end,
  }
end

--- Takes over an accepted luv handle.
---@param server table
---@param handle userdata
---@return table conn
function M.open(server, handle)
  server.connections = server.connections + 1
  server.open = server.open + 1
  local self = setmetatable({
    server = server,
    handle = handle,
    number = server.connections,
    requests = 0,
    received = 0,
    sent = 0,
    closed = false,
    timers = {},
    data = {},
  }, Connection)
  server.live[self] = true
  handle:nodelay(true)
  self.parser = not server.options.raw and make_parser(self)
  self:read()
  if server.options.on_connect then
    server.options.on_connect(self)
  end
  return self
end

--- Hands bytes to the parser, or to the handler of a raw server.
function Connection:take(bytes)
  if self.parser then
    self.parser:feed(bytes)
  else
    self.server.handler(self, bytes)
  end
end

return M
