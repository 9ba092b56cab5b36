--- What the programs' command lines have in common: argparse, with the exit statuses of the field.

local argparse = require "argparse"
local curlew = require "curlew"

local M = {
  FAILED = 1,
  WRONG_USE = 2,
  INTERRUPTED = 130, -- as shells have it: 128 and the number of SIGINT
}

--- Makes a parser that ends the program with status 2 when it is used wrongly.
---@param name string of the program
---@param description string
---@return table
function M.parser(name, description)
  local parser = argparse(name, description)
  function parser:error(message)
    io.stderr:write(("%s: %s\n%s\n"):format(name, message, self:get_usage()))
    os.exit(M.WRONG_USE, true)
  end
  return parser
end

local function number(text, low, what, is_whole)
  local value = tonumber(text)
  if value and value >= low and value < math.huge and (not is_whole or value % 1 == 0) then
    return value
  end
  return nil, ("'%s' is not %s"):format(text, what)
end

--- A converter for argparse: seconds, 0 or more.
function M.seconds(text)
  return number(text, 0, "a number of seconds")
end

--- A converter for argparse: seconds, more than 0.
function M.timeout(text)
  return number(text, 1e-9, "a number of seconds above 0")
end

--- A converter for argparse: a whole number, 1 or more.
function M.count(text)
  return number(text, 1, "a whole number of at least 1", true)
end

--- A converter for argparse: a whole number, 0 or more.
function M.whole(text)
  return number(text, 0, "a whole number of at least 0", true)
end

--- Writes a line about the program on standard error.
---@param name string of the program
---@param format string as in string.format
---@param ... any
function M.complain(name, format, ...)
  io.stderr:write(name, ": ", format:format(...), "\n")
end

--- Runs `main(...)` on the loop, and ends the program with the status that it returns, or 0. An
--- error is told in one line; so is Ctrl-C.
---@param name string of the program
---@param main fun(...): integer?
function M.run(name, main, ...)
  local ok, status = pcall(curlew.run, main, ...)
  if curlew.is_error(status, "cancelled") then
    M.complain(name, "interrupted")
    status = M.INTERRUPTED
  elseif not ok then
    M.complain(name, "%s", tostring(status):match("^[^\n]*"))
    status = M.FAILED
  end
  os.exit(status or 0, true)
end

local UNITS = { [""] = 1, k = 1e3, m = 1e6, g = 1e9, t = 1e12 }

--- A converter for argparse: bytes, more than 0, as "500", "2.5k" or "10M".
function M.size(text)
  local count, unit = text:match("^([%d.]+)([kKmMgGtT]?)[bB]?$")
  local bytes = tonumber(count or "")
  if bytes and bytes > 0 then
    return math.max(1, math.floor(bytes * UNITS[unit:lower()]))
  end
  return nil, ("'%s' is not a number of bytes, such as 500k or 10M"):format(text)
end

--- A converter for argparse: a header field, as a list of its name and its value.
function M.header(text)
  local name, value = text:match("^([^:%s]+):%s*(.-)%s*$")
  if name then
    return { name, value }
  end
  return nil, ("'%s' is not of the form 'Name: value'"):format(text)
end

return M
