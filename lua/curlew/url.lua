--- URLs: resolved and taken apart by libcurl's parser; origins, and texts without secrets.

local curl = require "curlew.curl"
local errors = require "curlew.error"
local secrets = require "curlew.secrets"

local M = {}

local SCHEMES = { http = true, https = true }

local function mask(name, value)
  return secrets.is_secret(name) and name .. "=***" or name .. "=" .. value
end

--- A URL that has been parsed, for messages: without fragment, without the values of parameters
--- that look like secrets, and cut when it is very long.
---@param text string
---@return string
function M.printable(text)
  local clean = text:gsub("#.*$", "")
    :gsub("([?&][^=&]*)=([^&]*)", mask)
    :gsub("%c", "?")
  return #clean > 300 and clean:sub(1, 297) .. "..." or clean
end

--- Any text that was to be a URL, for messages: what stands before an @ may be a password.
---@param text string
---@return string
function M.redact(text)
  return M.printable((text:gsub("^.*@", "***@")))
end

local function refuse(kind, text, method, format, ...)
  return nil, errors.new {
    kind = kind,
    message = format:format(...),
    url = M.redact(text),
    retryable = false,
    method = method,
  }
end

-- Adds to the query of a URL, in front of its fragment.
local function add_query(text, query)
  local address, fragment = text:match("^([^#]*)(.*)$")
  local separator = not address:find("?", 1, true) and "?" or address:find("[?&]$") and "" or "&"
  return address .. separator .. query .. fragment
end

-- Whether a host is an address, which nobody has to look up.
local function is_address(host)
  return host:find("^%d+%.%d+%.%d+%.%d+$") ~= nil or host:find(":", 1, true) ~= nil
end

-- libcurl decodes "%31" in a host, but does not look again whether it is a number then, which is
-- an address in other words. So such a URL is parsed once more; user and password are not in it.
local function parse_twice(text, base)
  local parts, problem = curl.parse_url(text, base)
  if parts and text:find("%", 1, true) then
    local user, password = parts.user, parts.password
    parts, problem = curl.parse_url(parts.url)
    if parts then
      parts.user, parts.password = user, password
    end
  end
  return parts, problem
end

--- Takes a URL apart: `url` (without user and password), `scheme`, `host`, `port`, `path`, `query`,
--- `fragment`, `user`, `password`, `origin`; `is_address`: its host needs no look-up.
---@param text string
---@param base? string URL against which `text` is resolved (RFC 3986 section 5)
---@param query? string encoded, to be added
---@param method? string for the error
---@return table?
---@return curlew.Error? err of kind "invalid_url", or "unsupported" for another scheme
function M.parse(text, base, query, method)
  if query and query ~= "" then
    text = add_query(text, query)
  end
  if not base and not text:find("^%a[%w+.-]*://") then
    return refuse("invalid_url", text, method,
      "the URL has no scheme: write http:// or https:// in front")
  end
  if base and (text == "" or text:find("^#")) then -- libcurl would drop the last part of the path
    text = base:gsub("#.*$", "") .. text
  end
  local parts, problem = parse_twice(text, base)
  if not parts then
    local scheme = text:match("^(%a[%w+.-]*)://")
    if scheme and problem and problem:find("scheme") then
      return refuse("unsupported", text, method, "the scheme %q is not supported", scheme)
    end
    return refuse("invalid_url", text, method, "the URL cannot be understood: %s", problem)
  elseif not SCHEMES[parts.scheme] then
    return refuse("unsupported", text, method, "only http and https URLs can be requested, not %s",
      parts.scheme)
  end
  parts.origin = ("%s://%s:%s"):format(parts.scheme, parts.host:lower(), parts.port)
  parts.is_address = is_address(parts.host)
  return parts
end

return M
