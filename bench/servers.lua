--- The servers of the benchmarks: Debian's nginx, and one that waits before it answers.

local nginx = require "support.nginx"
local process = require "support.process"
local shell = require "support.shell"

local PICTURES, PICTURE_SIZE = 80, 100000
local DELAY = 200 -- milliseconds
local SYSTEM_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"

local M = {}

-- Fills the folder that nginx serves.
local function add_content(site)
  assert(shell.run(([[
    cd %s && mkdir -p pictures && truncate -s 1G gib &&
    for i in $(seq %d); do head -c %d /dev/urandom >pictures/$i; done
  ]]):format(shell.quote(site.dir .. "/www"), PICTURES, PICTURE_SIZE)))
end

-- The system's certificates and that of the server's authority, in one file.
local function make_bundle(site)
  local path = site.dir .. "/bundle.pem"
  shell.write_file(path, shell.read_file(SYSTEM_BUNDLE) .. shell.read_file(site.ca))
  return path
end

-- Starts bench/delay.c's program, which ends with this one.
local function start_slow()
  local child = process.start { "build/bench/delay", DELAY, stdin = true }
  assert(shell.turn(function()
    return child.stdout:find("listening %d+\n")
  end), child.stderr)
  return "http://127.0.0.1:" .. child.stdout:match("listening (%d+)")
end

--- Starts them.
---@return table<string, string> urls by site
---@return table files `bundle`, `ca`: certificates
function M.start()
  local site = nginx.start { access_log = false }
  add_content(site)
  return {
    http = site.url,
    https = site.https,
    name = "http://bench.test:" .. site.port,
    slow = start_slow(),
  }, { bundle = make_bundle(site), ca = site.ca }
end

--- How many connections the server of a site has accepted, that of this question included.
---@param url string of "http", which counts all of nginx's, or "slow"
---@return integer
function M.accepted(url)
  local told = shell.read(("curl -s --max-time 10 %s/accepts"):format(url))
  return assert(tonumber(told:match("requests%s+(%d+)")), "the server does not tell")
end

return M
