--- A TCP echo server of luv's own and an HTTP client in one loop: curlew takes its turns like any
--- other handle, and nothing waits for anything else.
---
---     lua examples/echo_beside.lua https://example.org

package.path = (arg[0]:match("^(.*)[/\\]") or ".") .. "/?.lua;" .. package.path

local command_line = require "command_line"
local curlew = require "curlew"
local uv = require "luv"

local PROGRAM = "echo_beside.lua"

-- Plain luv, as in any program that has no curlew.
local function serve()
  local server = uv.new_tcp()
  server:bind("127.0.0.1", 0)
  server:listen(16, function()
    local client = uv.new_tcp()
    server:accept(client)
    client:read_start(function(err, bytes)
      if bytes and not err then
        client:write(bytes)
      else
        client:close()
      end
    end)
  end)
  return server
end

-- The same from a task: a callback is waited for by `curlew.await`.
local function echo(port, text)
  local client = uv.new_tcp()
  curlew.await(function(done)
    client:connect("127.0.0.1", port, done)
  end)
  client:write(text)
  local _, answer = curlew.await(function(done)
    client:read_start(done)
  end)
  client:close()
  return answer
end

local function main(given)
  local server = serve()
  local results = curlew.gather {
    function() return assert(curlew.fetch(given.url)).status end,
    function() return echo(server:getsockname().port, "hello") end,
  }
  server:close()
  print("the web says " .. results[1], "the echo says " .. results[2])
end

local parser = command_line.parser(PROGRAM, "Fetches a URL beside a TCP echo server.")
parser:argument("url")
command_line.run(PROGRAM, main, parser:parse())
