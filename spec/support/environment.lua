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

--- Changes to an environment with which a Lua finds the modules where we do, as for `M.list`.
---@return table<string, string|false>
function M.modules()
  local changes = { LUA_PATH = absolute(package.path), LUA_CPATH = absolute(package.cpath) }
  for _, version in ipairs { "5_2", "5_3", "5_4" } do
    changes["LUA_PATH_" .. version], changes["LUA_CPATH_" .. version] = false, false
  end
  return changes
end

local function change(all, changes)
  for name, value in pairs(changes) do
    all[name] = value or nil
  end
end

--- The child's environment: ours with `changes` ({NAME = value or false}) made. A child under our
--- own Lua finds the modules where we do.
---@param program string
---@param changes? table
---@return string[] list of NAME=value
function M.list(program, changes)
  local all = uv.os_environ()
  if program == M.lua then
    change(all, M.modules())
  end
  change(all, changes or {})
  local list = {}
  for name, value in pairs(all) do
    list[#list + 1] = name .. "=" .. value
  end
  return list
end

return M
