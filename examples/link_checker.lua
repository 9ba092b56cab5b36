--- Follows the links of a site, and tells which of them lead nowhere.
---
---     lua examples/link_checker.lua --jobs 8 https://example.org/

package.path = (arg[0]:match("^(.*)[/\\]") or ".") .. "/?.lua;" .. package.path

local command_line = require "command_line"
local curlew = require "curlew"
local url = require "curlew.url"

local PROGRAM = "link_checker.lua"

-- The URLs that a page links to, without fragments. Good enough for an example: no HTML parser.
local function links_of(response)
  local found = {}
  local is_html = (response.headers["content-type"] or ""):find("^text/html")
  for link in (is_html and response.body or ""):gmatch("<[aA]%s[^>]-href%s*=%s*[\"']([^\"'#]+)") do
    local target = url.parse((link:gsub("&amp;", "&")), response.url)
    found[#found + 1] = target and target.url -- none for mailto: and the like
  end
  return found
end

-- Looks at one link; returns those on its page, if that is of the site.
local function visit(session, link, origin, broken)
  local response, err = session:get(link.url, { check = true })
  if not response then
    broken[#broken + 1] = ("%s\n  on %s: %s"):format(link.url, link.page, tostring(err))
    return {}
  end
  return url.parse(response.url).origin == origin and links_of(response) or {}
end

local function main(given)
  local session = curlew.session { retry = 2, timeout = 30 }
  local start, broken, count = assert(url.parse(given.url)), {}, 0
  local seen, next_links = { [start.url] = true }, { { url = start.url, page = "-" } }
  while #next_links > 0 do -- one level of the site after another
    local links = next_links
    count, next_links = count + #links, {}
    curlew.map(links, function(link)
      for _, found in ipairs(visit(session, link, start.origin, broken)) do
        if not seen[found] then
          seen[found] = true
          table.insert(next_links, { url = found, page = link.url })
        end
      end
    end, { limit = given.jobs })
  end
  table.sort(broken)
  print(("%d links, %d broken"):format(count, #broken))
  print(table.concat(broken, "\n"))
  return #broken == 0 and 0 or command_line.FAILED
end

local parser = command_line.parser(PROGRAM, "Tells which links of a site are broken.")
parser:argument("url", "where to begin")
parser:option("-j --jobs", "how many at once", "8"):convert(command_line.count)
command_line.run(PROGRAM, main, parser:parse())
