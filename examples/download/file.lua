--- A file appears under its name only when it is whole.

local uv = require "curlew.uv"

local M = {}

--- Makes a folder, and those that it stands in, where there is none.
---@param path string
---@return true?
---@return string? problem
function M.make_folder(path)
  if uv.fs_stat(path) then
    return true
  end
  local parent = path:match("^(.*[^/])/+[^/]+/*$")
  if parent then
    local ok, problem = M.make_folder(parent)
    if not ok then
      return nil, problem
    end
  end
  local ok, problem = uv.fs_mkdir(path, 493) -- rwxr-xr-x
  return ok and true, problem
end

--- The bytes of a file.
---@param path string
---@return string?
---@return string? problem
function M.read(path)
  local file, problem = io.open(path, "rb")
  if not file then
    return nil, problem
  end
  local bytes
  bytes, problem = file:read("*a")
  file:close()
  return bytes, problem
end

--- Writes a file beside its place, and then puts it there.
---@param path string
---@param bytes string
---@return true?
---@return string? problem
function M.write(path, bytes)
  local part = path .. ".part"
  local file, problem = io.open(part, "wb")
  if not file then
    return nil, problem
  end
  local ok
  ok, problem = file:write(bytes)
  if ok then
    ok, problem = file:close()
  else
    file:close()
  end
  if ok then
    ok, problem = os.rename(part, path)
  end
  if not ok then
    os.remove(part)
    return nil, problem
  end
  return true
end

return M
