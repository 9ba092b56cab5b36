--- A program in a real terminal: a pane of a tmux server of our own.

local environment = require "support.environment"
local shell = require "support.shell"
local uv = require "curlew.uv"

local TIME_LIMIT = 10

local Pane = { __name = "support.Pane" }
Pane.__index = Pane

local M = {}
local count = 0

-- Keeps the pane and what is on it after the program's end. A trapped signal is back at its default
-- in a child, so Ctrl-C ends the program and not this shell.
local WRAPPER = [[
trap : INT QUIT TERM
"$@"
echo $? >"$STATUS_FILE.new"
mv "$STATUS_FILE.new" "$STATUS_FILE"
exec sleep 3600
]]

-- Ends every server of this run and removes the sockets.
local SWEEP = [[
for socket in sockets/*; do
  [ -S "$socket" ] && tmux -S "$socket" kill-server
done
]]

local function scratch()
  return shell.once("tmux", function()
    local dir = shell.scratch(SWEEP)
    shell.write_file(dir .. "/run", WRAPPER)
    shell.write_file(dir .. "/tmux.conf", "set -g status off\nset -g history-limit 10000\n")
    assert(shell.run("mkdir -m 700 " .. shell.quote(dir .. "/sockets")))
    return dir
  end)
end

local function variables(command)
  local parts = {}
  for _, pair in ipairs(environment.list(command[1], command.env)) do
    if not pair:find("^TERM=") and not pair:find("^TMUX") then
      parts[#parts + 1] = shell.quote(pair)
    end
  end
  return table.concat(parts, " ")
end

--- What the shell in the pane runs: the wrapper, with our environment and not the tmux server's.
local function script(dir, pane, command)
  local words = {}
  for i, word in ipairs(command) do
    words[i] = shell.quote(word)
  end
  return ("exec env -i %s TERM=\"$TERM\" STATUS_FILE=%s sh %s %s"):format(
    variables(command),
    shell.quote(pane.status_file),
    shell.quote(dir .. "/run"),
    table.concat(words, " ")
  )
end

--- Starts a program in a pane.
---@param command table program and arguments; `width` (80), `height` (24), `cwd`, `env` as for
--- `process.start`
---@return table pane
function M.start(command)
  local dir = scratch()
  count = count + 1
  local name = ("%d-%s"):format(count, tostring({}):match("%x+$"))
  local pane = setmetatable({
    socket = dir .. "/sockets/" .. name,
    status_file = dir .. "/status-" .. name,
  }, Pane)
  pane.script = pane.status_file .. ".sh"
  shell.write_file(pane.script, script(dir, pane, command))
  local start = ("-f %s new-session -d -x %d -y %d -c %s %s"):format(
    shell.quote(dir .. "/tmux.conf"),
    command.width or 80,
    command.height or 24,
    shell.quote(command.cwd or uv.cwd()),
    shell.quote("exec sh " .. shell.quote(pane.script))
  )
  local said = pane:tmux(start)
  assert(said == "", said)
  return pane
end

--- Runs a tmux command on the pane.
---@param arguments string for the shell, quoted
---@return string what it printed
function Pane:tmux(arguments)
  local command = "LD_PRELOAD= tmux -u -S %s %s 2>&1"
  return shell.read(command:format(shell.quote(self.socket), arguments))
end

--- Presses keys, by tmux's names: "C-c", "Enter", "a".
function Pane:keys(...)
  local names = {}
  for i, name in ipairs { ... } do
    names[i] = shell.quote(name)
  end
  self:tmux("send-keys " .. table.concat(names, " "))
end

--- Types text as it is.
---@param text string
function Pane:type(text)
  self:tmux("send-keys -l -- " .. shell.quote(text))
end

--- What is on the screen, without the empty lines at its end.
---@param options? {escapes?: boolean, history?: boolean} with colours and attributes; with what
--- scrolled off
---@return string
function Pane:capture(options)
  options = options or {}
  local flags = (options.escapes and " -e" or "") .. (options.history and " -S -" or "")
  return (self:tmux("capture-pane -p" .. flags):gsub("%s+$", ""))
end

--- Where the cursor is.
---@return {x: integer, y: integer, visible: boolean} from 0, 0
function Pane:cursor()
  local text = self:tmux("display-message -p '#{cursor_x} #{cursor_y} #{cursor_flag}'")
  local x, y, flag = text:match("(%d+) (%d+) (%d+)")
  return { x = tonumber(x), y = tonumber(y), visible = flag == "1" }
end

--- Gives the terminal another size.
---@param width integer
---@param height integer
function Pane:resize(width, height)
  self:tmux(("resize-window -x %d -y %d"):format(width, height))
end

--- Turns the loop until the screen matches a pattern. Only outside tasks.
---@param pattern string a Lua pattern
---@param seconds? number at most; 10
---@return string|nil screen nil when it never did
---@return string screen as it was last
function Pane:wait_for(pattern, seconds)
  local screen
  local found = shell.turn(function()
    screen = self:capture()
    return screen:find(pattern)
  end, seconds or TIME_LIMIT)
  return found and screen or nil, screen
end

--- Turns the loop until the program has ended. Only outside tasks.
---@param seconds? number at most; 10
---@return integer|nil status as a shell tells it (128 + signal); nil when it still runs
function Pane:status(seconds)
  local status
  shell.turn(function()
    status = tonumber((shell.read_file(self.status_file)))
    return status
  end, seconds or TIME_LIMIT)
  return status
end

--- Ends the program and its terminal.
function Pane:kill()
  self:tmux("kill-server")
  os.remove(self.socket)
  os.remove(self.status_file)
  os.remove(self.script)
end

return M
