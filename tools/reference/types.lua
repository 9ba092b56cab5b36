--- Reads the types that lua/curlew/types.lua and option_types.lua declare for editors.

local M = {}

-- The type that begins at a position, and the position behind it: it ends at a space or a comma
-- outside of brackets. What a function returns belongs to its type.
local function read_type(text, position)
  local depth, index = 0, text:match("^async ()", position) or position
  while index <= #text do
    local char = text:sub(index, index)
    if char:find("[%(%[{<]") then
      depth = depth + 1
    elseif char:find("[%)%]}>]") then
      depth = depth - 1
    elseif depth == 0 and char == ":" then
      repeat -- the results of a function
        local _
        _, index = read_type(text, text:match("^[:,] ()", index))
      until not text:find("^, ", index)
      break
    elseif depth == 0 and char:find("[ ,]") then
      break
    end
    index = index + 1
  end
  return text:sub(position, index - 1), index
end

M.read_type = read_type

-- The parameters between the brackets of a function's type: `{ name =, type =, optional = }`.
local function read_params(text)
  local params, position = {}, 1
  while position <= #text do
    local name, optional, behind = text:match("^([%w_.]+)(%??):? ?()", position)
    local type_text
    type_text, position = read_type(text, behind)
    if name ~= "self" then
      params[#params + 1] = { name = name, type = type_text, optional = optional ~= "" }
    end
    position = text:match("^, ()", position) or #text + 1
  end
  return params
end

-- Makes a field of what stands behind its name.
local function read_field(name, optional, text)
  local field = { name = name, optional = optional ~= "" }
  local mark, inside, position = text:match("^(a?s?y?n?c? ?)fun(%b())()")
  if not inside then
    position = select(2, read_type(text, 1))
  else
    field.is_async, field.params, field.returns = mark ~= "", read_params(inside:sub(2, -2)), {}
    field.is_method = inside:find("^%(self") ~= nil
    while text:find("^[:,] ", position) do
      local type_text
      type_text, position = read_type(text, position + 2)
      table.insert(field.returns, { type = type_text })
    end
  end
  field.type = text:sub(1, position - 1)
  field.text = text:sub(position + 1)
  return field
end

-- Takes a line of a function that is declared as one.
local function note_tag(pending, line)
  local tag, rest = line:match("^%-%-%-@(%w+) ?(.*)$")
  if tag == "async" then
    pending.is_async = true
  elseif tag == "param" then
    local name, optional, type_text = rest:match("^([%w_.]+)(%??) (.*)$")
    local kind, position = read_type(type_text, 1)
    table.insert(pending.params, {
      name = name, type = kind, optional = optional ~= "", text = type_text:sub(position + 1),
    })
  elseif tag == "return" then
    table.insert(pending.returns, { type = (read_type(rest, 1)) })
  elseif not tag then
    pending.text = (pending.text .. " " .. line:match("^%-%-%- ?(.*)$")):gsub("^ ", "")
  end
end

local function new_pending()
  return { text = "", params = {}, returns = {} }
end

-- One line after another; `state` has the class and the alias that are being read.
local function read_line(line, state)
  local class, parent = line:match("^%-%-%-@class curlew%.?([%w_]*):?(.*)$")
  local alias, meaning = line:match("^%-%-%-@alias curlew%.([%w_]+) ?(.*)$")
  local name, optional, text = line:match("^%-%-%-@field ([%w_]+)(%??) (.*)$")
  local colon, method = line:match("^function %w+([.:])([%w_]+)")
  if class then
    parent = parent:match("[%w_]*$")
    state.class = { name = class, parent = parent, text = state.pending.text, fields = {} }
    table.insert(state.classes, state.class)
    state.classes[class] = state.class
    state.pending = new_pending()
  elseif alias then
    state.alias, state.aliases[alias] = alias, meaning
  elseif name then
    table.insert(state.class.fields, read_field(name, optional, text))
  elseif method then
    state.pending.name, state.pending.is_method = method, colon == ":"
    table.insert(state.class.fields, state.pending)
    state.pending = new_pending()
  elseif line:find("^%-%-%-| ") then
    local before = state.aliases[state.alias]
    state.aliases[state.alias] = before .. (before ~= "" and "|" or "") .. line:sub(6)
  elseif line:find("^%-%-%-[ @]") and not line:find("@meta") and not line:find("@overload") then
    note_tag(state.pending, line)
  end
end

-- A field whose type is another name of a function is that function.
local function expand_functions(state)
  for _, class in ipairs(state.classes) do
    for index, field in ipairs(class.fields) do
      local meaning = field.type and state.aliases[field.type:match("^curlew%.(%w+)$")]
      if meaning and meaning:find("^a?s?y?n?c? ?fun%(") then
        class.fields[index] = read_field(field.name, "", meaning .. " " .. field.text)
      end
    end
  end
end

--- Reads the files.
---@param paths string[]
---@return table classes a list, and by their names without "curlew.":
--- `{ name, parent, text, fields }`; a field is `{ name, type, optional, text }`, a function's
--- has `params`, `returns`, `is_async` and `is_method`, too
---@return table<string, string> aliases
function M.read(paths)
  local state = { classes = {}, aliases = {}, pending = new_pending() }
  for _, path in ipairs(paths) do
    for line in io.lines(path) do
      read_line(line, state)
    end
  end
  expand_functions(state)
  return state.classes, state.aliases
end

return M
