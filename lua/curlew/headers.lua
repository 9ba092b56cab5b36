--- Header fields: an ordered multimap whose names know no case (RFC 9110 section 5).

local errors = require "curlew.error"
local text = require "curlew.text"

---@class curlew.Headers
--- `headers["content-type"]` gives the value of a field, repeated ones joined by ", " (RFC 9110
--- section 5.3); nil when there is none.
local Headers = { __name = "curlew.Headers" }

-- Where an object keeps its lists; a table as key cannot be the name of a field.
local FIELDS = {}

local methods = {}

--- All values of a field, in the order in which they came.
---@param name string
---@return string[]
function methods:all(name)
  errors.check_type("the name of a header", name, "string")
  local values = {}
  local wanted = name:lower()
  for _, field in ipairs(rawget(self, FIELDS)) do
    if field[1]:lower() == wanted then
      values[#values + 1] = field[2]
    end
  end
  return values
end

--- Iterates over names and values in the order in which they came:
--- `for name, value in headers:each()`.
function methods:each()
  local fields, index = rawget(self, FIELDS), 0
  return function()
    index = index + 1
    local field = fields[index]
    if field then
      return field[1], field[2]
    end
  end
end

function Headers.__index(headers, name)
  if methods[name] then
    return methods[name]
  elseif type(name) ~= "string" then
    return nil
  end
  local values = methods.all(headers, name)
  return values[1] and table.concat(values, ", ")
end

function Headers.__newindex()
  error("the headers of a response cannot be changed", 2)
end

function Headers.__pairs(headers)
  return methods.each(headers)
end

function Headers.__tostring(headers)
  local lines = {}
  for name, value in methods.each(headers) do
    lines[#lines + 1] = name .. ": " .. value
  end
  return table.concat(lines, "\n")
end

local M = {}

--- Splits a block of header lines as it came from the server; a status line is passed over.
---@param block string
---@return curlew.Headers
function M.parse(block)
  local fields = {}
  for line in block:gmatch("[^\n]+") do
    line = line:gsub("\r$", ""):gsub("\r", " ") -- a bare CR is a space: RFC 9112 section 2.2
    local name, value = line:match("^([^%s:]+)[ \t]*:(.*)$")
    if name then
      fields[#fields + 1] = { name, text.trim(value) }
    elseif line:find("^[ \t]") and fields[1] then -- folded: RFC 9112 section 5.2
      local last = fields[#fields]
      last[2] = text.trim(last[2] .. " " .. text.trim(line))
    end
  end
  return setmetatable({ [FIELDS] = fields }, Headers)
end

return M
