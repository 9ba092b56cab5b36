--- What to download: URLs of the command line and of lists, each with the name that its file gets.

local file = require "download.file"
local naming = require "curlew.naming"

local M = {}

local BYTE_ORDER_MARK = "^\239\187\191"

-- A line of a list: `[sha256:HEX] URL [-> NAME]`. A name from a list is a stranger's, too.
local function parse_line(line)
  local rest, name = line:match("^(.-)%s+%->%s+(.+)$")
  local checksum, url = (rest or line):match("^(%w+:%x+)%s+(%S+)$")
  return { url = url or rest or line, checksum = checksum, name = name and naming.safe(name) }
end

--- Adds what a list says: blank lines and those that begin with # are passed over.
---@param path string of the list, "-" for standard input
---@param items table[] `{ url =, checksum =, name = }`
---@return table[]? items
---@return string? problem
function M.read(path, items)
  local text, problem
  if path == "-" then
    text, problem = io.read("*a")
  else
    text, problem = file.read(path)
  end
  if not text then
    return nil, problem
  end
  for line in text:gsub(BYTE_ORDER_MARK, ""):gmatch("[^\r\n]+") do
    line = line:match("^%s*(.-)%s*$")
    if line ~= "" and line:sub(1, 1) ~= "#" then
      items[#items + 1] = parse_line(line)
    end
  end
  return items
end

--- Gives each item a name of its own, always the same for the same list, so that another run finds
--- what this one has left.
---@param items table[]
---@param is_reserved? fun(name: string): boolean
function M.name(items, is_reserved)
  local taken = {}
  for _, item in ipairs(items) do
    local name, number = item.name or naming.of_url(item.url), 0
    local function is_taken(tried)
      return taken[tried:lower()] or is_reserved and is_reserved(tried)
    end
    while is_taken(naming.numbered(name, number)) do
      number = number + 1
    end
    item.name = naming.numbered(name, number)
    taken[item.name:lower()] = true
  end
end

return M
