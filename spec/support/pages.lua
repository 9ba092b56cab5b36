--- The Markdown pages of the project: their headings, links and code.

local shell = require "support.shell"

local M = {}

local FOLDERS = { ".", "docs", "docs/guide", "docs/reference", "docs/decisions", "docs/design",
  "docs/reliability", "bench", "fuzz", "packaging" }

--- The paths of all pages.
---@return string[]
function M.all()
  local paths = {}
  for _, folder in ipairs(FOLDERS) do
    for _, name in ipairs(shell.names(folder)) do
      if name:find("%.md$") then
        paths[#paths + 1] = (folder == "." and "" or folder .. "/") .. name
      end
    end
  end
  return paths
end

--- The code blocks of a page.
---@param path string
---@return { language: string, code: string, line: integer }[]
function M.blocks(path)
  local found, block, number = {}, nil, 0
  for line in (shell.read_file(path) .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    local language = line:match("^```(%w*)")
    if language and not block then
      block = { language = language, lines = {}, line = number }
    elseif language then
      block.code = table.concat(block.lines, "\n")
      found[#found + 1], block = block, nil
    elseif block then
      table.insert(block.lines, line)
    end
  end
  return found
end

--- The lines of a page that are no code, with their numbers: for `for number, line in`.
---@param path string
function M.prose(path)
  local is_code, number, next_line = false, 0, (shell.read_file(path) .. "\n"):gmatch("(.-)\n")
  return function()
    for line in next_line do
      number = number + 1
      if line:find("^```") then
        is_code = not is_code
      elseif not is_code then
        return number, line
      end
    end
  end
end

--- The headings of a page.
---@param path string
---@return { level: integer, text: string, line: integer }[]
function M.headings(path)
  local found = {}
  for number, line in M.prose(path) do
    local marks, text = line:match("^(#+) (.+)$")
    if marks then
      found[#found + 1] = { level = #marks, text = text, line = number }
    end
  end
  return found
end

--- The anchors of a page, as GitHub and pandoc make them of its headings.
---@param path string
---@return table<string, true>
function M.anchors(path)
  local anchors = {}
  for _, heading in ipairs(M.headings(path)) do
    local anchor = heading.text:lower():gsub("[^%w\128-\255 _-]", ""):gsub(" ", "-")
    local count, name = 0, anchor
    while anchors[name] do
      count = count + 1
      name = anchor .. "-" .. count
    end
    anchors[name] = true
  end
  return anchors
end

--- The links of a page to others, and into itself: where to, and the number of the line.
---@param path string
---@return { target: string, line: integer }[]
function M.links(path)
  local found = {}
  for number, line in M.prose(path) do
    for target in line:gsub("`[^`]*`", ""):gmatch("%]%(([^)]+)%)") do
      if not target:find("^%a+:") then
        found[#found + 1] = { target = target, line = number }
      end
    end
  end
  return found
end

--- What a block says that it prints: the texts behind `-->`, with one space between the words.
---@param code string
---@return string[]
function M.promised(code)
  local lines = {}
  for text in code:gmatch("%-%-> ([^\n]+)") do
    lines[#lines + 1] = (text:gsub("%s+", " "))
  end
  return lines
end

return M
