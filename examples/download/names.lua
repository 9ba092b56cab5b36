--- File names for URLs, such that no URL can choose a place: one part of a path, no tricks in it.

local M = {}

local PART = ".part" -- what a name ends with until its file is whole
local LONGEST = 255 - #PART -- bytes; file systems take 255
local LONGEST_ENDING = 16
local WITHOUT_NAME = "index.html"

local function decode(hex)
  return string.char(tonumber(hex, 16))
end

--- The last part of the URL's path, made safe.
---@param url string
---@return string
function M.of(url)
  local path = url:gsub("[?#].*$", ""):match("^%a[%w+.-]*://[^/]*(.*)$") or url
  local name = path:match("([^/]*)$"):gsub("%%(%x%x)", decode)
  name = name:gsub("[%c/\\:]", "_"):gsub("^[.-]+", "")
  return name ~= "" and name:sub(1, LONGEST) or WITHOUT_NAME
end

--- Makes a function that gives each URL its name, numbered where one was given before. No name is
--- that of another's unfinished file either.
---@return fun(url: string): string
function M.distinct()
  local given = {}
  return function(url)
    local name = M.of(url)
    local stem, ending = name:match("^(.+)(%.[^.]*)$")
    if not stem or #ending > LONGEST_ENDING then
      stem, ending = name, ""
    end
    local number = 1
    while given[name] or given[name .. PART] do
      local suffix = ("-%d%s"):format(number, ending)
      name = stem:sub(1, LONGEST - #suffix) .. suffix
      number = number + 1
    end
    given[name], given[name .. PART] = true, true
    return name
  end
end

return M
