--- copas with LuaSocket's http, which opens a connection for each request.

local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = package.path .. (";%s/?.lua;%s/../?.lua"):format(here, here)

local copas = require "copas"
local http = require "socket.http"
local ltn12 = require "ltn12"
local peer = require "peer"
local socket = require "socket"

local SELECT_LIMIT = 1000 -- descriptors: LuaSocket waits by select()

if peer.tls then
  peer.unsupported(peer.work == "get" and "no HTTP/2" or "its http has no TLS")
elseif peer.concurrency >= SELECT_LIMIT then
  peer.unsupported "select(): fewer than 1,000 at once"
end

-- What LuaSocket's http wants of a socket; copas.wrap of Debian's version lacks half of it.
local Socket = {}
Socket.__index = Socket

local function create()
  return setmetatable({ socket = socket.tcp() }, Socket)
end

function Socket:connect(host, port)
  return copas.connect(self.socket, host, port)
end

function Socket:send(...)
  return copas.send(self.socket, ...)
end

function Socket:receive(...)
  return copas.receive(self.socket, ...)
end

function Socket:close()
  return self.socket:close()
end

function Socket.settimeout()
  return 1
end

-- Returns whether the status was 200, and else what came instead.
local function get(url, sink)
  local ok, status = http.request { url = url, sink = sink, create = create }
  return ok and status == 200, status
end

local function get_small()
  local parts = {}
  local ok, why = get(peer.url, ltn12.sink.table(parts))
  peer.check(ok and #table.concat(parts) == peer.small, why)
end

local function run_threads(count, fn)
  local running = count
  for _ = 1, count do
    copas.addthread(function()
      local ok, err = pcall(fn)
      if not ok then
        peer.check(false, err)
      end
      running = running - 1
    end)
  end
  while running > 0 do
    copas.step()
  end
end

local function run_all(fn)
  run_threads(peer.concurrency, function()
    local number = peer.next()
    while number do
      fn(number)
      number = peer.next()
    end
  end)
end

-- One big body; `more(bytes)` is told of each piece.
local function pour(more)
  run_threads(1, function()
    local size = 0
    local ok, why = get(peer.url, function(bytes)
      size = size + #(bytes or "")
      if bytes then
        more(bytes)
      end
      return 1
    end)
    peer.check(ok and size == peer.total, why)
  end)
end

peer.main {
  get = function()
    run_all(get_small)
  end,
  bursts = function()
    peer.bursts(function()
      run_all(get_small)
    end)
  end,
  files = function()
    run_all(function(number)
      local path, url = peer.file(number)
      peer.check(get(url, ltn12.sink.file(io.open(path, "wb"))))
    end)
  end,
  read = function()
    pour(function() end)
  end,
  file = function()
    local file = assert(io.open(peer.directory .. "/body", "wb"))
    pour(function(bytes)
      file:write(bytes)
    end)
    file:close()
  end,
}
