--- Names that a server gives to files.

local disposition = require "curlew.disposition"
local naming = require "curlew.naming"
local unicode = require "curlew.unicode"

local LONGEST = 245 -- bytes

local function check(name)
  assert(#name > 0 and #name <= LONGEST, "its length")
  assert(not name:find('[%z\1-\31\127/\\:*?"<>|]'), "what no file system takes")
  assert(not name:find("^[.%- ]") and not name:find("[. ]$"), "what hides, or is an option")
  for _, ending in ipairs { naming.PART, naming.RECORD, naming.NEW } do
    assert(name:sub(-#ending):lower() ~= ending, "the name of another's part")
  end
  local position = 1
  while position <= #name do
    local code, length = unicode.decode(name, position)
    assert(code, "half a character")
    assert(code < 0x202A or code > 0x202E, "text that turns its direction")
    position = position + length
  end
  assert(naming.safe(name) == name, "a safe name is changed")
end

return function(bytes)
  check(naming.safe(bytes))
  check(naming.of_url(bytes))
  check(naming.of_url("http://h/" .. bytes))
  for _, number in ipairs { 1, 1000000 } do
    check(naming.numbered(naming.safe(bytes), number))
  end
  for _, start in ipairs { "", "attachment; filename=", "a;filename*=UTF-8''" } do
    local name = disposition.name(start .. bytes)
    assert(name == nil or type(name) == "string" and name ~= "")
    check(naming.safe(name or ""))
  end
end
