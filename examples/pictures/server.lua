--- An HTTP server for the pictures, small and on luv alone: it runs in the loop of the program that
--- downloads from it.

local drawing = require "pictures.motifs"
local uv = require "curlew.uv"

local M = {}

local BACKLOG = 1024
local MAX_HEAD = 16 * 1024 -- bytes
local MAX_DELAY = 1e6 -- seconds

local function head(status, length, more)
  return ("HTTP/1.1 %s\r\nContent-Length: %d\r\nServer: pictures\r\n%s\r\n"):format(
    status, length, more or "")
end

-- The bytes that answer a request, and whether the connection ends with them.
local function answer(server, request)
  local method, path, version = request:match("^(%u+) (/%S*) HTTP/1%.(%d)\r\n")
  if not method then
    return head("400 Bad Request", 0, "Connection: close\r\n"), true
  elseif method ~= "GET" and method ~= "HEAD" then
    return head("405 Method Not Allowed", 0, "Allow: GET, HEAD\r\nConnection: close\r\n"), true
  end
  local closing = version == "0" or request:lower():find("\r\nconnection: *close") ~= nil
  local name = path:match("^/([^?]*)")
  local body = server.files[name]
  if not body then
    return head("404 Not Found", 0), closing
  end
  local fields = ("Content-Type: image/png\r\nETag: \"%s-%d\"\r\n"):format(name, #body)
  return head("200 OK", #body, fields) .. (method == "GET" and body or ""), closing
end

local function close(handle)
  if not handle:is_closing() then
    handle:close()
  end
end

local function drop(server, connection)
  server.handles[connection.socket] = nil
  connection.requests = {}
  close(connection.socket)
end

-- Wraps a callback for luv, where an error would end the whole program: it ends the connection.
local function guarded(server, connection, fn)
  return function(...)
    local ok, err = pcall(fn, ...)
    if not ok then
      io.stderr:write("picture server: ", tostring(err), "\n")
      drop(server, connection)
    end
  end
end

local function reply(server, connection)
  local bytes, closing = answer(server, table.remove(connection.requests, 1))
  if closing then
    connection.requests = {}
  end
  connection.socket:write(bytes, guarded(server, connection, function()
    if closing then
      drop(server, connection)
    end
  end))
end

local serve -- forward

local function reply_later(server, connection)
  local timer = uv.new_timer()
  server.handles[timer] = true
  connection.busy = true
  timer:start(math.ceil(server.delay * 1000), 0, guarded(server, connection, function()
    server.handles[timer] = nil
    timer:close()
    connection.busy = false
    if connection.requests[1] then
      reply(server, connection)
      serve(server, connection)
    end
  end))
end

-- Answers the requests of a connection one after another, each after the delay.
function serve(server, connection)
  while connection.requests[1] and not connection.busy do
    if server.delay == 0 then
      reply(server, connection)
    else
      reply_later(server, connection)
    end
  end
end

-- Requests may come in pieces, or several in one.
local function take(server, connection, bytes)
  local unread, from = connection.unread .. bytes, 1
  local _, last = unread:find("\r\n\r\n", from, true)
  while last do
    table.insert(connection.requests, unread:sub(from, last))
    from = last + 1
    _, last = unread:find("\r\n\r\n", from, true)
  end
  connection.unread = unread:sub(from)
  if #connection.unread > MAX_HEAD then
    drop(server, connection)
  end
  serve(server, connection)
end

local function accept(server)
  local socket = uv.new_tcp()
  server.handles[socket] = true
  server.listener:accept(socket)
  local connection = { socket = socket, unread = "", requests = {}, busy = false }
  socket:read_start(guarded(server, connection, function(err, bytes)
    if err or not bytes then -- the client has gone, which is its right
      drop(server, connection)
    else
      take(server, connection, bytes)
    end
  end))
end

-- Writing to a client that has gone raises SIGPIPE, which ends a program that does not take it.
local function survive_broken_pipes(server)
  local signal = uv.new_signal()
  server.handles[signal] = true
  signal:start("sigpipe", function() end)
  signal:unref()
end

local function draw_all(server)
  for number = 1, drawing.COUNT do
    local name = ("picture-%02d.png"):format(number)
    server.files[name] = drawing.draw(number)
    server.urls[number] = ("http://127.0.0.1:%d/%s"):format(server.port, name)
  end
end

--- Draws the pictures and serves them on a free port of 127.0.0.1.
---@param options? { delay?: number } seconds that the server lets pass before each answer
---@return table server `port`; `urls`, a list; `files`, bytes by name; `close(server)`
function M.serve(options)
  local listener = uv.new_tcp()
  assert(listener:bind("127.0.0.1", 0))
  local server = {
    listener = listener,
    handles = {},
    files = {},
    urls = {},
    port = listener:getsockname().port,
    delay = math.min(options and options.delay or 0, MAX_DELAY),
  }
  survive_broken_pipes(server)
  assert(listener:listen(BACKLOG, function(err)
    if not err then
      accept(server)
    end
  end))
  draw_all(server)
  function server.close()
    close(listener)
    for handle in pairs(server.handles) do
      close(handle)
    end
  end
  return server
end

return M
