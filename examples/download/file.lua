--- Folders, and files that are read whole.

local checksums = require "curlew.checksum"
local uv = require "curlew.uv"

local BLOCK = 65536 -- bytes read at a time

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

--- Whether a file has a sum.
---@param path string
---@param checksum string such as "sha256:HEX"
---@return boolean
function M.has_sum(path, checksum)
  local algorithm, wanted = checksum:lower():match("^(%w+):(%x+)$")
  local file, sums = io.open(path, "rb"), checksums.sums { algorithm }
  while file do
    local bytes = file:read(BLOCK)
    if not bytes then
      file:close()
      break
    end
    sums:update(bytes)
  end
  return file ~= nil and sums:finish()[algorithm] == wanted
end

return M
