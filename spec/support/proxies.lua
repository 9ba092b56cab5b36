--- Debian's tinyproxy and microsocks, both with and without a password, on ports of 127.0.0.1.

local daemon = require "support.daemon"
local shell = require "support.shell"
local uv = require "curlew.uv"

local USER, PASSWORD = "user", "secret"

local TINYPROXY = [[
Port %d
Listen 127.0.0.1
Timeout 60
MaxClients 500
Allow 127.0.0.1
LogFile "%s/%s.log"
LogLevel Connect
%s
]]

local M = {}

local function tinyproxy(dir, name, more)
  return daemon.start(dir, name, function(port)
    shell.write_file(("%s/%s.conf"):format(dir, name), TINYPROXY:format(port, dir, name, more))
    return ("tinyproxy -d -c %s.conf"):format(name)
  end)
end

local function microsocks(dir, name, more)
  return daemon.start(dir, name, function(port)
    return ("microsocks -i 127.0.0.1 -p %d %s"):format(port, more)
  end)
end

-- A text that a program appends to, since the last `forget`.
local function reader(read)
  local from = 1
  local function text()
    return read():sub(from)
  end
  local function forget()
    uv.sleep(5)
    from = #read() + 1
  end
  return text, forget
end

local function open()
  local dir = daemon.directory()
  local site = { dir = dir, user = USER, password = PASSWORD }
  site.http = "127.0.0.1:" .. tinyproxy(dir, "http", "")
  site.http_auth = "127.0.0.1:"
    .. tinyproxy(dir, "http_auth", ("BasicAuth %s %s"):format(USER, PASSWORD))
  site.socks = "127.0.0.1:" .. microsocks(dir, "socks", "")
  site.socks_auth = "127.0.0.1:"
    .. microsocks(dir, "socks_auth", ("-u %s -P %s"):format(USER, PASSWORD))
  site.http_log, site.forget_http = reader(function()
    return shell.read_file(dir .. "/http.log") or ""
  end)
  site.socks_log, site.forget_socks = reader(function()
    return daemon.output(dir, "socks")
  end)
  return site
end

--- Starts them, or returns those that run already.
---
--- Fields: `http`, `http_auth`, `socks`, `socks_auth` (each "127.0.0.1:port"; those with `_auth`
--- want `user` and `password`). Functions: `http_log()` (what tinyproxy without a password has
--- logged since `forget_http()`: "Request (file descriptor 5): GET http://..."), `socks_log()` and
--- `forget_socks()` (microsocks: "client[4] 127.0.0.1: connected to NAME:PORT").
---@return table site
function M.start()
  return shell.once("proxies", open)
end

return M
