--- What the soak talks to, in a process of its own, until its standard input ends: nginx, nghttpd,
--- a scripted server, and some that misbehave. Says where they are, a line each: `name value`, or
--- `file path sum`, `fault address kind`; then `ready`.

package.path = package.path .. ";./lua/?.lua;./lua/?/init.lua;./spec/?.lua"

local answers = require "support.answers"
local curlew = require "curlew"
local daemon = require "support.daemon"
local misbehaviour = require "support.misbehaviour"
local nginx = require "support.nginx"
local sha256 = require "support.sha256"
local shell = require "support.shell"
local uv = require "curlew.uv"

local SIZES = { 0, 1, 100, 4096, 16384, 65536, 262144, 1048576 } -- bytes
local BLOCK = 65536 -- bytes that repeat, turned by one each time
local THEMES = { "framing", "heads", "encodings" }
local TIDYING = 1000 -- ms

local function say(...)
  io.stdout:write(table.concat({ ... }, " "), "\n")
end

-- Bytes that no two places of a body have in common by chance.
local function make_bytes(size)
  local random, block, blocks = curlew.testing.random(size + 1), {}, {}
  for i = 1, math.min(size, BLOCK) do
    block[i] = string.char(random(256) - 1)
  end
  block = table.concat(block)
  for i = 1, math.ceil(size / BLOCK) do
    blocks[i] = block:sub(i) .. block:sub(1, i - 1)
  end
  return table.concat(blocks):sub(1, size)
end

local function write_files(dir)
  for _, size in ipairs(SIZES) do
    local name, bytes = ("%d.bin"):format(size), make_bytes(size)
    shell.write_file(("%s/www/%s"):format(dir, name), bytes)
    say("file", "/" .. name, sha256(bytes))
  end
  say("gzip", sha256(shell.read_file(dir .. "/www/gzip")))
end

local function start_nghttpd(dir)
  local own = daemon.directory()
  local command = ("nghttpd -a 127.0.0.1 -d %s/www %%s %%d %%s"):format(dir)
  say("h2c", "http://127.0.0.1:" .. daemon.start(own, "plain", function(port)
    return command:format("--no-tls", port, "")
  end))
  say("h2", "https://localhost:" .. daemon.start(own, "tls", function(port)
    return command:format("", port, ("%s/server.key %s/server.pem"):format(dir, dir))
  end))
end

-- The answer is the sum of what came.
local function echo_sum(conn, request)
  conn:respond { body = sha256(request.body) }
end

local handlers = {
  ["/sum"] = echo_sum,
  ["/chunks"] = function(conn)
    conn:respond_chunked()
    for i = 1, 20 do
      conn:chunk(("chunk %d\n"):format(i):rep(200))
    end
    conn:chunk()
  end,
  ["/endless"] = function(conn)
    conn:respond_chunked()
    local function go_on()
      if not conn.closed then
        conn:chunk(("endless "):rep(2000))
        conn:after(0.002, go_on)
      end
    end
    go_on()
  end,
  ["/redirect"] = function(conn, request)
    conn:respond { status = 302, headers = { Location = request.query } }
  end,
  ["/busy"] = function(conn)
    conn:respond { status = 503, headers = { ["Retry-After"] = 0 } }
  end,
}

local function start_faults(sites)
  for _, theme in ipairs(THEMES) do
    for _, case in ipairs(misbehaviour.cases(theme)) do
      local is_plain = case.kind and case.kind ~= "timeout"
        and not (case.given or case.method or case.alone or case.unmet or case.outcomes)
      if is_plain then
        local site = misbehaviour.start(case)
        table.insert(sites, site)
        say("fault", site.address, case.kind)
      end
    end
  end
end

local web = nginx.start { access_log = false }
say("web", web.url)
say("tls", web.https)
say("ca", web.ca)
say("www", web.dir .. "/www")
if web.can_sleep then
  say("post", web.https .. "/post")
end
write_files(web.dir)
start_nghttpd(web.dir)
local scripted = answers.new(handlers)
say("scripted", scripted.url)
local sites = { scripted }
start_faults(sites)
say "ready"
io.stdout:flush()

local tidy, input = uv.new_timer(), uv.new_pipe(false)
tidy:start(TIDYING, TIDYING, function()
  for _, site in ipairs(sites) do
    site.requests, site.errors = {}, {}
  end
end)
input:open(0)
input:read_start(function(_, bytes)
  if not bytes then
    tidy:close()
    input:close()
    os.exit(0)
  end
end)
uv.run()
