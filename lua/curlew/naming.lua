--- Names of files from strangers, made safe: whatever a URL or a server says, the name is one part
--- of a path, shows as what it is, and can be written on any system. Pure.

local disposition = require "curlew.disposition"
local unicode = require "curlew.unicode"

local M = {}

--- What a part and its record add to the name of their file, and what the record has while it is
--- written. No safe name ends so: it would be that of another's unfinished file.
M.PART, M.RECORD, M.NEW = ".part", ".part.json", ".part.new"

local WITHOUT_NAME = "download"
local LONGEST = 255 - #M.RECORD -- bytes; file systems take 255
local LONGEST_ENDING = 16 -- bytes that are kept when a name is shortened
local REPLACEMENT = "\239\191\189" -- U+FFFD

-- Bytes that cannot stand in a name everywhere.
local BAD_BYTES = "[%z\1-\31\127/\\:*?\"<>|]"

-- First and last code points of what nobody sees, or what turns the direction of text around it.
local BAD_CODES = {
  0x80, 0x9F, 0x61C, 0x61C, 0x200B, 0x200B, 0x200E, 0x200F, 0x2028, 0x202E, 0x2060, 0x206F, 0xFEFF,
  0xFEFF, 0xFFF9, 0xFFFB, 0xE0000, 0xE007F,
}

-- Names of devices on Windows, with any ending.
local DEVICES = { con = true, prn = true, aux = true, nul = true, ["conin$"] = true,
  ["conout$"] = true }
for _, device in ipairs { "com", "lpt" } do
  for _, digit in ipairs { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, "\194\185", "\194\178", "\194\179" } do
    DEVICES[device .. digit] = true
  end
end

local function is_bad(code)
  if code < 0x80 then
    return string.char(code):find(BAD_BYTES) ~= nil
  end
  return unicode.is_within(BAD_CODES, code)
end

local function clean(bytes)
  local pieces, position = {}, 1
  while position <= #bytes do
    local code, length = unicode.decode(bytes, position)
    local piece = code and bytes:sub(position, position + length - 1) or REPLACEMENT
    pieces[#pieces + 1] = code and is_bad(code) and "_" or piece
    position = position + length
  end
  return table.concat(pieces)
end

-- The first bytes of a clean text, at most `most`, without half a character.
local function cut(name, most)
  while most > 0 and most < #name and name:find("^[\128-\191]", most + 1) do
    most = most - 1
  end
  return name:sub(1, most)
end

-- A text without the bytes of a class at its end. In linear time, which "[. ]+$" is not.
local function without_at_end(name, class)
  local last = #name
  while last > 0 and name:find(class, last) do
    last = last - 1
  end
  return name:sub(1, last)
end

local function without_dots_at_end(name)
  return without_at_end(name, "^[. ]")
end

local function last_of(path, separator)
  return path:match("^.*" .. separator .. "(.*)$") or path
end

-- A name as what may be shortened and the ending that stays; `suffix` comes between them.
local function fit(name, suffix)
  local stem, ending = name:match("^(.+)(%.[^.]+)$")
  if not stem or #ending > LONGEST_ENDING then
    stem, ending = name, ""
  elseif stem:lower():find("^%.tar", -4) and #stem > 4 then
    stem, ending = stem:sub(1, -5), stem:sub(-4) .. ending
  end
  local room = LONGEST - #suffix - #ending
  if #stem > room then
    stem = cut(stem, room)
  end
  return without_dots_at_end(stem .. suffix .. ending)
end

-- No name of a part: "x.part" becomes "x_part".
local function leave_parts(name)
  for _, ending in ipairs { M.PART, M.RECORD, M.NEW } do
    if name:sub(-#ending):lower() == ending then
      return name:sub(1, -#ending - 1) .. "_" .. name:sub(1 - #ending)
    end
  end
  return name
end

--- A safe name for any text: its last part, without what is not text, misleads, or means something
--- to a system. At most 245 bytes, so that there is room for ".part.json"; "download" rather than
--- empty.
---@param name string
---@return string
function M.safe(name)
  name = clean(last_of(without_at_end(name, "^[/\\]"), "[/\\]"))
  name = without_dots_at_end((name:gsub("^[.%- ]+", "")))
  if DEVICES[name:match("^[^.]*"):gsub(" +$", ""):lower()] then
    name = "_" .. name
  end
  name = leave_parts(fit(name, ""))
  return name ~= "" and name or WITHOUT_NAME
end

--- A safe name with a number: "name (1).ext".
---@param name string a safe one
---@param number integer 0 leaves it as it is
---@return string
function M.numbered(name, number)
  return number == 0 and name or leave_parts(fit(name, (" (%d)"):format(number)))
end

-- The last part of a URL's path, decoded; "" when it has none.
local function last_part(url)
  local path = url:gsub("[?#].*$", ""):match("^%a[%w+.-]*://[^/]*(.*)$") or url
  return disposition.percent(last_of(path, "/"))
end

--- A safe name for a URL: the last part of its path, "download" when it has none.
---@param url string
---@return string
function M.of_url(url)
  return M.safe(last_part(url))
end

--- A safe name for a response: of its Content-Disposition; else of its URL, or of the first one of
--- the redirects to it, which has a name.
---@param response curlew.Response
---@return string
function M.of_response(response)
  local field = response.headers:all("content-disposition")[1]
  local name = field and disposition.name(field)
  if not name then
    local first = response.history[1] or response
    name = last_part(response.url)
    name = name ~= "" and name or last_part(first.url)
  end
  return M.safe(name)
end

return M
