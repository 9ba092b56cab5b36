--- Bodies that are sent piece by piece, when libcurl asks for more: what a function returns, what
--- an object's `read` returns, what is in a file.

local errors = require "curlew.error"
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
      return check_piece(fn())
    end,
  }
end

local function of_reader(object)
  return of_function(function()
    local piece = check_piece(object:read(PIECE))
    return piece ~= "" and piece or nil
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
  return {
    length = length,
    close = function()
      file:close()
    end,
    next = function()
      local piece, why = file:read(PIECE)
      if not piece then
        error(errors.new { kind = "io", message = ("cannot read %s: %s"):format(path, why) }, 0)
      end
      return piece ~= "" and piece or nil
    end,
  }
end

--- Opens a body, once for each time that it is sent; only that of a `path` can be sent again.
---@async
---@param source { fn: function?, reader: table?, path: string? }
---@return { length: integer?, next: (fun(): string?), close: fun() }? body `next` may wait
---@return string? problem
function M.open(source)
  if source.fn then
    return of_function(source.fn)
  elseif source.reader then
    return of_reader(source.reader)
  end
  return scope.shield(of_file, source.path) -- so that no descriptor is lost
end

return M
