--- JSON through the codec that is there: Neovim's, lua-cjson or dkjson. Each has its own bounds:
--- lua-cjson 2.1 writes numbers with 14 digits, dkjson reads more than JSON allows.

local errors = require "curlew.error"

local M = {}

local function from_cjson()
  local cjson = require("cjson").new() -- settings of its own
  cjson.decode_invalid_numbers(false) -- RFC 8259 section 6 knows no NaN and no 0x10
  for digits = 17, 14, -1 do -- as many as this version takes
    if pcall(cjson.encode_number_precision, digits) then
      break
    end
  end
  return { encode = cjson.encode, decode = cjson.decode, null = cjson.null }
end

local function from_dkjson()
  local dkjson = require "dkjson"
  return {
    null = dkjson.null,
    encode = dkjson.encode,
    decode = function(text)
      local value, position, problem = dkjson.decode(text, 1, dkjson.null)
      if problem then
        error(problem, 0)
      elseif text:find("%S", position) then
        error(("something follows the value at byte %d"):format(position), 0)
      end
      return value
    end,
  }
end

local function from_neovim()
  local vim = assert(rawget(_G, "vim"))
  return { encode = vim.json.encode, decode = vim.json.decode, null = vim.NIL }
end

local function find()
  for _, make in ipairs { from_neovim, from_cjson, from_dkjson } do
    local ok, codec = pcall(make)
    if ok then
      return codec
    end
  end
  error("no JSON codec was found: install lua-cjson or dkjson", 0)
end

local function codec()
  M.codec = M.codec or find()
  return M.codec
end

--- Has another codec used from now on, in the whole program.
---@param codec { encode: fun(value: any): string, decode: (fun(text: string): any), null: any }
--- `encode` and `decode` raise what is wrong; `null` is what stands for null in their values
function M.use(given)
  errors.check_type("the codec", given, "table")
  for _, name in ipairs { "encode", "decode" } do
    errors.check_callable(("field %q of the codec"):format(name), given[name])
  end
  M.codec = given
end

--- What stands for null in values, where nil cannot.
---@return any
function M.null()
  return codec().null
end

--- The text of a value. Raises when it has none.
---@param value any
---@return string
function M.encode(value)
  return codec().encode(value)
end

--- The value of a text, or nil and what is wrong with it.
---@param text string
---@return any value
---@return string? problem
function M.decode(text)
  local ok, value = pcall(codec().decode, text)
  if ok then
    return value
  end
  return nil, tostring(value)
end

return M
