--- Files, through luv's worker threads, so that a slow disk holds up nobody. Every call that waits
--- says how: results, or nil and luv's text.

local callback = require "curlew.callback"
local compat = require "curlew.compat"
local errors = require "curlew.error"
local scope = require "curlew.scope"
local turn = require "curlew.turn"
local uv = require "curlew.uv"

local M = {}

local FOR_ALL = 438 -- 0666, for the process's umask to narrow

---@class curlew.File
---@field fd integer? nil once it is closed
---@field pending integer calls that luv has not ended
---@field left integer? the descriptor of a closed file, while there are such calls
local File = { __name = "curlew.File" }
File.__index = File

-- A file that has no descriptor yet. Made before it has one, so that none is lost when memory is
-- out: that of a file that is collected is closed.
local function new()
  local file = setmetatable({ fd = nil, pending = 0, left = nil, sentinel = nil }, File)
  file.sentinel = compat.finalizer(function()
    if file.fd then
      uv.fs_close(file.fd)
    end
  end)
  return file
end

-- Calls `start(fd, done)` and waits for it. A thread of luv's may go on with a call whose task was
-- cancelled: until then, the descriptor's number must not become that of another file.
local function call(file, start)
  return callback.call(function(done)
    local request, problem = start(file.fd, function(...)
      file.pending = file.pending - 1
      if file.left and file.pending == 0 then
        errors.insist(uv.fs_close, file.left)
        file.left = nil
      end
      done(...)
    end)
    file.pending = file.pending + (request and 1 or 0)
    return request, problem
  end)
end

--- Opens a file. The opening itself cannot be cancelled, so that no descriptor is lost.
---@async
---@param path string
---@param flags string|integer as of fopen: "r", "w", "a", "wx"; or a sum of `uv.constants`
---@return curlew.File?
---@return string? problem
function M.open(path, flags)
  local file = new()
  local fd, problem = scope.shield(callback.call, function(done)
    return uv.fs_open(path, flags, FOR_ALL, turn.entry(function(err, fd)
      file.fd = fd
      done(err, fd)
    end))
  end)
  return fd and file, problem
end

--- Opens a file to be written, and empties it. Waits only for what may take long, such as a pipe
--- that nobody reads.
---@async
---@param path string
---@return curlew.File?
---@return string? problem
function M.create(path)
  local there = uv.fs_stat(path)
  if there and there.type ~= "file" then
    return M.open(path, "w")
  end
  local file = new()
  local fd, problem = uv.fs_open(path, "w", FOR_ALL)
  file.fd = fd
  return fd and file, problem
end

--- A file of a descriptor that is somebody else's: `close` leaves it open.
---@param fd integer
---@return curlew.File
function M.of_descriptor(fd)
  return setmetatable({ fd = fd, pending = 0, is_lent = true }, File)
end

--- What luv tells of it: `type`, `size`, `ino`, `dev`, `nlink`, ...
---@async
---@return table?
---@return string? problem
function File:stat()
  return call(self, uv.fs_fstat)
end

--- Its size in bytes; nil and a text for a folder, a pipe or the like.
---@async
---@return integer?
---@return string? problem
function File:size()
  local stat, problem = self:stat()
  if not stat then
    return nil, problem
  elseif stat.type ~= "file" then
    return nil, ("it is no regular file but a %s"):format(stat.type)
  end
  return stat.size
end

--- The next bytes, "" at the end.
---@async
---@param most integer
---@return string?
---@return string? problem
function File:read(most)
  return call(self, function(fd, done)
    return uv.fs_read(fd, most, -1, done)
  end)
end

--- Writes all of `bytes` at the end of what was written before.
---@async
---@param bytes string
---@return true?
---@return string? problem
function File:write(bytes)
  local function start(fd, done)
    return uv.fs_write(fd, bytes, -1, done)
  end
  while bytes ~= "" do
    local written, problem = call(self, start)
    if not written then
      return nil, problem
    end
    bytes = written < #bytes and bytes:sub(written + 1) or ""
  end
  return true
end

--- Drops its bytes behind the first `size`.
---@async
---@param size integer
---@return boolean?
---@return string? problem
function File:truncate(size)
  return call(self, function(fd, done)
    return uv.fs_ftruncate(fd, size, done)
  end)
end

--- Waits until it is on the disk.
---@async
---@return boolean?
---@return string? problem
function File:sync()
  return call(self, uv.fs_fsync)
end

--- Closes the file, once the calls under way have ended; nothing happens when it is closed. Does
--- not wait.
---@return true?
---@return string? problem
function File:close()
  local fd, closed, problem = not self.is_lent and self.fd, true, nil
  if fd and self.pending > 0 then
    self.left = fd
  elseif fd then
    closed, problem = uv.fs_close(fd) -- first: it may raise
  end
  self.fd = nil
  return closed, problem
end

--- Calls a function of luv's for paths, such as `fs.path("rename", from, to)`.
---@async
---@param name string without "fs_"
---@param ... any
---@return any ... its results, or nil and luv's text
function M.path(name, ...)
  return callback.call(uv["fs_" .. name], ...)
end

--- Waits until the names in a folder are on the disk.
---@async
---@param path string
---@return boolean?
---@return string? problem
function M.sync_folder(path)
  local folder, problem = M.open(path, "r")
  if not folder then
    return nil, problem
  end
  local done
  done, problem = folder:sync()
  folder:close()
  return done, problem
end

return M
