--- Pages with tables whose last column names specs: `x_spec`: *sentence*, *sentence*. Here, whether
--- they exist.

local misbehaviour = require "support.misbehaviour"
local shell = require "support.shell"

local M = {}

-- The specs' own tables of cases have their sentences in data.
local function has_case(theme, sentence)
  for _, case in ipairs(misbehaviour.cases(theme)) do
    if case[1] == sentence then
      return true
    end
  end
  return false
end

--- Whether a spec file has an `it` of this sentence; tags may follow.
---@param name string of the file, without ".lua"
---@param sentence string
---@return boolean
function M.has_sentence(name, sentence)
  local theme = name:match "^misbehaviour_(.*)_spec$"
  if theme then
    return has_case(theme, sentence)
  end
  local text = shell.read_file(("spec/%s.lua"):format(name))
  local _, stop = (text or ""):find(('it("%s'):format(sentence), 1, true)
  return stop ~= nil and text:find('^[^"]*"', stop + 1) ~= nil
    and (text:find('^"', stop + 1) or text:find('^ #[^"]*"', stop + 1)) ~= nil
end

-- The rows of the tables whose head ends with `column`, but for themes: those begin in bold.
local function rows(page, column)
  local all, is_in = {}, false
  for line in page:gmatch "[^\n]*" do
    if not line:find "^|" then
      is_in = is_in and line == ""
    elseif line:sub(-#column - 4) == "| " .. column .. " |" then
      is_in = true
    elseif is_in and not line:find "^| %-%-%-" and not line:find "^| %*%*" then
      all[#all + 1] = line
    end
  end
  return all
end

--- Raises unless each row of the tables names a spec that is there.
---@param path string of the page
---@param column string what the last column is headed
---@return integer rows
function M.check(path, column)
  local all = rows(shell.read_file(path), column)
  for _, row in ipairs(all) do
    local proofs = 0
    for name, sentences in row:match("| ([^|]+) |$"):gmatch "`([%w_]+)`: ([^`]*)" do
      for sentence in sentences:gmatch "%*([^*]+)%*" do
        proofs = proofs + 1
        assert(M.has_sentence(name, sentence), ("%s: %s"):format(name, sentence))
      end
    end
    assert(proofs > 0, "nothing proves: " .. row)
  end
  return #all
end

return M
