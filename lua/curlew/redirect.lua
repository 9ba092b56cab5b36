--- Where a redirect leads, and what may go along. libcurl would follow by itself, but would hand
--- cookies and keys to strangers, and leave https for http.

local each = require("curlew.compat").each
local failure = require "curlew.failure"
local options = require "curlew.options"
local requests = require "curlew.request"
local secrets = require "curlew.secrets"
local url = require "curlew.url"

local M = {}

--- RFC 9110 section 15.4; 300 and 304 name no place to go to by themselves.
M.STATUSES = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }

-- Fields that describe a body that is not sent again.
local BODY_FIELDS = {
  ["content-encoding"] = true,
  ["content-language"] = true,
  ["content-length"] = true,
  ["content-location"] = true,
  ["content-type"] = true,
  ["transfer-encoding"] = true,
}

-- The fetch standard, HTTP-redirect fetch: 303 turns all but HEAD into GET, 301 and 302 only POST.
local function becomes_get(status, method)
  if status == 303 then
    return method ~= "GET" and method ~= "HEAD"
  end
  return (status == 301 or status == 302) and method == "POST"
end

local function copy_without(fields, is_dropped)
  local kept = {}
  for name, value in each(fields or {}) do
    if not is_dropped(name) then
      kept[name] = value
    end
  end
  return kept
end

local function next_request(request, target, status)
  local changed = options.union(request.options)
  local new = requests.copy(request)
  new.target, new.options = target, changed
  if becomes_get(status, request.method) then
    new.method, new.body, new.source, new.content_type = "GET", nil, nil, nil
    changed.headers = copy_without(changed.headers, function(name)
      return BODY_FIELDS[name]
    end)
  end
  if target.origin ~= request.target.origin then
    changed.auth, changed.curl, changed.cert, changed.key = nil, nil, nil, nil
    new.negotiates = false
    changed.headers = copy_without(changed.headers, function(name)
      return name == "host" or secrets.is_secret(name)
    end)
  elseif not target.user then
    target.user, target.password = request.target.user, request.target.password
  end
  if request.target.fragment and not target.fragment then -- RFC 9110 section 10.2.2
    target.fragment = request.target.fragment
    target.url = target.url .. "#" .. target.fragment
  end
  return new
end

--- What a response asks to be requested instead.
---@param request table
---@param response curlew.Response
---@param hops integer redirects followed so far
---@return table? request nil when the response is the answer
---@return curlew.Error? err of kind "redirect" when it must not be followed
function M.follow(request, response, hops)
  local mode = request.options.redirect
  local location = M.STATUSES[response.status] and response.headers:all("location")[1]
  if not location or mode == "manual" then
    return nil
  elseif mode == "error" then
    return nil, failure.of(request, "redirect",
      "the server redirects, which redirect = \"error\" forbids")
  elseif hops >= request.options.max_redirects then
    return nil, failure.of(request, "redirect", "more than %d redirects",
      request.options.max_redirects)
  end
  local target, err = url.parse(location, request.target.url, nil, request.method)
  if not target then
    return nil, failure.of(request, "redirect", "the server redirects to %s: %s",
      url.redact(location), err.message)
  elseif request.target.scheme == "https" and target.scheme == "http" then
    return nil, failure.of(request, "redirect", "the server redirects from https to http, to %s",
      url.printable(target.url))
  end
  local new = next_request(request, target, response.status)
  if not requests.is_replayable(new) then
    return nil, failure.of(request, "redirect",
      "the server redirects, and the body cannot be sent again")
  end
  return new
end

return M
