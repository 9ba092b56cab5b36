--- A flat table of strings and whole numbers as JSON, one field a line. Needs no codec: what was
--- written must be read again whatever is installed then. Pure.

local each = require("curlew.compat").each

local M = {}

local function escape(text)
  return (text:gsub('[%c"\\]', function(char)
    return ("\\u%04x"):format(char:byte())
  end))
end

local function unescape(text)
  return (text:gsub("\\u00(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

--- The text of a record.
---@param fields table<string, string|number>
---@return string
function M.encode(fields)
  local lines = {}
  for name, value in each(fields) do
    local text = type(value) == "number" and ("%.0f"):format(value) or '"' .. escape(value) .. '"'
    lines[#lines + 1] = ('  "%s": %s'):format(name, text)
  end
  table.sort(lines)
  return "{\n" .. table.concat(lines, ",\n") .. "\n}\n"
end

--- The fields of a record.
---@param text string
---@return table<string, string|number>? fields nil for a text that `encode` has not written
function M.decode(text)
  local body = text:match("^{\n(.*\n)}\n$")
  if not body then
    return nil
  end
  local fields = {}
  for line in body:gmatch("([^\n]*)\n") do
    local name, value = line:match('^  "([%w_]+)": (.-),?$')
    local quoted = value and value:match('^"([^"]*)"$')
    local number = value and value:match("^%d+$")
    if not quoted and not number then
      return nil
    end
    fields[name] = quoted and unescape(quoted) or tonumber(number)
  end
  return fields
end

return M
