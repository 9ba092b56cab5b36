--- Checks of option values. Pure. Each takes the option's name and its value, raises at the
--- caller's line when the value is wrong, and returns it, some in a simpler form.

local each = require("curlew.compat").each
local curl = require "curlew.curl"
local errors = require "curlew.error"
local nearest = require "curlew.nearest"
local text = require "curlew.text"

local M = {}

local blame = errors.blame

local LONGEST_NAME = 60 -- bytes of an unknown name that a message repeats

--- Raises at the caller's line when `name` is no key of `known`, and names the nearest one.
---@param name any
---@param known table<string, any>
---@param what string such as "option"
function M.check_known(name, known, what)
  if type(name) ~= "string" then
    blame("unknown %s %s: names are strings", what, tostring(name))
  elseif known[name] == nil then
    local near = nearest.find(name, known)
    local shown = #name > LONGEST_NAME and name:sub(1, LONGEST_NAME) .. "..." or name
    blame("unknown %s %q%s", what, shown, near and (": did you mean %q?"):format(near) or "")
  end
end

--- A check for a Lua type.
---@param expected string
function M.of_type(expected)
  return function(name, value)
    errors.check_type(("option %q"):format(name), value, expected)
    return value
  end
end

--- Seconds above 0; math.huge is no limit.
function M.seconds(name, value)
  if type(value) ~= "number" or not (value > 0) then -- luacheck: ignore 581 (NaN)
    blame("option %q must be a number of seconds above 0, got %s", name, tostring(value))
  end
  return value
end

--- A check for a whole number, or math.huge.
---@param low number the least that is allowed
---@param unit string for the message
function M.whole(low, unit)
  return function(name, value)
    if type(value) ~= "number" or value < low or (value % 1 ~= 0 and value ~= math.huge) then
      blame("option %q must be a whole number of %s, at least %d, got %s",
        name, unit, low, tostring(value))
    end
    return value
  end
end

--- A check for one of a few strings.
---@param ... string
function M.one_of(...)
  local allowed, listed = {}, {}
  for i, value in ipairs { ... } do
    allowed[value], listed[i] = true, ("%q"):format(value)
  end
  return function(name, value)
    if not allowed[value] then
      blame("option %q must be one of %s, got %s",
        name, table.concat(listed, ", "), tostring(value))
    end
    return value
  end
end

--- A string that goes into a request line or a header field, which it must not end.
function M.line(name, value)
  if type(value) ~= "string" or value:find("[%z\r\n]") then
    blame("option %q must be a string without CR, LF and NUL", name)
  end
  return value
end

--- The URL of a proxy, or false.
function M.proxy(name, value)
  if value ~= false then
    M.line(name, value)
  end
  return value
end

--- What can be called.
function M.callable(name, value)
  errors.check_callable(("option %q"):format(name), value)
  return value
end

--- A body: a string, a function that returns it piece by piece, or an object with `read`.
function M.body(name, value)
  local kind = type(value)
  local reads = (kind == "table" or kind == "userdata") and value.read ~= nil
  if kind ~= "string" and kind ~= "function" and not reads then
    blame("option %q must be a string, a function or an object with read, got %s", name, kind)
  end
  return value
end

--- Whether there is a cookie jar, or the path of its file.
function M.cookies(name, value)
  if type(value) ~= "boolean" then
    return M.line(name, value) == "-" and "./-" or value -- libcurl would read standard input
  end
  return value
end

--- Where a body goes: the path of a file, a descriptor or a function.
function M.sink(name, value)
  local kind = type(value)
  if kind == "string" then
    return M.line(name, value)
  elseif kind ~= "function" and not (kind == "number" and value >= 0 and value % 1 == 0) then
    blame("option %q must be a path, a file descriptor or a function, got %s", name, kind)
  end
  return value
end

-- RFC 9110 section 5.6.2.
local TOKEN = "^[%w!#$%%&'*+%-.^_`|~]+$"

--- A method of HTTP: a token.
function M.method(name, value)
  if type(value) ~= "string" or not value:find(TOKEN) then
    blame("option %q must be a token such as \"GET\", got %s", name, tostring(value))
  end
  return value
end

local function header_value(name, value)
  if type(value) == "number" then
    return text.of_number(("header %q"):format(name), value)
  elseif type(value) ~= "string" then
    blame("header %q must be a string, a list of strings or false, got %s", name, type(value))
  elseif value:find("[%z\r\n]") then
    blame("header %q must not contain CR, LF or NUL", name)
  end
  return text.trim(value)
end

local function header_values(name, given)
  if given == false then
    return false
  elseif type(given) ~= "table" then
    return { header_value(name, given) }
  end
  local values = {}
  for index, item in each(given) do
    if type(index) ~= "number" then
      blame("header %q must be a list of strings, got a table with the key %q",
        name, tostring(index))
    end
    values[index] = header_value(name, item)
  end
  return values
end

--- Checks a table of header fields: `{ name = value, or a list of values, or false }`.
---@return table<string, table> fields `{ name =, values = list, or false }` by lower-case name
function M.headers(option, value)
  errors.check_type(("option %q"):format(option), value, "table")
  local fields = {}
  for name, given in each(value) do
    if type(name) ~= "string" or not name:find(TOKEN) then
      blame("%q is not the name of a header", tostring(name))
    end
    local key = name:lower()
    if fields[key] then
      blame("header %q is given twice, once as %q", name, fields[key].name)
    end
    fields[key] = { name = name, values = header_values(name, given) }
  end
  return fields
end

local TIMEOUT_PARTS = { total = M.seconds, connect = M.seconds, idle = M.seconds }

--- Seconds in total, or `{ total =, connect =, idle = }`. Returns the latter.
function M.timeout(name, value)
  if type(value) == "number" then
    return { total = M.seconds(name, value) }
  end
  if type(value) ~= "table" then
    blame("option %q must be a number of seconds, or a table of total, connect and idle, got %s",
      name, type(value))
  end
  for part, limit in each(value) do
    M.check_known(part, TIMEOUT_PARTS, ("part of option %q"):format(name))
    TIMEOUT_PARTS[part](name .. "." .. part, limit)
  end
  return value
end

local AUTH_PARTS = {
  bearer = M.line,
  password = M.line,
  type = M.one_of("basic", "digest", "any"),
  user = M.line,
}

--- `{ user =, password =, type = }`, `{ bearer = }`, or "netrc".
function M.auth(name, value)
  if value == "netrc" then
    return value
  end
  errors.check_type(("option %q"):format(name), value, "table")
  for part, given in each(value) do
    M.check_known(part, AUTH_PARTS, ("part of option %q"):format(name))
    AUTH_PARTS[part](name .. "." .. part, given)
  end
  if (value.bearer == nil) == (value.user == nil) then
    blame("option %q must have either user and password, or bearer", name)
  end
  return value
end

--- Whether certificates are verified, or the file of those to trust.
function M.verify(name, value)
  if type(value) == "string" then
    M.line(name, value)
  elseif type(value) ~= "boolean" then
    blame("option %q must be true, false or the path of a CA file, got %s", name, type(value))
  end
  return value
end

--- A list of strings that are one line each.
function M.list_of_lines(name, value)
  errors.check_type(("option %q"):format(name), value, "table")
  for index, item in each(value) do
    if type(index) ~= "number" then
      blame("option %q must be a list of strings, got a table with the key %q",
        name, tostring(index))
    end
    M.line(("%s[%s]"):format(name, index), item)
  end
  return value
end

-- What the values of libcurl's options may be, by the type that libcurl gives.
local CURL_TYPES = {
  number = function(name, value)
    if type(value) ~= "boolean" and (type(value) ~= "number" or value % 1 ~= 0) then
      blame("option %q must be a whole number or a boolean, got %s", name, tostring(value))
    end
  end,
  string = function(name, value)
    if value ~= false then
      M.line(name, value)
    end
  end,
  list = M.list_of_lines,
  blob = M.of_type "string",
}

--- `{ CURLOPT_NAME = value }`. Returns it without the prefixes.
function M.escape_hatch(name, value)
  errors.check_type(("option %q"):format(name), value, "table")
  local options = {}
  for key, given in each(value) do
    local bare = type(key) == "string" and key:gsub("^CURLOPT_", "")
    local kind = bare and curl.option_type(bare)
    if not kind or kind == "pointer" then
      blame("option %q: libcurl has no option %s that a value can be given to", name, tostring(key))
    end
    CURL_TYPES[kind](("curl.%s"):format(key), given)
    options[bare] = given
  end
  return options
end

return M
