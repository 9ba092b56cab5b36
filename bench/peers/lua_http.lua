--- lua-http on cqueues, with connections that are kept by hand: its request API keeps none. Set
--- BENCH_REQUEST_API to use that instead.

local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = package.path .. (";%s/?.lua;%s/../?.lua"):format(here, here)

local client = require "http.client"
local cqueues = require "cqueues"
local http_headers = require "http.headers"
local http_tls = require "http.tls"
local peer = require "peer"
local request = require "http.request"

local TIMEOUT = 60 -- seconds
local host, port, path = peer.url:match("^https?://([^/:]+):(%d+)(.*)$")

local context
if peer.tls then
  context = http_tls.new_client_context()
  context:getStore():add(peer.ca)
end

if host == "bench.test" then
  peer.unsupported "looks names up by itself"
end

local function connect(version)
  return assert(client.connect({
    host = host, port = tonumber(port), tls = peer.tls, ctx = context, version = version,
  }, TIMEOUT))
end

local function head(target, close)
  local headers = http_headers.new()
  headers:append(":method", "GET")
  headers:append(":scheme", peer.tls and "https" or "http")
  headers:append(":authority", host .. ":" .. port)
  headers:append(":path", target)
  if close then
    headers:append("connection", "close")
  end
  return headers
end

-- Sends a request on a connection; returns its stream, once a head with status 200 has come.
local function send(connection, target, close)
  local stream = assert(connection:new_stream())
  assert(stream:write_headers(head(target, close), true, TIMEOUT))
  local headers = assert(stream:get_headers(TIMEOUT))
  assert(headers:get(":status") == "200", headers:get(":status"))
  return stream
end

local function get(connection, target, close)
  return assert(send(connection, target, close):get_body_as_string(TIMEOUT))
end

local function get_by_request()
  local one = request.new_from_uri(peer.url)
  one.ctx = context
  local headers, stream = assert(one:go(TIMEOUT))
  local body = assert(stream:get_body_as_string(TIMEOUT))
  stream:shutdown()
  return headers:get(":status") == "200" and body or ""
end

-- Each of as many workers as there are requests at once has a connection.
local function run_all(fn, shared)
  local queue = cqueues.new()
  for _ = 1, peer.concurrency do
    queue:wrap(function()
      local connection = not shared and connect()
      local number = peer.next()
      while number do
        local ok, fine, why = pcall(fn, shared or connection, number)
        peer.check(ok and fine, why or fine)
        number = peer.next()
      end
      if connection then
        connection:close()
      end
    end)
  end
  assert(queue:loop())
end

local function is_small(connection)
  return #get(connection, path) == peer.small
end

-- One big body, to `take(bytes)`.
local function pour(take)
  local queue = cqueues.new()
  queue:wrap(function()
    local stream, size = send(connect(), path), 0
    for bytes in stream:each_chunk() do
      size = size + #bytes
      take(bytes)
    end
    peer.check(size == peer.total, size)
  end)
  assert(queue:loop())
end

local works = {
  get = function()
    if not peer.tls then
      return run_all(is_small)
    end
    local queue = cqueues.new()
    queue:wrap(function()
      local connection = connect(2)
      run_all(is_small, connection)
      connection:close()
    end)
    assert(queue:loop())
  end,
  connect = function()
    run_all(function()
      local connection = connect(1.1)
      local body = get(connection, path, true)
      connection:close()
      return #body == peer.small
    end, true)
  end,
  bursts = function()
    local queue, pool = cqueues.new(), {}
    queue:wrap(function()
      peer.bursts(function()
        local burst = cqueues.new()
        for i = 1, peer.concurrency do
          burst:wrap(function()
            peer.next()
            pool[i] = pool[i] or connect()
            peer.check(is_small(pool[i]))
          end)
        end
        assert(burst:loop())
      end)
    end)
    assert(queue:loop())
  end,
  files = function()
    run_all(function(connection, number)
      local body = get(connection, ("%s/%d"):format(path, number))
      local file = assert(io.open(peer.file(number), "wb"))
      file:write(body)
      return file:close() and #body == peer.picture
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

if os.getenv "BENCH_REQUEST_API" then
  works = {
    get = function()
      if peer.tls then
        peer.unsupported "a connection for each request"
      end
      run_all(function()
        return #get_by_request() == peer.small
      end, true)
    end,
    connect = function()
      run_all(function()
        return #get_by_request() == peer.small
      end, true)
    end,
  }
end

peer.main(works)
