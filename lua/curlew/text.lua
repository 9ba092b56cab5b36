--- Small conversions of text that several modules need.

local errors = require "curlew.error"

local M = {}

local SPACE, TAB = 32, 9
local MOST_EXACT = 2 ^ 53 -- beyond it, a float is not every whole number

local function is_blank(byte)
  return byte == SPACE or byte == TAB
end

--- Without spaces and tabs at both ends. In linear time, which no pattern is for all that servers
--- may send.
---@param text string
---@return string
function M.trim(text)
  local first, last = 1, #text
  while is_blank(text:byte(last)) do
    last = last - 1
  end
  while first <= last and is_blank(text:byte(first)) do
    first = first + 1
  end
  return text:sub(first, last)
end

--- The same text for a number on every Lua: whole ones without a point. Raises, at the caller's
--- line, for NaN and infinities.
---@param what string names the number in the message
---@param number number
---@return string
function M.of_number(what, number)
  if number ~= number or number == math.huge or number == -math.huge then
    errors.blame("%s must be a finite number, got %s", what, tostring(number))
  elseif number % 1 == 0 and math.abs(number) <= MOST_EXACT then
    return ("%.0f"):format(number + 0) -- no "-0"
  end
  return tostring(number)
end

return M
