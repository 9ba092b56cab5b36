--- The servers of the benchmarks: Debian's nginx, and one that waits before it answers.

local nginx = require "support.nginx"
local process = require "support.process"
local shell = require "support.shell"

local PICTURES, PICTURE_SIZE = 80, 100000
local DELAY = 0.2 -- seconds
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

-- Starts the slow server, which ends with this program.
local function start_slow(lua)
  local child = process.start { lua, "bench/slow.lua", DELAY, stdin = true, timeout = 86400 }
  while not child.stdout:find("listening %d+") do
    require("curlew.uv").run("once")
  end
  return "http://127.0.0.1:" .. child.stdout:match("listening (%d+)")
end

--- Starts them.
---@param lua string
---@return table<string, string> urls by site
---@return table files `bundle`, `ca`: certificates
function M.start(lua)
  local site = nginx.start { access_log = false }
  add_content(site)
  return { http = site.url, https = site.https, slow = start_slow(lua) },
    { bundle = make_bundle(site), ca = site.ca }
end

return M
