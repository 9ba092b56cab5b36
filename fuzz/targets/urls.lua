--- URLs, and where a redirect leads.

local errors = require "curlew.error"
local options = require "curlew.options"
local redirect = require "curlew.redirect"
local request = require "curlew.request"
local response = require "curlew.response"
local url = require "curlew.url"

local BASE = "https://user:word@h.example:8443/a/b?c=d#e"

local defaults = options.for_session { headers = { Authorization = "s3", Cookie = "s3" } }
local from = assert(request.new(defaults, "GET", BASE, { auth = { bearer = "s3" } }))

local function check_error(err)
  assert(errors.is(err), "it fails without an error")
  assert(not tostring(err):find("%c"), "control characters in a message")
end

local function check_parts(parts)
  assert(parts.scheme == "http" or parts.scheme == "https", "another scheme")
  assert(parts.host ~= "" and not parts.host:find("[%c%s/@?#]"), "what is no host")
  assert(tonumber(parts.port) >= 0 and tonumber(parts.port) <= 65535, "what is no port")
  assert(not parts.url:find("[%z\1-\32\127]"), "control characters in a URL")
  local authority = parts.url:match("^https?://([^/?#]*)")
  assert(authority and not authority:find("@", 1, true), "a URL with a user")
  local again = assert(url.parse(parts.url))
  assert(again.url == parts.url and again.origin == parts.origin, "read again, it is another")
  assert(not url.printable(parts.url):find("%c"), "control characters in a message")
end

local function check(parts, err)
  if parts then
    check_parts(parts)
  else
    check_error(err)
  end
end

local function check_redirect(location)
  local answer = response.new(from, {
    status = 302,
    head = ("HTTP/1.1 302 Found\r\nLocation: %s\r\n\r\n"):format(location),
  })
  local new, err = redirect.follow(from, answer, 0)
  if not new then
    assert(err == nil and not answer.headers.location or err, "neither a request nor an error")
    return err and check_error(err)
  end
  check_parts(new.target)
  assert(new.target.scheme == "https", "it leaves https")
  if new.target.origin ~= from.target.origin then
    local fields = new.options.headers
    assert(not fields.authorization and not fields.cookie and not new.options.auth,
      "secrets go to another origin")
  end
end

return function(bytes)
  check(url.parse(bytes))
  check(url.parse("http://" .. bytes))
  check(url.parse(bytes, BASE))
  check(url.parse("http://h/" .. bytes, nil, "a=b"))
  check_redirect(bytes)
  assert(not url.redact(bytes):find("%c"), "control characters in a message")
end
