--- Text as a terminal shows it: how wide it is, cut to a width, and made safe to show. Pure.

local errors = require "curlew.error"
local unicode = require "curlew.unicode"

local M = {}

local ELLIPSIS = "\226\128\166" -- U+2026, one column

-- First and last code points of what must not be shown as it is: controls, marks that reorder the
-- text around them, other ends of a line, and tags that are seen by nobody.
local UNSAFE = {
  0x00, 0x1F, 0x7F, 0x9F, 0x61C, 0x61C, 0x200E, 0x200F, 0x2028, 0x202E, 0x2066, 0x206F,
  0xFFF9, 0xFFFB, 0xE0000, 0xE007F,
}

local function is_unsafe(code)
  return unicode.is_within(UNSAFE, code)
end

-- Where a character ends and how wide it is; an invalid byte, shown as a replacement, is one wide.
local function measure(text, index)
  local code, length = unicode.decode(text, index)
  return index + length - 1, code and unicode.width(code) or 1
end

-- The longest beginning that is at most `most` columns wide, up to the byte where it ends.
local function beginning(text, most)
  local last, used = 0, 0
  while last < #text do
    local stop, columns = measure(text, last + 1)
    if used + columns > most then
      break
    end
    last, used = stop, used + columns
  end
  return last
end

-- The longest end that is at most `most` columns wide, of a text of `all` columns; it begins with
-- no mark that belongs to a character before it.
local function ending(text, all, most)
  local index, left = 1, all
  while index <= #text do
    local stop, columns = measure(text, index)
    if left <= most and (columns > 0 or left == all) then
      break
    end
    index, left = stop + 1, left - columns
  end
  return index
end

--- Columns that a text takes in a terminal: wide characters two, combining ones and controls none.
---@param text string UTF-8; an invalid byte counts as one column
---@return integer
function M.of(text)
  errors.check_type("the text", text, "string")
  if not text:find("[^ -~]") then
    return #text
  end
  local index, columns = 1, 0
  while index <= #text do
    local stop, more = measure(text, index)
    index, columns = stop + 1, columns + more
  end
  return columns
end

--- Shortens a text to a width, with an ellipsis where something was cut out. No character is split.
---@param text string UTF-8
---@param width integer columns; 0 or less leaves nothing
---@param where? "end"|"middle" where it is cut; "end"
---@return string
function M.fit(text, width, where)
  local all = M.of(text)
  errors.check_type("the width", width, "number")
  if all <= width then
    return text
  elseif width < 1 then
    return ""
  end
  local room = width - 1
  if where ~= "middle" then
    return text:sub(1, beginning(text, room)) .. ELLIPSIS
  end
  local behind = (room - room % 2) / 2
  return text:sub(1, beginning(text, room - behind)) .. ELLIPSIS
    .. text:sub(ending(text, all, behind))
end

--- A text with spaces after it, as wide as asked for; one that is wider is left as it is.
---@param text string
---@param width integer columns
---@return string
function M.pad(text, width)
  return text .. (" "):rep(width - M.of(text))
end

--- Makes text from strangers safe to show. Controls, marks that turn the direction of text, line
--- separators and invalid UTF-8 become visible: "\x1b", "\u{202e}". All else stays as it is.
---@param text string
---@return string
function M.escape(text)
  errors.check_type("the text", text, "string")
  if not text:find("[^ -~]") then
    return text
  end
  local parts, index = {}, 1
  while index <= #text do
    local code, length = unicode.decode(text, index)
    local part = text:sub(index, index + length - 1)
    if not code or code < 0x80 and is_unsafe(code) then
      part = ("\\x%02x"):format(part:byte())
    elseif is_unsafe(code) then
      part = ("\\u{%x}"):format(code)
    end
    parts[#parts + 1], index = part, index + length
  end
  return table.concat(parts)
end

return M
