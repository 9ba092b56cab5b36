--- A slow server: answers each request with 1 KB, some time later, for 10,000 connections and more.
---
---     lua bench/slow.lua [SECONDS] [PORT]
---
--- Prints `listening PORT` and serves until its standard input ends, so that it does not outlive
--- the program that started it; then prints how many connections were open at most, and how many
--- requests waited at most. Raise the limit of descriptors before: `ulimit -n`.

local uv = require "curlew.uv"

local BACKLOG = 65535 -- the kernel cuts it down to net.core.somaxconn
local TICK_MS = 5
local RESPONSE = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n"
  .. ("slow server line\n"):rep(61):sub(1, 1024)

local delay_ms = (tonumber(arg[1]) or 0.2) * 1000
local port = tonumber(arg[2]) or 0

-- All wait equally long, so the first to come is the first to be answered.
local waiting = { first = 1, last = 0 }
local open, most_open, most_waiting = 0, 0, 0

local function enqueue(handle)
  waiting.last = waiting.last + 1
  waiting[waiting.last] = { due = uv.hrtime() / 1e6 + delay_ms, handle = handle }
  most_waiting = math.max(most_waiting, waiting.last - waiting.first + 1)
end

local function answer_due()
  local now = uv.hrtime() / 1e6
  while waiting.first <= waiting.last and waiting[waiting.first].due <= now do
    local handle = waiting[waiting.first].handle
    waiting[waiting.first] = nil
    waiting.first = waiting.first + 1
    if not handle:is_closing() then
      handle:write(RESPONSE)
    end
  end
end

local function close(handle)
  if not handle:is_closing() then
    open = open - 1
    handle:close()
  end
end

--- Answers once for each end of a head; requests with a body are not expected.
local function serve(handle)
  local rest = ""
  handle:read_start(function(_, bytes)
    if not bytes then
      close(handle)
      return
    end
    rest = rest .. bytes
    local _, last = rest:find("\r\n\r\n", 1, true)
    while last do
      enqueue(handle)
      rest = rest:sub(last + 1)
      _, last = rest:find("\r\n\r\n", 1, true)
    end
  end)
end

local server = assert(uv.new_tcp())
assert(server:bind("127.0.0.1", port))
assert(server:listen(BACKLOG, function(err)
  local handle = uv.new_tcp()
  if not err and server:accept(handle) then
    open = open + 1
    most_open = math.max(most_open, open)
    handle:nodelay(true)
    serve(handle)
  else
    io.stderr:write("slow: cannot accept: ", tostring(err), "\n")
    handle:close()
  end
end))

local timer = assert(uv.new_timer())
timer:start(TICK_MS, TICK_MS, answer_due)

local stdin = assert(uv.new_pipe(false))
assert(stdin:open(0))
stdin:read_start(function(_, bytes)
  if not bytes then
    print(("most open %d, most waiting %d"):format(most_open, most_waiting))
    os.exit(0)
  end
end)

print("listening " .. server:getsockname().port)
io.stdout:flush()
uv.run()
