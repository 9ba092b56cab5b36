--- Servers of other makers as children of the suite, each on a free port of 127.0.0.1. Like nginx,
--- they are not children of luv's loop, and end with the suite, however that ends.

local nginx = require "support.nginx"
local shell = require "support.shell"

local ATTEMPTS = 5

local START = [[
PATH=$PATH:/usr/sbin:/sbin
rm -f %NAME.child
setsid %COMMAND </dev/null >>%NAME.out 2>&1 &
child=$!
echo "$child" >%NAME.child
tries=0
until grep -q ': 0100007F:%HEX 00000000:0000 0A ' /proc/net/tcp; do
  kill -0 "$child" 2>/dev/null || exit 1
  tries=$((tries + 1))
  [ "$tries" -lt 500 ] || exit 1
  sleep 0.01
done
]]

local STOP = [[for file in *.child; do kill "$(cat "$file")" 2>/dev/null; done]]

local M = {}

--- A directory for daemons, which ends them and is removed once the suite has ended.
---@return string path
function M.directory()
  return shell.scratch(STOP)
end

--- Starts a program that listens on a port of 127.0.0.1, and returns when it does. What it writes
--- goes to NAME.out in the directory. Raises with that when it does not start.
---@param dir string of `directory`
---@param name string
---@param command fun(port: integer): string for the shell, which `exec`s or is one program
---@return integer port
function M.start(dir, name, command)
  for _ = 1, ATTEMPTS do
    local port = nginx.free_ports(1)[1]
    local script = START:gsub("%%(%u+)", {
      NAME = name,
      COMMAND = command(port),
      HEX = ("%04X"):format(port),
    })
    if nginx.in_directory(dir, name .. "-start", script) then
      return port
    end
  end
  error(("%s does not start:\n%s"):format(name, tostring(M.output(dir, name))), 0)
end

--- What a program has written so far.
---@param dir string
---@param name string
---@return string
function M.output(dir, name)
  return shell.read_file(("%s/%s.out"):format(dir, name)) or ""
end

return M
