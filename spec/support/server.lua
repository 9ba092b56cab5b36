--- A scripted HTTP/1 server on luv, in the loop and the process of the client under test.
---
---     local server = require("support.server").new(function(conn, request)
---       conn:respond { status = 200, body = "hello " .. request.path }
---     end)
---     ... server.url ...
---     server:close()
---
--- An error in a luv callback would end the process, so each is caught and kept in `server.errors`;
--- `server:check()` raises the first. The connection's methods are in `server_connection.lua`.

local connection = require "support.server_connection"
local shell = require "support.shell"
local uv = require "curlew.uv"

local BACKLOG = 4096

local Server = { __name = "support.Server" }
Server.__index = Server

local M = {}

local function trace(err)
  return type(err) == "string" and debug.traceback(err, 2) or err
end

--- Wraps a callback for luv: what it raises goes to `errors`.
function Server:guard(fn)
  return function(a, b)
    local ok, err = xpcall(function()
      fn(a, b)
    end, trace)
    if not ok then
      table.insert(self.errors, err)
    end
  end
end

--- Calls `fn` once after a time; not when the server has been closed by then.
---@param seconds number
---@param fn fun()
---@return fun() cancel
function Server:after(seconds, fn)
  local timer = assert(uv.new_timer())
  local function cancel()
    if self.timers[timer] then
      self.timers[timer] = nil
      timer:close()
    end
  end
  self.timers[timer] = true
  uv.update_time()
  timer:start(math.floor(seconds * 1000 + 0.5), 0, self:guard(function()
    cancel()
    fn()
  end))
  return cancel
end

--- The last request that came.
---@return table?
function Server:last()
  return self.requests[#self.requests]
end

--- Raises the first error that a handler or callback raised.
---@return table self
function Server:check()
  if self.errors[1] ~= nil then
    error(self.errors[1], 0)
  end
  return self
end

--- Turns the loop until `predicate()` is true; only outside tasks.
---@param predicate fun(): any
---@param seconds? number at most; 10
---@return boolean
function Server.wait(_, predicate, seconds)
  return shell.turn(predicate, seconds)
end

--- Stops listening. Connections that are open stay.
function Server:stop_listening()
  if self.listener then
    self.listener:close()
    self.listener = nil
  end
end

--- Closes every handle: listener, connections, timers. May be called twice.
function Server:close()
  self.closed = true
  self:stop_listening()
  for conn in pairs(self.live) do
    conn:destroy("server")
  end
  for timer in pairs(self.timers) do
    timer:close()
  end
  self.timers = {}
  shell.settle()
end

local function accept(server)
  local handle = assert(uv.new_tcp())
  local ok, err = server.listener:accept(handle)
  if not ok then
    handle:close()
    error(err)
  end
  connection.open(server, handle)
end

--- Starts a server on a free port of 127.0.0.1.
---
--- Fields: `url`, `port`, `requests` (all that came, in order; each has `method target path query
--- version headers header_list body head raw connection`: header names in lower case, repeated ones
--- joined; `connection` is the connection's number), `connections` (accepted ever), `open` (open
--- now), `live` (set of them), `errors`.
---
--- Options: `raw` (true: nothing is parsed, the handler gets `(conn, bytes)` for each piece read),
--- `on_connect(conn)`, `on_head(conn, request)` (before the body; returning false stops reading
--- requests on that connection, so that the handler is not called), `on_close(conn, by)`, `expect`
--- (false: does not answer `Expect: 100-continue`), `host`, `port`.
---@param handler fun(conn: table, request: table|string)
---@param options? table
---@return table server
function M.new(handler, options)
  options = options or {}
  local server = setmetatable({
    handler = handler,
    options = options,
    requests = {},
    errors = {},
    live = {},
    timers = {},
    connections = 0,
    open = 0,
    listener = assert(uv.new_tcp()),
  }, Server)
  local host = options.host or "127.0.0.1"
  assert(server.listener:bind(host, options.port or 0))
  assert(server.listener:listen(BACKLOG, server:guard(function(err)
    assert(not err, err)
    accept(server)
  end)))
  server.port = server.listener:getsockname().port
  server.url = ("http://%s:%d"):format(host, server.port)
  return server
end

return M
