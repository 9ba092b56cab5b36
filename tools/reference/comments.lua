--- Reads the comments of the functions in lua/curlew/*.lua.

local types = require "reference.types"

local M = {}

-- Takes one line of a comment.
local function note(comment, line)
  local tag, rest = line:match("^%-%-%-@(%w+) ?(.*)$")
  if tag == "param" then
    local name, behind = rest:match("^([%w_.]+)%?? ()")
    local _, position = types.read_type(rest, behind)
    comment.last = { name = name, text = rest:sub(position + 1) }
    table.insert(comment.params, comment.last)
  elseif tag == "return" then
    local _, position = types.read_type(rest, 1)
    comment.last = { text = rest:sub(position + 1) }
    table.insert(comment.returns, comment.last)
  elseif not tag then
    local target = comment.last or comment
    local text = line:match("^%-%-%- ?(.*)$")
    if text == "" then
      target.text = target.text .. "\n\n" -- a new paragraph
    else
      target.text = target.text .. (target.text:find("[^\n]$") and " " or "") .. text
    end
  end
end

local function new_comment()
  return { text = "", params = {}, returns = {} }
end

local function read_file(path, module, into)
  local comment
  for line in io.lines(path) do
    if line:find("^ *%-%-%-") then
      comment = comment or new_comment()
      note(comment, (line:gsub("^ +", "")))
    else
      local owner, name = line:match("^function (%w+)[.:]([%w_]+)")
      if not owner then
        owner, name = line:match("^(%u%w*)%.([%w_]+) =")
      end
      name = name or line:match("^local function ([%w_]+)")
      if name and comment then
        local is_class = owner and owner ~= "M" and owner ~= "methods"
        into[is_class and owner .. ":" .. name or module .. "." .. name] = comment
      end
      comment = nil
    end
  end
end

--- Reads the sources.
---@param folder string
---@return table<string, table> comments by "module.name", and "Class:name":
--- `{ text =, params = { { name =, text = } }, returns = { { text = } } }`
function M.read(folder)
  local comments = {}
  for path in io.popen(("ls %s/*.lua"):format(folder)):lines() do
    local module = path:match("([^/]+)%.lua$")
    if not module:find("types$") then
      read_file(path, module, comments)
    end
  end
  return comments
end

return M
