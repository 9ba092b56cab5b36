-- Looks for dead links in a folder of HTML pages: lua tools/links.lua FOLDER
-- Each that leads to no file of the folder, or to no anchor of its page, is printed; exit status 1.

local folder = assert(arg[1], "usage: lua tools/links.lua FOLDER")

local function read(path)
  local file = io.open(path, "rb")
  local text = file and file:read("*a") -- nil for a folder
  if file then
    file:close()
  end
  return text
end

local function anchors_of(text)
  local anchors = { [""] = true }
  for id in text:gmatch('%sid="([^"]*)"') do
    anchors[id] = true
  end
  return anchors
end

-- The path at which a link of a page ends; false outside of the folder.
local function resolve(page, target)
  if target == "" then
    return page
  end
  local parts = {}
  for part in (page:gsub("[^/]*$", "") .. target):gmatch("[^/]+") do
    if part ~= ".." then
      parts[#parts + 1] = part
    elseif not table.remove(parts) then
      return false
    end
  end
  return table.concat(parts, "/")
end

local pages, count, dead = {}, 0, 0 -- anchors by page; false where there is none

local function page_at(path)
  if pages[path] == nil then
    local text = path and read(folder .. "/" .. path)
    pages[path] = text and anchors_of(text) or false
  end
  return pages[path]
end

for path in io.popen(("find '%s' -name '*.html' | sort"):format(folder)):lines() do
  local page = path:sub(#folder + 2)
  for attribute, link in read(path):gmatch('%s(%l+)="([^"]*)"') do
    local target, anchor = link:match("^([^#]*)#?(.*)$")
    if (attribute == "href" or attribute == "src") and not target:find("^%a+:") then
      count = count + 1
      local found = page_at(resolve(page, target))
      if not (found and found[anchor]) then
        dead = dead + 1
        print(("%s: dead link: %s"):format(page, link))
      end
    end
  end
end
print(("%d links, %d dead"):format(count, dead))
os.exit(dead == 0 and count > 0)
