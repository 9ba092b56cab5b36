--- The environment of the programs that specs run.

local uv = require "curlew.uv"

local M = {}

local function lowest_argument()
  local args, index = rawget(_G, "arg") or {}, 0
  while args[index - 1] do
    index = index - 1
  end
  return index < 0 and args[index] or nil
end

--- The Lua that runs this suite, by the name it was called with.
M.lua = lowest_argument() or uv.exepath()

local function absolute(path)
  local here = uv.cwd()
  path = (";" .. path):gsub(";%./", function()
    return ";" .. here .. "/"
  end)
  path = path:gsub(";([^/;][^;]*)", function(relative)
    return ";" .. here .. "/" .. relative
  end)
  return path:sub(2)
end

--- The child's environment: ours with `changes` ({NAME = value or false}) made. A child under our
--- own Lua finds the modules where we do.
---@param program string
---@param changes? table
---@return string[] list of NAME=value
function M.list(program, changes)
  local all = uv.os_environ()
  if program == M.lua then
    for name in pairs(all) do
      if name:find("^LUA_C?PATH_5_%d$") then
        all[name] = nil
      end
    end
    all.LUA_PATH, all.LUA_CPATH = absolute(package.path), absolute(package.cpath)
  end
  for name, value in pairs(changes or {}) do
    all[name] = value or nil
  end
  local list = {}
  for name, value in pairs(all) do
    list[#list + 1] = name .. "=" .. value
  end
  return list
end

return M
