--- Programs run as children through luv, with their real exit status under every Lua.

local environment = require "support.environment"
local shell = require "support.shell"
local uv = require "curlew.uv"

local TIME_LIMIT = 30
-- How long a pipe may stay open after the program has ended, held by a child it left behind.
local PIPE_LIMIT = 1
local SIGKILL = 9

local Child = { __name = "support.Child" }
Child.__index = Child

local M = {}

--- The Lua that runs this suite.
M.lua = environment.lua

local function collect(child, pipe, name)
  pipe:read_start(function(_, bytes)
    if bytes then
      child[name] = child[name] .. bytes
    else
      pipe:close()
      child.open_pipes = child.open_pipes - 1
    end
  end)
end

local function close(handle)
  if not handle:is_closing() then
    handle:close()
  end
end

local function launch(child, command, pipes)
  local args = {}
  for i = 2, #command do
    args[i - 1] = tostring(command[i])
  end
  local handle, pid = uv.spawn(command[1], {
    args = args,
    stdio = { pipes.stdin, pipes.stdout, pipes.stderr },
    cwd = command.cwd,
    env = environment.list(command[1], command.env),
    detached = true,
  }, function(status, signal)
    child.status, child.signal = status, signal
    child.seconds = uv.hrtime() / 1e9 - child.started
    close(child.handle)
  end)
  if not handle then
    for _, pipe in pairs(pipes) do
      pipe:close()
    end
    shell.settle()
    error(("cannot run %s: %s"):format(command[1], pid), 3)
  end
  child.handle, child.pid = handle, pid
end

--- Starts a program. It runs in a session of its own; the loop must turn for it to be read and
--- ended.
---
--- Fields of the child: `pid`, `stdout` and `stderr` (what came so far), `status` (nil until it has
--- ended), `signal` (what ended it, or 0), `seconds` (how long it ran), `timed_out`.
---@param command table program and arguments; `cwd`; `env` ({NAME = value or false}); `stdin` (a
--- string, or true to leave it open for `child:write`); `timeout` (seconds that `wait` grants; 30)
---@return table child
function M.start(command)
  local pipes = {
    stdin = command.stdin and uv.new_pipe(false) or nil,
    stdout = uv.new_pipe(false),
    stderr = uv.new_pipe(false),
  }
  local child = setmetatable({
    command = command,
    stdin = pipes.stdin,
    stdout = "",
    stderr = "",
    pipes = pipes,
    open_pipes = 2,
    started = uv.hrtime() / 1e9,
  }, Child)
  launch(child, command, pipes)
  collect(child, pipes.stdout, "stdout")
  collect(child, pipes.stderr, "stderr")
  if type(command.stdin) == "string" then
    child:write(command.stdin)
    child:close_stdin()
  end
  return child
end

--- Writes to the child's standard input, which `stdin = true` left open.
---@param text string
function Child:write(text)
  self.stdin:write(text)
end

--- Ends the child's standard input, after what was written.
function Child:close_stdin()
  local stdin = self.stdin
  if stdin and not stdin:is_closing() and not self.stdin_ended then
    self.stdin_ended = true
    stdin:shutdown(function()
      close(stdin)
    end)
  end
end

--- Sends a signal to the program, or to all of its session.
---@param signal? string|integer "sigterm"
---@param all? boolean
function Child:kill(signal, all)
  if self.status == nil then
    uv.kill(all and -self.pid or self.pid, signal or "sigterm")
  end
end

--- Turns the loop until the child has ended, or kills it and all it started when its time is over.
---@param seconds? number its `timeout`
---@return table self
function Child:wait(seconds)
  local limit = seconds or self.command.timeout or TIME_LIMIT
  local function ended()
    return self.status ~= nil
  end
  if not shell.turn(ended, limit) then
    self.timed_out = true
    self:kill(SIGKILL, true)
    shell.turn(ended, TIME_LIMIT)
  end
  shell.turn(function()
    return self.open_pipes == 0
  end, PIPE_LIMIT)
  for _, pipe in pairs(self.pipes) do
    close(pipe)
  end
  shell.settle()
  return self
end

--- Runs a program to its end; what an example spec needs.
---
---     local result = process.run { process.lua, "examples/spinner.lua", "--seconds", "0.1" }
---     assert.equal(0, result.status)
---@param command table as for `start`
---@return table child with `status signal stdout stderr seconds timed_out`
function M.run(command)
  return M.start(command):wait()
end

--- How many descriptors this process has open.
---@return integer
function M.descriptors()
  local listing = assert(uv.fs_scandir("/proc/self/fd"))
  local count = 0
  while uv.fs_scandir_next(listing) do
    count = count + 1
  end
  -- Reading the directory took one.
  return count - 1
end

--- Resident memory of this process, in bytes.
---@return number
function M.memory()
  return uv.resident_set_memory()
end

--- A program in a terminal: see `support.tmux`.
M.tmux = require("support.tmux").start

return M
