--- Bodies that are sent piece by piece, when libcurl asks for more: what a function returns, what
--- an object's `read` returns, what is in a file.

local errors = require "curlew.error"
local failure = require "curlew.failure"
local fs = require "curlew.fs"
local scope = require "curlew.scope"

local M = {}

local PIECE = 64 * 1024 -- bytes read at a time

local function nothing() end

local function check_piece(piece)
  if piece ~= nil and type(piece) ~= "string" then
    error(errors.new {
      kind = "upload",
      message = ("the body must come in strings, got a %s"):format(type(piece)),
    }, 0)
  end
  return piece
end

local function of_function(fn)
  return {
    close = nothing,
    next = function()
      local piece, problem = fn()
      return check_piece(piece), problem
    end,
  }
end

local function of_reader(object)
  return of_function(function()
    local piece, problem = object:read(PIECE)
    if piece == "" then
      return nil
    end
    return piece, problem
  end)
end

local function of_file(path)
  local file, problem = fs.open(path, "r")
  if not file then
    return nil, problem
  end
  local length
  length, problem = file:size()
  if not length then
    file:close()
    return nil, problem
  end
  local left = length
  return {
    length = length,
    close = function()
      file:close()
    end,
    next = function()
      local piece, why = file:read(left <= PIECE and left + 1 or PIECE)
      if not piece then
        return nil, ("%s: %s"):format(path, why)
      elseif #piece > left or piece == "" and left > 0 then -- its length is on its way already
        return nil, ("%s %s while it was sent"):format(path, piece == "" and "shrank" or "grew")
      end
      left = left - #piece
      return piece ~= "" and piece or nil
    end,
  }
end

local function unreadable(wanted, path, problem)
  return failure.of(wanted, "io", "cannot send %s: %s", path, problem)
end

-- Looks for the files among the parts of a form, which libcurl will read; returns the error of the
-- first that cannot be sent.
local function find_unreadable(wanted)
  for _, part in ipairs(wanted.body) do
    if part.file then
      local file, problem = scope.shield(of_file, part.file)
      if not file then
        return unreadable(wanted, part.file, problem)
      end
      file.close()
    end
  end
end

--- Opens the body of a request that is sent piece by piece, once for each time that it is sent;
--- only that of a `path` can be sent again. Of a form, libcurl opens the files.
---@async
---@param wanted table a request of `curlew.request`, with a `source` or a form for its body
---@return { length: integer?, next: (fun(): string?, any), close: fun() }? body `next` may wait;
--- it returns nil at the end, or nil and what is wrong
---@return curlew.Error? err of kind "io", of a file that cannot be sent
function M.open(wanted)
  local source = wanted.source
  if not source then
    return nil, find_unreadable(wanted)
  elseif source.fn then
    return of_function(source.fn)
  elseif source.reader then
    return of_reader(source.reader)
  end
  local body, problem = scope.shield(of_file, source.path) -- so that no descriptor is lost
  return body, not body and unreadable(wanted, source.path, problem) or nil
end

return M
