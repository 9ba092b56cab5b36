--- The one error class of curlew, and the way to blame a caller.

local each = require("curlew.compat").each

---@class curlew.Error
---@field kind string what went wrong, one word: "timeout", "connect", "cancelled", ...
---@field message string one sentence, without secrets
---@field method? string of the request
---@field url? string of the request, without user, password and fragment
---@field phase? string where it stood: "queue", "resolve", "connect", "tls", "send", "wait", "body"
---@field code? string libcurl's symbolic name, such as "CURLE_COULDNT_CONNECT"
---@field retryable? boolean whether the same request may well succeed later
---@field attempts? integer how often it was tried
---@field response? curlew.Response for kind "status"
---@field cause? any the error that led to this one
---@field reason? any for kind "cancelled": what `cancel` was given
local Error = { __name = "curlew.Error" }
Error.__index = Error

function Error.__tostring(err)
  local text = ("%s: %s"):format(tostring(err.kind), tostring(err.message))
  if err.url then
    text = ("%s (%s %s)"):format(text, err.method or "GET", err.url)
  end
  return text
end

local M = { Error = Error }

local MOST_TRIES = 100 -- while memory is out

--- What Lua raises when an allocation fails: always this very string.
M.OUT_OF_MEMORY = "not enough memory"

--- Makes an error object of the given fields. Does not raise it.
---@param fields table see the fields of the class
---@return curlew.Error
function M.new(fields)
  return setmetatable(fields, Error)
end

--- Tells whether `value` is an error object, of one kind when `kind` is given.
---@param value any
---@param kind? string
---@return boolean
function M.is(value, kind)
  return getmetatable(value) == Error and (kind == nil or value.kind == kind)
end

--- The error itself, or for nil, which says nothing, a text.
---@param err any
---@return any
function M.or_described(err)
  if err == nil then
    return "an error was raised with the value nil"
  end
  return err
end

--- From what a protected call has returned to what the call itself would have done: returns its
--- results, or raises its error unchanged.
---@param ok boolean
---@param ... any
---@return any ...
function M.unwrap(ok, ...)
  if not ok then
    error((...), 0)
  end
  return ...
end

--- A protected call of `fn(...)`, again and again while memory is out: for what has to be done,
--- takes little memory, and does not mind to be done twice.
---@param fn function
---@param ... any
---@return boolean ok
---@return any err
function M.insist(fn, ...)
  local ok, err = pcall(fn, ...)
  for _ = 1, MOST_TRIES do
    if ok or err ~= M.OUT_OF_MEMORY then
      break
    end
    ok, err = pcall(fn, ...)
  end
  return ok, err
end

--- What `tostring` says, even for an error whose `__tostring` fails.
---@param value any
---@return string
function M.describe(value)
  local ok, text = pcall(tostring, value)
  if ok and type(text) == "string" then
    return text
  end
  return ("(error object is a %s whose __tostring failed)"):format(type(value))
end

-- "@/usr/share/lua/5.4/curlew/": every file of curlew starts with this.
local own_folder = debug.getinfo(1, "S").source:match("^(.*[/\\])") or "@"

--- Tells whether a frame, as of `debug.getinfo(..., "S")`, belongs to curlew or to C.
---@param frame table
---@return boolean
function M.is_internal(frame)
  return frame.what == "C" or frame.what == "tail" or frame.source:sub(1, #own_folder) == own_folder
end

--- Set by the kernel: the stacks around the running one, `{ co =, outer = }`. Lua 5.1 needs several
--- for a task.
function M.stacks_around() end

-- The first frame of the user's in a coroutine, or in the running one when it is nil.
local function first_place(co)
  for level = 0, math.huge do
    local frame
    if co then
      frame = debug.getinfo(co, level, "Sl")
    else
      frame = debug.getinfo(level, "Sl")
    end
    if not frame then
      return nil
    elseif frame.currentline > 0 and not M.is_internal(frame) then
      return ("%s:%d"):format(frame.short_src, frame.currentline)
    end
  end
end

--- The first frame of the user's in a stack and in those around it, as "file:line".
---@param stack? { co: thread, outer: table? }
---@return string?
function M.place_in(stack)
  local place
  while stack and not place do
    place, stack = first_place(stack.co), stack.outer
  end
  return place
end

--- The line of the user's that has called, as "file:line"; "?" when there is none.
---@return string
function M.caller()
  return first_place(nil) or M.place_in(M.stacks_around()) or "?"
end

--- Raises a programmer's mistake, with the position of the first frame outside curlew in front.
---@param format string as in string.format
---@param ... any
function M.blame(format, ...)
  local message, place = format:format(...), M.caller()
  error(place == "?" and message or place .. ": " .. message, 0)
end

local function kind_of(value)
  return value == nil and "nothing" or type(value)
end

--- Raises, at the caller's line, unless `value` is of the Lua type `expected`.
---@param what string names the argument in the message
---@param value any
---@param expected string
function M.check_type(what, value, expected)
  if type(value) ~= expected then
    M.blame("%s must be a %s, got %s", what, expected, kind_of(value))
  end
end

--- Raises, at the caller's line, unless `options` is nil or a table of known names with values of
--- the given types.
---@param options? table
---@param types table<string, string> by name
---@return table options empty for nil
function M.check_options(options, types)
  if options == nil then
    return {}
  end
  M.check_type("the options", options, "table")
  for name, value in each(options) do
    if not types[name] then
      M.blame("unknown option %q", tostring(name))
    end
    M.check_type(("option %q"):format(name), value, types[name])
  end
  return options
end

--- Raises, at the caller's line, unless `value` is callable.
---@param what string
---@param value any
function M.check_callable(what, value)
  local meta = getmetatable(value)
  if type(value) ~= "function" and not (type(meta) == "table" and meta.__call) then
    M.blame("%s must be a function, got %s", what, kind_of(value))
  end
end

--- Raises, at the caller's line, unless `value` is a number that is not NaN.
---@param what string
---@param value any
function M.check_seconds(what, value)
  if type(value) ~= "number" then
    M.blame("%s must be a number of seconds, got %s", what, kind_of(value))
  elseif value ~= value then
    M.blame("%s must be a number of seconds, got NaN", what)
  end
end

return M
