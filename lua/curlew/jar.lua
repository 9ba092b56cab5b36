--- Cookies as a table, and as a line of the Netscape format. Pure: the jar itself is libcurl's, and
--- keeps the rules of RFC 6265.

local errors = require "curlew.error"

local M = {}

-- Seven fields with tabs between them. The domain of a cookie that is not to be read by scripts
-- stands behind "#HttpOnly_".
local FIELDS = "^([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t(.*)$"

--- Reads a line of the Netscape format.
---@param line string
---@return table? cookie `{ name, value, domain, path, secure, http_only, subdomains, expires }`,
--- expires in Unix seconds, nil for one that ends with the session
function M.parse(line)
  local domain, subdomains, path, secure, expires, name, value = line:match(FIELDS)
  if not domain then
    return nil
  end
  local bare = domain:gsub("^#HttpOnly_", "")
  return {
    name = name,
    value = value,
    domain = (bare:gsub("^%.", "")),
    path = path,
    secure = secure == "TRUE",
    http_only = bare ~= domain,
    subdomains = subdomains == "TRUE",
    expires = expires ~= "0" and tonumber(expires) or nil,
  }
end

--- The cookie in a list that has the name, domain and path of another.
---@param cookies table[]
---@param like table
---@return table?
function M.find(cookies, like)
  for _, cookie in ipairs(cookies) do
    if cookie.name == like.name and cookie.path == (like.path or "/")
      and cookie.domain:lower() == like.domain:gsub("^%.", ""):lower()
    then
      return cookie
    end
  end
end

local KNOWN = {
  name = "string", value = "string", domain = "string", path = "string", secure = "boolean",
  http_only = "boolean", subdomains = "boolean", expires = "number",
}

-- What would make other fields of them, or a comment of the line.
local function check_shape(cookie)
  if cookie.name == "" then
    errors.blame("field \"name\" of the cookie must not be empty")
  elseif not cookie.domain:find("^%.?[^.#]") then
    errors.blame("field \"domain\" of the cookie must be the name of a host")
  elseif cookie.path and not cookie.path:find("^/") then
    errors.blame("field \"path\" of the cookie must start with \"/\"")
  elseif cookie.expires and not (math.abs(cookie.expires) < math.huge) then -- luacheck: ignore 581
    errors.blame("field \"expires\" of the cookie must be a finite number")
  end
end

--- Writes a cookie as a line of the Netscape format. Raises at the caller's line for wrong fields.
---@param cookie table see `parse`; name, value and domain are needed
---@return string
function M.format(cookie)
  errors.check_type("the cookie", cookie, "table")
  errors.check_options(cookie, KNOWN)
  for _, field in ipairs { "name", "value", "domain" } do
    errors.check_type(("field %q of the cookie"):format(field), cookie[field], "string")
  end
  for _, field in ipairs { "name", "value", "domain", "path" } do
    if (cookie[field] or ""):find("[%z\1-\31\127]") then
      errors.blame("field %q of the cookie must not contain control characters", field)
    end
  end
  check_shape(cookie)
  return table.concat({
    (cookie.http_only and "#HttpOnly_" or "") .. (cookie.subdomains and "." or "") .. cookie.domain,
    cookie.subdomains and "TRUE" or "FALSE",
    cookie.path or "/",
    cookie.secure and "TRUE" or "FALSE",
    ("%.0f"):format(cookie.expires or 0),
    cookie.name,
    cookie.value,
  }, "\t")
end

return M
