--- `openssl s_server` as a TLS end for the scripted server: HTTP/2 is agreed on, and what comes and
--- goes inside is plain here. It serves one connection at a time. To be used within a task.

local nginx = require "support.nginx"
local sessions = require "support.sessions"
local shell = require "support.shell"
local tls = require "support.tls"
local uv = require "curlew.uv"

local SIGKILL = 9

local M = {}

local function is_listening(port)
  local wanted = (" 0100007F:%04X 00000000:0000 0A "):format(port)
  return shell.read_file("/proc/net/tcp"):find(wanted, 1, true)
end

--- Starts one, with the good certificate of `support.tls`.
---@async
---@param take fun(bytes: string) is told what comes
---@return { url: string, send: fun(bytes: string, done?: function), close: fun() }
function M.start(take)
  local port, dir = nginx.free_ports(1)[1], tls.start().dir
  local input, output = uv.new_pipe(false), uv.new_pipe(false)
  local ended = false
  local process = assert(uv.spawn("openssl", {
    args = {
      "s_server", "-accept", "127.0.0.1:" .. port, "-cert", dir .. "/good.pem", "-key",
      dir .. "/good.key", "-alpn", "h2", "-quiet",
    },
    stdio = { input, output, nil },
  }, function()
    ended = true
  end))
  output:read_start(function(_, bytes)
    if bytes then
      take(bytes)
    end
  end)
  sessions.wait(function()
    return ended or is_listening(port)
  end)
  local server = { url = "https://localhost:" .. port, closed = false }
  function server.send(bytes, done)
    return input:write(bytes, done)
  end
  function server.close()
    if server.closed then
      return
    end
    server.closed = true
    process:kill(SIGKILL)
    for _, handle in ipairs { input, output, process } do
      handle:close()
    end
  end
  return server
end

return M
