--- Cookies: what a server sets goes through libcurl's jar and comes out as tables; a table that
--- goes in comes out again.

local curl = require "curlew.curl"
local errors = require "curlew.error"
local jar = require "curlew.jar"

local FIELDS = { "name", "value", "domain", "path", "secure", "http_only", "subdomains", "expires" }

local client = curl.client(1, true)

local function check_same(cookie, other)
  for _, field in ipairs(FIELDS) do
    assert(cookie[field] == other[field], "written and read, it is another")
  end
end

local function read_all()
  local cookies = {}
  for index, line in ipairs(client:cookies()) do
    local cookie = assert(jar.parse(line), "a line of libcurl's that is not understood")
    cookies[index] = cookie
  end
  return cookies
end

-- What a user could give: fields with | between them.
local function check_given(bytes)
  local name, value, domain, path = bytes:match("^([^|]*)|([^|]*)|([^|]*)|?(.*)$")
  if not name then
    return
  end
  local ok, line = pcall(jar.format, {
    name = name,
    value = value,
    domain = domain,
    path = path ~= "" and path or nil,
    secure = #bytes % 2 == 1,
    expires = 4000000000 + #bytes,
  })
  if not ok then
    assert(not errors.is(line) and line:find("cookie"), line)
    return
  end
  assert(not line:find("[%z\r\n]"), "a cookie of two lines")
  local read = assert(jar.parse(line), "what was written is not understood")
  check_same(read, assert(jar.parse(jar.format(read))))
  client:set_cookie("ALL")
  client:set_cookie(line)
  local kept = read_all()
  assert(#kept <= 1, "one line, two cookies")
  if kept[1] then
    assert(kept[1].name == name and kept[1].secure == read.secure, "another cookie")
  end
end

return function(bytes)
  client:set_cookie("ALL")
  local cookie = jar.parse(bytes)
  if cookie and (cookie.expires or 1) % 1 == 0 and cookie.expires ~= 0 then -- as libcurl writes it
    local ok, line = pcall(jar.format, cookie)
    if ok then
      check_same(cookie, assert(jar.parse(line)))
    end
  end
  if not bytes:find("%z") then
    client:set_cookie("Set-Cookie: " .. bytes)
    read_all()
    client:set_cookie(bytes:find("\t") and bytes or "#")
    read_all()
  end
  check_given(bytes)
end
