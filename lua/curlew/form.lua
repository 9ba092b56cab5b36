--- The application/x-www-form-urlencoded format of the WHATWG URL standard, section 5.

local each = require("curlew.compat").each
local errors = require "curlew.error"
local text = require "curlew.text"

local M = {}

local function encode_byte(byte)
  return ("%%%02X"):format(byte:byte())
end

local function encode(part)
  return (part:gsub("[^%w*%-._ ]", encode_byte):gsub(" ", "+"))
end

local function to_text(what, value)
  local kind = type(value)
  if kind == "string" or kind == "boolean" then
    return tostring(value)
  elseif kind == "number" then
    return text.of_number(what, value)
  end
  errors.blame("%s must be a string, number or boolean, or a list of these, got %s", what, kind)
end

local function each_of_list(what, fields, add)
  for key in each(fields) do
    if type(key) ~= "number" then
      errors.blame("%s must be a table by name, or a list of {name, value} pairs, not both", what)
    end
  end
  for _, pair in ipairs(fields) do
    if type(pair) ~= "table" or pair[1] == nil or pair[2] == nil then
      errors.blame("%s must be a list of {name, value} pairs, or a table by name", what)
    end
    add(to_text(what, pair[1]), pair[2])
  end
end

-- Calls `add(name, value)` for each pair: of a list of pairs in its order, of a table by name.
local function each_pair(what, fields, add)
  if fields[1] ~= nil then
    return each_of_list(what, fields, add)
  end
  local names = {}
  for name in each(fields) do
    if type(name) ~= "string" then
      errors.blame("%s must be a table by name, or a list of {name, value} pairs", what)
    end
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    add(name, fields[name])
  end
end

--- Encodes fields: `{ name = value }` (in the order of the names), or a list of `{ name, value }`.
--- A list as value repeats the name.
---@param what string names the argument in error messages
---@param fields table
---@return string
function M.encode(what, fields)
  errors.check_type(what, fields, "table")
  local parts = {}
  each_pair(what, fields, function(name, value)
    local values = type(value) == "table" and value or { value }
    for key in each(values) do
      if type(key) ~= "number" then
        errors.blame("%s: the values of %q must be a list, got a table with the key %q",
          what, name, tostring(key))
      end
    end
    for _, item in ipairs(values) do
      parts[#parts + 1] = encode(name) .. "=" .. encode(to_text(what, item))
    end
  end)
  return table.concat(parts, "&")
end

return M
