-- Fills in the pages of the reference: lua tools/reference.lua FOLDER
--
-- docs/reference/*.md have, for each public name, a heading and an example. Here, what the sources
-- say of the name comes between the two: how it is called, its comment, parameters, results and
-- fields. The pages are written into FOLDER.

package.path = "tools/?.lua;" .. package.path

local names = require "reference.names"

local SOURCE = "docs/reference"

local entries, classes, aliases = names.read()

local function read_file(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

-- The anchor of a heading, as GitHub makes it.
local function anchor_of(heading)
  return (heading:lower():gsub("[^%w _-]", ""):gsub(" ", "-"))
end

-- By the name of a class: the page that tells of it, and the anchor there.
local places = {}
local headings = {} -- all, in order: `{ page =, heading = }`

-- Calls `fn(line, heading)` for each line of a page; `heading` is nil but for the line of one.
local function each_line(text, fn)
  local is_code = false
  for line in text:gmatch("(.-)\n") do
    is_code = line:find("^```") and not is_code or is_code and not line:find("^```")
    fn(line, not is_code and line:match("^##+ (.+)$") or nil)
  end
end

-- Types ----------------------------------------------------------------------------------------

-- A type with what its aliases stand for.
local function expand(text)
  local expanded, count = text:gsub("curlew%.(%u%w+)", function(name)
    return aliases[name] and (aliases[name]:gsub("^async ", ""))
  end)
  return expanded == text and text or count > 0 and expand(expanded)
end

-- A type as Markdown, in which names of classes are links.
local function type_text(text, page)
  text = expand(text)
  local pieces, position = {}, 1
  local function code(piece)
    if piece ~= "" then
      local before, words, behind = piece:gsub("|", " \\| "):match("^( ?)(.-)( ?)$")
      pieces[#pieces + 1] = before .. "`" .. words .. "`" .. behind
    end
  end
  for start, name, behind in text:gmatch("()curlew%.(%u%w+)()") do
    code(text:sub(position, start - 1))
    local place = assert(places[name], name .. " is in no page")
    local file = place.page == page and "" or place.page
    pieces[#pieces + 1] = ("[`%s`](%s#%s)"):format(name, file, place.anchor)
    position = behind
  end
  code(text:sub(position))
  return table.concat(pieces)
end

local function cell(text)
  text = text:gsub("|", "\\|"):gsub("\n", " ")
  return text
end

-- Descriptions ---------------------------------------------------------------------------------

-- How a function is called: "session:get(url, [options])".
local function signature(name, field)
  if not field.params then
    return name
  end
  local params = {}
  for index, param in ipairs(field.params) do
    params[index] = param.optional and "[" .. param.name .. "]" or param.name
  end
  return ("%s(%s)"):format(name, table.concat(params, ", "))
end

local function sentence(text)
  if text == "" then
    return ""
  end
  text = text:sub(1, 1):upper() .. text:sub(2)
  return text:find("[.:!?]$") and text or text .. "."
end

local function table_of(rows, head)
  if not rows[1] then
    return ""
  end
  local rule = head:gsub("[^|]+", " --- ")
  return head .. "\n" .. rule .. "\n" .. table.concat(rows, "\n") .. "\n\n"
end

local function params_table(field, comment, page)
  local rows = {}
  for index, param in ipairs(field.params or {}) do
    local told = comment and comment.params[index]
    rows[index] = ("| `%s` | %s%s | %s |"):format(param.name, type_text(param.type, page),
      param.optional and ", optional" or "", cell(told and told.text or param.text or ""))
  end
  return table_of(rows, "| parameter | type | |")
end

local function returns_table(field, comment, page)
  local rows = {}
  for index, result in ipairs(field.returns or {}) do
    local told = comment and comment.returns[index]
    local name = told and told.name and ("*%s* "):format(told.name) or ""
    rows[index] = ("| %s | %s%s |"):format(type_text(result.type, page), name,
      cell(told and told.text or ""))
  end
  return table_of(rows, "| returns | |")
end

-- What the sources say of a name, but for how it is called.
local function body_of(entry, page)
  local field, comment = entry.field, entry.comment
  local text = comment and comment.text or ""
  return table.concat {
    text ~= "" and text or sentence(field.text), "\n\n",
    field.params and "" or type_text(field.type, page) .. "\n\n",
    params_table(field, comment, page), returns_table(field, comment, page),
  }
end

-- What the sources say of names that share a heading; where that is the same of some, once.
local function entry_text(list, page)
  local parts, last = {}, nil
  for _, name in ipairs(list) do
    local entry = assert(entries[name], "there is no " .. name)
    local body = body_of(entry, page)
    table.insert(parts, body == last and #parts or #parts + 1,
      ('<p class="signature">%s%s</p>\n\n'):format(signature(name, entry.field),
        entry.field.is_async and ' <span class="waits">waits</span>' or ""))
    if body ~= last then
      parts[#parts + 1], last = body, body
    end
  end
  return table.concat(parts)
end

local function class_text(class, page)
  local rows = {}
  for index, field in ipairs(class.data) do
    rows[index] = ("| `%s` | %s | %s |"):format(field.name, type_text(field.type, page),
      cell(field.text))
  end
  local text = class.text ~= "" and class.text .. "\n\n" or ""
  if class.parent ~= "" then
    local above = type_text("curlew." .. class.parent, page)
    text = text .. ("All of %s, and:\n\n"):format(above)
  end
  return text .. table_of(rows, "| name | type | |")
end

local function described(heading, page)
  if classes[heading] then
    return class_text(classes[heading], page)
  end
  local list = names.in_heading(heading)
  return entries[list[1]] and entry_text(list, page) or ""
end

-- Pages ----------------------------------------------------------------------------------------

-- The first sentence about a name.
local function summary(name)
  local entry, class = entries[name], classes[name]
  local text = class and class.text or entry.comment and entry.comment.text or ""
  text = text == "" and entry and sentence(entry.field.text) or text
  return text:match("^(.-)[.:]%f[%s%z]") or text
end

-- The list of all names, each with the way to it.
local function index()
  local rows = {}
  for _, place in ipairs(headings) do
    for _, name in ipairs(names.in_heading(place.heading)) do
      if entries[name] or classes[name] then
        rows[#rows + 1] = { name = name, line = ("- [`%s`](%s#%s): %s"):format(name, place.page,
          anchor_of(place.heading), summary(name)) }
      end
    end
  end
  table.sort(rows, function(a, b)
    return a.name:lower() < b.name:lower()
  end)
  for number, row in ipairs(rows) do
    rows[number] = row.line
  end
  return table.concat(rows, "\n")
end

local function collect(pages)
  for _, page in ipairs(pages) do
    each_line(read_file(SOURCE .. "/" .. page), function(_, heading)
      if heading then
        headings[#headings + 1] = { page = page, heading = heading }
        if classes[heading] then
          places[heading] = { page = page, anchor = anchor_of(heading) }
        end
      end
    end)
  end
end

local function fill(page)
  local lines = {}
  each_line(read_file(SOURCE .. "/" .. page), function(line, heading)
    lines[#lines + 1] = line
    if heading then
      lines[#lines + 1] = "\n" .. described(heading, page)
    end
  end)
  if page == "README.md" then
    lines[#lines + 1] = index()
  end
  return table.concat(lines, "\n") .. "\n"
end

local folder = assert(arg[1], "usage: lua tools/reference.lua FOLDER")
local pages = {}
for path in io.popen("ls " .. SOURCE .. "/*.md"):lines() do
  pages[#pages + 1] = path:match("[^/]+$")
end
collect(pages)
assert(os.execute(("mkdir -p '%s'"):format(folder)))
for _, page in ipairs(pages) do
  local file = assert(io.open(folder .. "/" .. page, "wb"))
  assert(file:write(fill(page)))
  file:close()
end
