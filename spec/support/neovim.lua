--- Neovim as a child, with no settings but those that a spec gives.

local environment = require "support.environment"
local process = require "support.process"
local shell = require "support.shell"
local uv = require "curlew.uv"

local M = {}

-- Headless, print and messages both go to stderr; a spec wants to tell them apart. A file that
-- fails ends Neovim with status 1.
local PRELUDE = [[
function print(...)
  local words = {}
  for i = 1, select("#", ...) do
    words[i] = tostring((select(i, ...)))
  end
  io.stdout:write(table.concat(words, "\t"), "\n")
  io.stdout:flush()
end
local ok, err = xpcall(dofile, debug.traceback, arg_path)
if not ok then
  io.stderr:write(err, "\n")
  vim.cmd "cquit"
end
]]

-- Waits for the tasks, and for messages about those that have failed.
local EPILOGUE = [[
local roots = require("curlew.task").roots
if not vim.wait(20000, function() return next(roots) == nil end, 5) then
  io.stderr:write("tasks are left\n", require("curlew").tree())
end
require("curlew.unhandled").flush()
vim.wait(20)
]]

local function scratch()
  return shell.once("neovim", shell.scratch)
end

-- Neovim is a Lua 5.1: where the suite runs under another one, that one's modules are not for it.
local function modules()
  if _VERSION == "Lua 5.1" then
    return environment.modules()
  end
  local here = uv.cwd()
  return {
    LUA_PATH = ("%s/lua/?.lua;%s/lua/?/init.lua;%s"):format(here, here,
      os.getenv "LUA_PATH" or ";;"),
  }
end

--- The environment of a Neovim that finds curlew where we do, and keeps its files to itself.
---@return table<string, string|false>
function M.env()
  local env = modules()
  env.LD_PRELOAD = false
  for _, name in ipairs { "CONFIG", "DATA", "STATE", "CACHE", "RUNTIME" } do
    env["XDG_" .. name .. (name == "RUNTIME" and "_DIR" or "_HOME")] = scratch()
  end
  return env
end

local function write(text)
  local path = ("%s/%s.lua"):format(scratch(), tostring({}):match("%x+$"))
  shell.write_file(path, text)
  return path
end

--- A command that runs Lua in a headless Neovim, which leaves with :qa! right behind it.
---@param code string
---@return table command for `process.start`
function M.command(code)
  local prelude = PRELUDE:gsub("arg_path", function()
    return ("%q"):format(write(code))
  end)
  return {
    "nvim", "--clean", "--headless", "-n", "-c", "luafile " .. write(prelude), "-c", "qa!",
    env = M.env(),
  }
end

--- Runs Lua in a headless Neovim, and waits for the tasks that it leaves.
---@param code string
---@return table child as of `process.run`
function M.run(code)
  return process.run(M.command(code .. "\n" .. EPILOGUE))
end

--- A command for `process.tmux`: Neovim in a terminal, after some settings.
---@param settings string Lua
---@return table command
function M.in_terminal(settings)
  return { "nvim", "--clean", "-n", "-u", write(settings), env = M.env() }
end

return M
