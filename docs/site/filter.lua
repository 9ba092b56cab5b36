-- For pandoc: makes a page of the site of a Markdown page. Links between the pages lead to where
-- they are on the site; those to other files of the tree, which are not on it, become plain text.
-- The metadata `page` is the path of the page.

local utils = require "pandoc.utils"

local here -- the path of this page, and the folders of which it consists
local pages, by_path = {}, {}

local function read_pages()
  for line in io.lines("docs/site/pages") do
    local path, section, name = line:match("^(%S+)%s+(%S+)%s+(.+)$")
    local file = path ~= "#" and path and io.open(path)
    if file then
      file:close()
      by_path[path] = { path = path, section = section, name = name }
      pages[#pages + 1] = by_path[path]
    end
  end
end

-- Where a page is on the site.
local function place_of(path)
  return path:gsub("README%.md$", "index.md"):gsub("%.md$", "") .. ".html"
end

-- The way from this page to a place of the site.
local function way_to(place)
  local up = place_of(here):gsub("[^/]+/", "../"):gsub("[^/]+$", "")
  return up .. place
end

-- The path in the tree at which a link of this page ends.
local function resolve(target)
  local parts = {}
  for part in (here:gsub("[^/]*$", "") .. target):gmatch("[^/]+") do
    if part == ".." then
      table.remove(parts)
    elseif part ~= "." then
      parts[#parts + 1] = part
    end
  end
  local path = table.concat(parts, "/")
  return by_path[path] and path or path .. "/README.md"
end

local function link(element)
  local target, anchor = element.target:match("^([^#]*)(.*)$")
  if target == "" or target:find("^%a+:") then
    return nil
  end
  local page = by_path[resolve(target)]
  if not page then
    return element.content
  end
  element.target = way_to(place_of(page.path)) .. anchor
  return element
end

local function anchor_of(page, name, is_current)
  local mark = is_current and ' aria-current="page"' or ""
  local text = name:gsub("&", "&amp;")
  return ('<a href="%s"%s>%s</a>\n'):format(way_to(place_of(page.path)), mark, text)
end

-- Two rows: the sections, and the pages of this one.
local function navigation()
  local sections, siblings, seen = {}, {}, {}
  local current = by_path[here]
  for _, page in ipairs(pages) do
    if not seen[page.section] then
      seen[page.section] = true
      sections[#sections + 1] = anchor_of(page, page.section, page.section == current.section)
    end
    if page.section == current.section then
      siblings[#siblings + 1] = anchor_of(page, page.name, page == current)
    end
  end
  return table.concat(sections), #siblings > 1 and table.concat(siblings) or nil
end

local function html(text)
  return text and pandoc.MetaInlines { pandoc.RawInline("html", text) }
end

local function prepare(meta)
  here = utils.stringify(meta.page)
  read_pages()
  local sections, siblings = navigation()
  meta.sections, meta.siblings = html(sections), html(siblings)
  meta.style = html(way_to("style.css"))
  meta.section = by_path[here].section:lower()
  meta.pagetitle = here == "README.md" and "curlew" or by_path[here].name .. " - curlew"
  return meta
end

-- A table scrolls in a box of its own where it is wider than the screen.
local function boxed(element)
  return pandoc.Div({ element }, { class = "wide" })
end

return { { Meta = prepare }, { Link = link, Table = boxed } }
