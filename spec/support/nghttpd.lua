--- Debian's nghttpd, an HTTP/2 server of its own kind, with TLS and without, on ports of 127.0.0.1.

local daemon = require "support.daemon"
local nginx = require "support.nginx"
local shell = require "support.shell"

local BIG = 2 * 1024 * 1024

local M = {}

local function write_content(dir)
  assert(shell.run(("mkdir -p %s"):format(shell.quote(dir .. "/www"))))
  shell.write_file(dir .. "/www/small", "small\n")
  local line = ("0123456789abcdef"):rep(63) .. "0123456789abcde\n"
  shell.write_file(dir .. "/www/big", line:rep(BIG / #line))
end

local function open()
  local web, dir = nginx.start(), daemon.directory()
  write_content(dir)
  local command = "nghttpd -v -a 127.0.0.1 -d www %s %d %s"
  local plain = daemon.start(dir, "plain", function(port)
    return command:format("--no-tls", port, "")
  end)
  local tls = daemon.start(dir, "tls", function(port)
    local files = ("%s %s"):format(shell.quote(web.dir .. "/server.key"),
      shell.quote(web.dir .. "/server.pem"))
    return command:format("", port, files)
  end)
  -- How many connections the clients of a port have open, this process's or others'.
  local function connections(port)
    local count, wanted = 0, (" 0100007F:%04X 01 "):format(port)
    for line in shell.read_file("/proc/net/tcp"):gmatch("[^\n]+") do
      if line:find(wanted, 1, true) then
        count = count + 1
      end
    end
    return count
  end
  return {
    h2c = "http://127.0.0.1:" .. plain,
    https = "https://localhost:" .. tls,
    h2c_port = plain,
    https_port = tls,
    ca = web.ca,
    big = BIG,
    connections = connections,
    log = function(name)
      return daemon.output(dir, name)
    end,
  }
end

--- Starts it, or returns the one that runs already.
---
--- Fields: `h2c` (HTTP/2 without TLS, and nothing else), `https`, `h2c_port`, `https_port`, `ca`
--- (file of the CA), `big` (bytes of /big; there is /small, too). Functions: `connections(port)`
--- (how many are open to it), `log("plain")` and `log("tls")` (each frame, as `nghttpd -v` tells).
---@return table site
function M.start()
  return shell.once("nghttpd", open)
end

return M
