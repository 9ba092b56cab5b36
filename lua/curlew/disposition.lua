--- The field Content-Disposition: which name a server gives a file (RFC 6266). What is broken is
--- read as browsers do. Pure.

local text = require "curlew.text"
local unicode = require "curlew.unicode"

local M = {}

--- Decodes "%20" and the like; what is none stays.
---@param bytes string
---@return string
function M.percent(bytes)
  return (bytes:gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

-- Whether bytes are UTF-8.
local function is_utf8(bytes)
  local position = 1
  while position <= #bytes do
    local code, length = unicode.decode(bytes, position)
    if not code then
      return false
    end
    position = position + length
  end
  return true
end

local function from_latin1(bytes)
  return (bytes:gsub("[\128-\255]", function(char)
    local code = char:byte()
    return string.char(code < 192 and 194 or 195, code < 192 and code or code - 64)
  end))
end

local CHARSETS = {
  ["iso-8859-1"] = from_latin1,
  ["utf-8"] = function(bytes)
    return is_utf8(bytes) and bytes or nil
  end,
}

-- RFC 8187: charset'language'value.
local function extended(value)
  local charset, encoded = value:match("^([^']*)'[^']*'(.*)$")
  local convert = charset and CHARSETS[charset:lower()]
  return convert and convert(M.percent(encoded))
end

-- A quoted string that starts at a byte, and where it ends. One without its end is taken as it is.
local function quoted(field, position)
  local pieces = {}
  while true do
    local plain = field:match('^[^"\\]*', position) or ""
    pieces[#pieces + 1] = plain
    position = position + #plain
    if field:sub(position, position) ~= "\\" then
      return table.concat(pieces), position + 1
    end
    pieces[#pieces + 1] = field:sub(position + 1, position + 1)
    position = position + 2
  end
end

-- The parameters of a field, the first of each name.
local function parameters(field)
  local found, position = {}, 1
  while position <= #field do
    position = field:match("^[;%s]*()", position)
    local name, start = field:match("^([^;=%s]*)%s*=%s*()", position)
    local value
    if not name then -- the type, or what is no parameter
      position = field:find(";", position, true) or #field
      position = position + 1
    elseif field:sub(start, start) == '"' then
      value, position = quoted(field, start + 1)
      position = (field:find(";", position, true) or #field) + 1
    else
      value = text.trim(field:match("^[^;]*", start))
      position = start + #field:match("^[^;]*", start) + 1
    end
    if name and found[name:lower()] == nil then
      found[name:lower()] = value
    end
  end
  return found
end

--- The name that a Content-Disposition field gives (RFC 6266), as the server says it: not safe.
---@param field string
---@return string? name nil when it gives none
function M.name(field)
  local found = parameters(field)
  local name = found["filename*"] and extended(found["filename*"])
  if not name and found.filename then
    name = is_utf8(found.filename) and found.filename or from_latin1(found.filename)
  end
  return name ~= "" and name or nil
end

return M
