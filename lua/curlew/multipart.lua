--- The parts of a multipart form (RFC 7578), as a user gives them. Pure; libcurl makes the body.

local checks = require "curlew.checks"
local each = require("curlew.compat").each
local errors = require "curlew.error"
local text = require "curlew.text"

local M = {}

local PART_FIELDS = {
  file = checks.line,
  filename = checks.line,
  headers = function(name, value)
    local lines = {}
    for _, field in each(checks.headers(name, value)) do
      for _, item in ipairs(field.values or {}) do
        lines[#lines + 1] = field.name .. ": " .. item
      end
    end
    table.sort(lines)
    return lines
  end,
  name = checks.line,
  type = checks.line,
  value = function(name, value)
    if type(value) == "number" then
      return text.of_number(("option %q"):format(name), value)
    end
    return checks.of_type "string"(name, value)
  end,
}

local function check_part(what, given)
  errors.check_type(("option %q"):format(what), given, "table")
  local part = {}
  for field, item in each(given) do
    checks.check_known(field, PART_FIELDS, ("field of option %q"):format(what))
    part[field] = PART_FIELDS[field](what .. "." .. field, item)
  end
  if not part.name or (part.value == nil) == (part.file == nil) then
    errors.blame("option %q must have a name, and either a value or a file", what)
  end
  return part
end

-- The part of an entry `name = value`, or `name = { file = path, ... }`.
local function of_entry(name, value)
  local part = { name = name, value = value }
  if type(value) == "table" then
    part.value = nil
    for field, item in each(value) do
      part[field] = item
    end
  end
  return part
end

--- The option "multipart": a list of parts, `{ name =, value =, or file =, filename =, type =,
--- headers = }`, or a table of values, or of parts, by name.
function M.check(name, given)
  errors.check_type(("option %q"):format(name), given, "table")
  local parts, names = {}, {}
  for index, part in ipairs(given) do
    parts[index] = check_part(("%s[%d]"):format(name, index), part)
  end
  for key in each(given) do
    if type(key) == "string" then
      names[#names + 1] = key
    end
  end
  table.sort(names)
  for _, key in ipairs(names) do
    parts[#parts + 1] = check_part(("%s.%s"):format(name, key), of_entry(key, given[key]))
  end
  if #parts == 0 then
    errors.blame("option %q must have at least one part", name)
  end
  return parts
end

return M
