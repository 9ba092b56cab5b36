--- The unfinished file of a download, NAME.part, and what is known of it, NAME.part.json. Whenever
--- the process is killed, either the record is that of the bytes in the part, or the part is empty:
--- a part is emptied, then recorded, then written.

local checksum = require "curlew.checksum"
local each = require("curlew.compat").each
local curl = require "curlew.curl"
local fs = require "curlew.fs"
local naming = require "curlew.naming"
local record = require "curlew.record"
local scope = require "curlew.scope"
local uv = require "curlew.uv"

local M = {}

local O = uv.constants
-- No link is followed, and no pipe waited for.
local SAFELY = curl.O_NOFOLLOW + O.O_NONBLOCK
local OPEN = SAFELY + O.O_RDWR + O.O_CREAT + O.O_APPEND
local READ = SAFELY + O.O_RDONLY
local CREATE = SAFELY + O.O_WRONLY + O.O_CREAT + O.O_EXCL

-- What a record may have: what stands for the URL, and the URL without its secrets, for people;
-- what tells this version of the file from others; its size, and the name that the server gives.
local FIELDS = {
  id = "string",
  url = "string",
  etag = "string",
  last_modified = "string",
  size = "number",
  name = "string",
}

local LONGEST_RECORD = 64 * 1024 -- bytes
local BLOCK = 256 * 1024 -- bytes read at once
local MOST_TRIES = 100

-- Where a file system has no links, or none that this process may make.
local NO_LINKS = { EPERM = true, ENOSYS = true, ENOTSUP = true, EOPNOTSUPP = true, EMLINK = true }

---@class curlew.Part
---@field path string of the part
---@field size number bytes in it
---@field known table? its record
local Part = { __name = "curlew.Part" }
Part.__index = Part

local function code_of(problem)
  return problem:match("^(%u+)") or ""
end

-- Opens and locks a part once. Without a file and a problem, another has moved it meanwhile.
local function try_open(path)
  local file, problem = fs.open(path, OPEN)
  if not file then
    return nil, code_of(problem) == "ELOOP" and path .. " is a symbolic link" or problem
  end
  local _, refusal = file:size()
  if refusal then
    return file, ("%s: %s"):format(path, refusal)
  end
  local locked, why = curl.lock(file.fd)
  if not locked then
    return file, why or "another download writes it", locked == false
  end
  local mine, here = file:stat(), fs.path("lstat", path)
  if not (mine and here and mine.ino == here.ino and mine.dev == here.dev) then
    return file, nil
  elseif mine.nlink > 1 then -- it is a finished file, too: leave that alone
    fs.path("unlink", path)
    return file, nil
  end
  return file, nil, nil, mine.size
end

local function is_record(fields)
  for name, value in each(fields) do
    if type(value) ~= FIELDS[name] or type(value) == "string" and value:find("%c") then
      return false
    end
  end
  return true
end

local function read_record(path)
  local file = fs.open(path, READ)
  local text = file and file:size() and file:read(LONGEST_RECORD)
  if file then
    file:close()
  end
  local fields = text and record.decode(text)
  return fields and is_record(fields) and fields or nil
end

local function open(path)
  for _ = 1, MOST_TRIES do
    local file, problem, is_taken, size = try_open(path .. naming.PART)
    if size then
      return setmetatable({
        file = file,
        base = path,
        path = path .. naming.PART,
        size = size,
        known = size > 0 and read_record(path .. naming.RECORD) or nil,
      }, Part)
    elseif file then
      file:close()
    end
    if problem then
      return nil, problem, is_taken
    end
  end
  return nil, "others keep moving " .. path .. naming.PART
end

--- Opens the part of a file, empty where there is none, and locks it until it is closed.
---@async
---@param path string of the finished file
---@return curlew.Part?
---@return string? problem
---@return boolean? is_taken whether another download has it
function M.open(path)
  return scope.shield(open, path)
end

--- What a record tells of a URL, but nothing that may be a secret in it.
---@param address string
---@return string? id that no other URL has; nil where none can be made
---@return string url without its query, for people
function M.identity(address)
  local plain = address:gsub("[?#].*$", "")
  address = address:gsub("#.*$", "")
  local sums = checksum.sums { "sha256" }
  sums:update(address)
  return sums:finish().sha256 or (plain == address and plain or nil), plain
end

--- Whether the bytes of the part are those of a URL.
---@param address string
---@return boolean
function Part:is_of(address)
  local id = self.known and self.known.id
  return id ~= nil and id == M.identity(address)
end

--- Whether the bytes of the part are those of another URL.
---@param address string
---@return boolean
function Part:is_of_other(address)
  local id = self.known and self.known.id
  return id ~= nil and id ~= M.identity(address)
end

--- The bytes of the part, in pieces: nil at the end. To be read before anything is written.
---@async
---@return string?
---@return string? problem
function Part:read()
  local bytes, problem = scope.shield(self.file.read, self.file, BLOCK)
  return bytes ~= "" and bytes or nil, problem
end

local function write_record(part, fields)
  local path = part.base .. naming.NEW
  fs.path("unlink", path)
  local file, problem = fs.open(path, CREATE)
  if not file then
    return nil, problem
  end
  local done
  done, problem = file:write(record.encode(fields))
  if done and part.is_synced then
    done, problem = file:sync()
  end
  file:close()
  if done then
    return fs.path("rename", path, part.base .. naming.RECORD)
  end
  fs.path("unlink", path)
  return nil, problem
end

local function begin(part, fields)
  local done, problem = part.file:truncate(0)
  if not done then
    return nil, problem
  end
  part.size, part.known = 0, nil
  done, problem = write_record(part, fields)
  part.known = done and fields or nil
  return done, problem
end

--- Empties the part, and records whose bytes it will have.
---@async
---@param fields table<string, string|number>
---@return boolean?
---@return string? problem
function Part:begin(fields)
  return scope.shield(begin, self, fields)
end

--- Adds bytes. Once it has begun, that cannot be cancelled: the lock would be free before it ended.
---@async
---@param bytes string
---@return boolean?
---@return string? problem
function Part:append(bytes)
  local done, problem = scope.shield(self.file.write, self.file, bytes)
  self.size = self.size + (done and #bytes or 0)
  return done, problem
end

-- Gives the part its name where no file has it yet: at once where links are known.
local function place_new(part, target)
  local done, problem = fs.path("link", part.path, target)
  if done then
    fs.path("unlink", part.base .. naming.RECORD)
    fs.path("unlink", part.path)
    return true
  elseif not NO_LINKS[code_of(problem)] then
    return nil, problem, code_of(problem) == "EEXIST"
  elseif fs.path("lstat", target) then
    return nil, "EEXIST: file already exists", true
  end
  fs.path("unlink", part.base .. naming.RECORD)
  return fs.path("rename", part.path, target)
end

local function place(part, target, overwrite)
  local done, problem, exists
  if part.is_synced then
    done, problem = part.file:sync()
    if not done then
      return nil, problem
    end
  end
  if overwrite then
    fs.path("unlink", part.base .. naming.RECORD) -- first: afterwards it may be another's
    done, problem = fs.path("rename", part.path, target)
  else
    done, problem, exists = place_new(part, target)
  end
  part.is_placed = done
  if done and part.is_synced then
    done, problem = fs.sync_folder(target:match("^(.*/)") or ".")
  end
  return done, problem, exists
end

--- Makes the part the finished file.
---@async
---@param target string
---@param overwrite boolean whether it takes the place of a file that is there
---@return boolean?
---@return string? problem
---@return boolean? exists whether a file that is there is the problem
function Part:place(target, overwrite)
  return scope.shield(place, self, target, overwrite)
end

local function close(part, is_dropped)
  if not part.is_placed and (is_dropped or part.size == 0) then
    fs.path("unlink", part.base .. naming.RECORD)
    fs.path("unlink", part.path)
  end
  part.file:close()
end

--- Closes the part, and lets others have it; an empty one is removed.
---@async
---@param is_dropped? boolean has it removed in any case
function Part:close(is_dropped)
  scope.shield(close, self, is_dropped)
end

return M
