--- Reads the comments of the functions in lua/curlew/*.lua.

local types = require "reference.types"

local M = {}

-- Takes one line of a comment. What a tag says may go on over lines.
local function note(comment, line)
  local tag, rest = line:match("^%-%-%-@(%w+) ?(.*)$")
  if tag == "param" or tag == "return" then
    comment.last = { text = rest }
    table.insert(tag == "param" and comment.params or comment.returns, comment.last)
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

-- What stands behind the type of each parameter and result; a result's first word is its name.
local function finish(comment)
  for _, param in ipairs(comment.params) do
    local _, position = types.read_type(param.text, param.text:match("^[%w_.]+%?? ()"))
    param.text = param.text:sub(position + 1)
  end
  for _, result in ipairs(comment.returns) do
    local _, position = types.read_type(result.text, 1)
    local name, text = result.text:sub(position + 1):match("^([%a_.]*)[:;]? ?(.*)$")
    if name == "nil" then
      name, text = "", "nil " .. text
    end
    result.name, result.text = name ~= "" and name ~= "..." and name or nil, text
  end
  return comment
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
        into[is_class and owner .. ":" .. name or module .. "." .. name] = finish(comment)
      end
      comment = nil
    end
  end
end

--- Reads the sources.
---@param folder string
---@return table<string, table> comments by "module.name", and "Class:name":
--- `{ text =, params = { { text = } }, returns = { { name =, text = } } }`
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
