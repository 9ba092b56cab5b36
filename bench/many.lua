--- Thousands of requests at once to a slow server: all are answered, and nothing stays behind.
---
---     lua bench/many.lua [REQUESTS] [DELAY_SECONDS]
---
--- 5,000 and 0.2 unless told. Prints time, CPU for each request, what the process held before, when
--- half was answered and after, and what the server saw. Status 1 when a request failed or
--- descriptors stayed behind.

local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = package.path
  .. (";%s/?.lua;%s/../spec/?.lua;%s/../lua/?.lua;%s/../lua/?/init.lua"):format(
    here, here, here, here)

local curlew = require "curlew"
local measure = require "measure"
local process = require "support.process"
local shell = require "support.shell"

local BODY_SIZE = 1024
local SPARE_DESCRIPTORS = 200
local RAISE_LIMIT = 'ulimit -n "$(ulimit -Hn)" && exec "$@"'

local count = tonumber(arg[1]) or 5000
local delay = tonumber(arg[2]) or 0.2

--- Lua cannot raise the limit of descriptors: a shell does, and runs this program again.
local function ensure_descriptors()
  local needed = count + SPARE_DESCRIPTORS
  local limit = shell.read("ulimit -n")
  if limit == "unlimited" or tonumber(limit) >= needed then
    return
  end
  if os.getenv("CURLEW_BENCH_AGAIN") then
    error(("%d descriptors needed, the limit is %s"):format(needed, limit), 0)
  end
  local words = { process.lua, arg[0], count, delay }
  for i, word in ipairs(words) do
    words[i] = shell.quote(word)
  end
  local command = ("CURLEW_BENCH_AGAIN=1 exec sh -c %s bench %s"):format(
    shell.quote(RAISE_LIMIT), table.concat(words, " "))
  os.exit(shell.run(command) and 0 or 1)
end

local function start_server()
  local server = process.start {
    "sh", "-c", RAISE_LIMIT, "slow", process.lua, here .. "/slow.lua", tostring(delay),
    stdin = true,
    env = { LUA_PATH = package.path, LUA_CPATH = package.cpath },
  }
  local listening = shell.turn(function()
    return server.stdout:match("listening (%d+)") or server.status
  end)
  local port = server.stdout:match("listening (%d+)")
  assert(listening and port, "the slow server does not start:\n" .. server.stderr)
  return server, "http://127.0.0.1:" .. port .. "/"
end

--- Makes all requests at once, in a session of their own.
local function burst(url, requests, at_half)
  local result = { answered = 0, reasons = {} }
  local session = curlew.session { max_per_host = requests, max_connections = requests }
  local function get()
    local response, err = session:get(url)
    if response and response.status == 200 and #response.body == BODY_SIZE then
      result.answered = result.answered + 1
    else
      local reason = tostring(err or response.status)
      result.reasons[reason] = (result.reasons[reason] or 0) + 1
    end
    if result.answered == math.ceil(requests / 2) and at_half then
      at_half()
    end
  end
  curlew.group(function(group)
    for _ = 1, requests do
      group:spawn(get)
    end
  end)
  session:close()
  return result
end

local function row(name, holdings)
  print(("%-10s %12d %12.0f %12.0f %9d"):format(
    name, holdings.descriptors, holdings.lua_kb, holdings.rss_kb, holdings.threads))
end

local function main(url)
  burst(url, 10) -- what is made once only shall not count
  curlew.sleep(0.1)
  local before, half_way = measure.holdings(true), nil
  local stop = measure.start()
  local result = burst(url, count, function()
    half_way = measure.holdings()
  end)
  local wall, cpu = stop()
  curlew.sleep(0.1)
  local after = measure.holdings(true)
  print(("%d of %d answered, %.3f s (each takes %.3f s), %.2f us of CPU for each"):format(
    result.answered, count, wall, delay, cpu * 1e6 / count))
  for reason, times in pairs(result.reasons) do
    print(("  %d times: %s"):format(times, reason))
  end
  print(("\n%-10s %12s %12s %12s %9s"):format("", "descriptors", "Lua KB", "RSS KB", "threads"))
  row("before", before)
  row("half way", half_way or after)
  row("after", after)
  return result.answered == count and after.descriptors <= before.descriptors
end

ensure_descriptors()
local server, url = start_server()
local clean = curlew.run(main, url)
server:close_stdin()
server:wait()
print("\nThe server: " .. (server.stdout:match("most open[^\n]*") or server.stderr))
os.exit(clean and 0 or 1)
