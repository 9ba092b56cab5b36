--- Small programs that a spec writes, and runs in a terminal.

local environment = require "support.environment"
local process = require "support.process"
local shell = require "support.shell"

local M = {}

--- Makes `script(body)`, which writes a program and returns its path, and `command(body, options)`,
--- which makes a command of it for `process.tmux` and `process.run`.
---@param head string begins every program
---@return fun(body: string): string script
---@return fun(body: string, options?: { term?: string, no_colour?: string, width?: integer,
--- height?: integer }): table command
function M.beginning_with(head)
  local folder, count = shell.scratch(), 0
  local function script(body)
    count = count + 1
    local path = ("%s/%d.lua"):format(folder, count)
    shell.write_file(path, head .. body)
    return path
  end
  local function command(body, options)
    options = options or {}
    local env = environment.modules()
    env.NO_COLOR = options.no_colour or false
    return {
      "env", "TERM=" .. (options.term or "screen"), process.lua, script(body),
      width = options.width, height = options.height, env = env,
    }
  end
  return script, command
end

return M
