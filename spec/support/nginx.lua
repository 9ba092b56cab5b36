--- Debian's nginx as a child of the suite, on free ports of 127.0.0.1, in a directory of its own.
---
--- It is a single process, not a child of luv's loop, so no handle of it disturbs a spec. A watcher
--- ends it and removes its directory as soon as the suite has ended, whether by itself, by a crash
--- or by a kill. What it serves stands in `nginx_conf.lua` and `write_content`.

local conf = require "support.nginx_conf"
local shell = require "support.shell"
local uv = require "curlew.uv"

local KEY = "nginx"
local ECHO_MODULE = "/usr/lib/nginx/modules/ngx_http_echo_module.so"
local ATTEMPTS = 5
local BIG = 10 * 1024 * 1024

local CERTIFICATES = [[
set -e
request() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
    -keyout "$1.key" -out "$1.csr" -subj "/CN=$2"
}
sign() {
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 \
    -extfile "$1.ext" -out "$1.pem"
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
  -keyout ca.key -out ca.pem -subj "/CN=curlew test CA" \
  -addext "keyUsage=critical,keyCertSign,cRLSign"
request server localhost
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >server.ext
sign server
request client "curlew client"
printf 'extendedKeyUsage=clientAuth\n' >client.ext
sign client
openssl pkey -in server.key -pubout -outform der | openssl dgst -sha256 -binary |
  openssl base64 -A >server.pin
]]

local START = [[
PATH=$PATH:/usr/sbin:/sbin
ulimit -n "$(ulimit -Hn)"
rm -f nginx.pid
setsid nginx -p "$PWD/" -c nginx.conf -e error.log </dev/null >>error.log 2>&1 &
child=$!
echo "$child" >nginx.child
tries=0
until [ -s nginx.pid ]; do
  kill -0 "$child" 2>/dev/null || exit 1
  tries=$((tries + 1))
  [ "$tries" -lt 1000 ] || exit 1
  sleep 0.01
done
]]

local STOP = '[ -f nginx.child ] && kill "$(cat nginx.child)" 2>/dev/null'

local M = {}

--- Ports nobody listens on. All are held at once, so that they differ.
local function free_ports(count)
  local holders, ports = {}, {}
  for i = 1, count do
    holders[i] = assert(uv.new_tcp())
    assert(holders[i]:bind("127.0.0.1", 0))
    ports[i] = holders[i]:getsockname().port
  end
  for _, holder in ipairs(holders) do
    holder:close()
  end
  shell.settle()
  return ports
end

--- Numbered lines. Long ones repeat their number: Lua 5.1 hashes only every other byte of a long
--- string, and takes seconds when thousands differ in the rest.
local function lines_of(count, format, times)
  local lines = {}
  for i = 1, count do
    lines[i] = format:format(i):rep(times or 1)
  end
  return table.concat(lines)
end

--- Runs a script in the directory; the shell itself must not load a sanitizer.
local function in_directory(dir, name, script)
  shell.write_file(dir .. "/" .. name, script)
  local command = "cd %s && LD_PRELOAD= sh ./%s >>%s.log 2>&1"
  return shell.run(command:format(shell.quote(dir), name, name))
end

--- For the other servers of the suite, see `support.daemon`.
M.free_ports, M.in_directory = free_ports, in_directory

local function write_content(dir)
  assert(shell.run(("cd %s && mkdir -p www/upload tmp"):format(shell.quote(dir))))
  local www = dir .. "/www/"
  shell.write_file(www .. "1k", lines_of(64, "%015d\n"))
  shell.write_file(www .. "hello.txt", "Hello from nginx\n")
  shell.write_file(www .. "empty", "")
  shell.write_file(www .. "json", '{"name":"curlew","list":[1,2,3],"nested":{"yes":true}}\n')
  shell.write_file(www .. "gzip", lines_of(500, "line %d of a text that gzip makes much smaller\n"))
  shell.write_file(www .. "drip", lines_of(4096, "%015d\n"))
  shell.write_file(www .. "big", lines_of(BIG / 64, "%015d\n", 4))
  shell.write_file(dir .. "/htpasswd", "user:{PLAIN}secret\n")
end

local function launch(dir, options)
  for _ = 1, ATTEMPTS do
    local ports = free_ports(4)
    shell.write_file(dir .. "/nginx.conf", conf.text {
      DIR = dir,
      HTTP = ports[1],
      H2C = ports[2],
      HTTPS = ports[3],
      HTTPS1 = ports[4],
      access_log = options.access_log ~= false,
      root = shell.read("id -u") == "0",
      echo = shell.read_file(ECHO_MODULE) and ECHO_MODULE,
    })
    if in_directory(dir, "start", START) then
      return ports
    end
  end
  error("nginx does not start:\n" .. tostring(shell.read_file(dir .. "/error.log")), 0)
end

local function parse_log(text, from)
  local entries = {}
  for line in text:sub(from):gmatch("([^\n]*)\n") do
    local entry, rest = {}, line
    for i, field in ipairs(conf.LOG_FIELDS) do
      local value, after = rest, ""
      if i < #conf.LOG_FIELDS then
        value, after = rest:match("^(%S*) (.*)$")
      end
      entry[field[1]], rest = tonumber(value) or value, after or ""
    end
    entries[#entries + 1] = entry
  end
  return entries
end

--- nginx writes a line after it has sent the answer, so a reader may be early by a moment: with
--- `wanted`, waits up to 2 seconds for that many.
local function log_reader(dir)
  local path, from = dir .. "/access.log", 1
  local function log(wanted)
    local entries
    for _ = 1, 400 do
      entries = parse_log(shell.read_file(path) or "", from)
      if #entries >= (wanted or 0) then
        break
      end
      uv.sleep(5)
    end
    return entries
  end
  local function forget()
    uv.sleep(20)
    from = #(shell.read_file(path) or "") + 1
  end
  return log, forget
end

local function add_functions(site, dir)
  site.log, site.forget = log_reader(dir)
  function site.file(name)
    return shell.read_file(dir .. "/www/" .. name)
  end
  function site.errors()
    return shell.read_file(dir .. "/error.log")
  end
  function site.stop()
    shell.run(("cd %s && { %s; }"):format(shell.quote(dir), STOP))
    shell.forget(KEY)
  end
  return site
end

local function open(options)
  local dir = shell.scratch(STOP)
  write_content(dir)
  if not in_directory(dir, "certificates", CERTIFICATES) then
    error("openssl failed:\n" .. tostring(shell.read_file(dir .. "/certificates.log")), 0)
  end
  local ports = launch(dir, options)
  return add_functions({
    dir = dir,
    port = ports[1],
    url = "http://127.0.0.1:" .. ports[1],
    h2c = "http://127.0.0.1:" .. ports[2],
    https = "https://localhost:" .. ports[3],
    https_port = ports[3],
    https1_port = ports[4],
    socket = dir .. "/http.sock",
    ca = dir .. "/ca.pem",
    cert = dir .. "/client.pem",
    key = dir .. "/client.key",
    pin = "sha256//" .. shell.read_file(dir .. "/server.pin"),
    pid = tonumber((shell.read_file(dir .. "/nginx.child"))),
    can_sleep = shell.read_file(ECHO_MODULE) ~= nil,
  }, dir)
end

--- Starts nginx, or returns the one that runs already. Raises with nginx's own words when it fails.
---
--- Fields of the site: `url`, `h2c` (HTTP/2 without TLS), `https` (HTTP/1.1 and 2), `socket` (the
--- path of a Unix socket), `port`, `https_port`, `https1_port` (of 1.1 alone), `pid`, `dir`; `ca`
--- (file of the CA), `cert` and `key` (files of a client certificate), `pin` (`sha256//...` of the
--- server's key); `can_sleep` (whether /sleep and /post exist, which need the echo module of
--- nginx-light).
---
--- Functions: `log([wanted])` (the access log since `forget()`, as a list of tables `connection
--- serial port method status bytes received protocol tls user uri`), `forget()`, `errors()` (the
--- error log), `file(name)` (what it serves as /name), `stop()` (only needed to end it before the
--- suite ends).
---@param options? {access_log?: boolean} only looked at by the call that starts it
---@return table site
function M.start(options)
  return shell.once(KEY, function()
    return open(options or {})
  end)
end

return M
