--- Requests: from what the user has given to what is to be sent. Pure: nothing is sent here.

local each = require("curlew.compat").each
local errors = require "curlew.error"
local form = require "curlew.form"
local json = require "curlew.json"
local options = require "curlew.options"
local url = require "curlew.url"

local M = {}

-- Methods that are meant however they are written (as in the fetch standard, and PATCH).
local NORMAL = {}
for _, name in ipairs { "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT" } do
  NORMAL[name] = name
end

-- Methods that say "Content-Length: 0" when they have no body (RFC 9110 section 8.6).
local EMPTY_BODY = { PATCH = "", POST = "", PUT = "" }

-- Requests of one method that a session keeps.
local MOST_KEPT = 256

local function encode_json(value)
  local ok, text = pcall(json.encode, value)
  if not ok then
    errors.blame("option \"json\" cannot be encoded: %s", errors.describe(text))
  end
  return text
end

--- By option: from its value to the fields of the request that tell of the body: `body`, a string,
---- or the list of parts of a form; `source`, of one sent piece by piece (see `curlew.upload`);
--- `content_type`.
M.BODIES = {
  body = function(value)
    if type(value) == "string" then
      return { body = value }
    end
    return { source = type(value) == "function" and { fn = value } or { reader = value } }
  end,
  file = function(path)
    return { source = { path = path } }
  end,
  form = function(fields)
    local text = form.encode('option "form"', fields)
    return { body = text, content_type = "application/x-www-form-urlencoded" }
  end,
  json = function(value)
    return { body = encode_json(value), content_type = "application/json" }
  end,
  multipart = function(parts)
    return { body = parts }
  end,
}

local function encode_body(given)
  local encoded, chosen = {}, nil
  for name, encode in each(M.BODIES) do
    if given[name] ~= nil then
      if chosen then
        local first, second = chosen, name
        if second < first then
          first, second = second, first
        end
        errors.blame("options %q and %q exclude each other: a request has one body", first, second)
      end
      encoded, chosen = encode(given[name]), name
    end
  end
  return encoded
end

-- Limits that are for a response read into memory, unless it is said otherwise: a streamed one may
-- be endless.
local function set_limits(request)
  local given = request.options
  request.streamed = given.stream or given.sink ~= nil
  request.max_body = given.max_body or (request.streamed and math.huge or options.MAX_BODY)
  request.text_limit = given.max_body or options.MAX_BODY
  request.total = given.timeout.total or (request.streamed and math.huge or options.TOTAL)
end

-- A field that frames the body in another way than curlew does would have a server take the rest of
-- it for a request of its own.
local function check_framing(request)
  local fields = request.options.headers or {}
  local length, coding = fields["content-length"], fields["transfer-encoding"]
  local has_body = (request.body or request.source) and request.body ~= ""
  local real = has_body and (request.body_length or "unknown") or 0
  local said = length and table.concat(length.values or {}, ", ")
  if length and said ~= tostring(real) and (has_body or length.values) then
    errors.blame("header %q is not the length of the body: leave it out", length.name)
  elseif coding and has_body and table.concat(coding.values or {}, ", "):lower() ~= "chunked" then
    errors.blame("header %q can only be \"chunked\": leave it out", coding.name)
  elseif coding and coding.values and (length or not has_body) then
    errors.blame("header %q is for a body without a length: leave it out", coding.name)
  end
end

-- What a request says but for its URL.
local function make(defaults, method, given)
  local checked = options.for_request(given, defaults)
  if method then
    options.request_only.method("method", method)
  end
  if checked.allow and checked.unix_socket then
    errors.blame("options \"allow\" and \"unix_socket\" exclude each other: "
      .. "a Unix socket has no address")
  end
  local request = encode_body(checked)
  local has_body = request.body or request.source
  method = method or checked.method or (has_body and "POST" or "GET")
  method = NORMAL[method:upper()] or method
  if has_body and method == "HEAD" then
    errors.blame("a HEAD request cannot have a body")
  end
  local auth = checked.auth
  request.method, request.options = method, checked
  request.body = request.body or (not request.source and EMPTY_BODY[method] or nil)
  request.body_length = type(request.body) == "string" and #request.body or nil
  check_framing(request)
  request.negotiates = type(auth) == "table" and (auth.type == "digest" or auth.type == "any")
  request.params = checked.params and form.encode('option "params"', checked.params)
  set_limits(request)
  return request
end

-- What `kept` has for a method: its requests by address, and the setups that they share.
local function kept_for(kept, method)
  local of_method = kept[method]
  if not of_method then
    of_method = { requests = {}, setups = {}, count = 0 }
    kept[method] = of_method
  elseif of_method.count == MOST_KEPT then
    of_method.requests, of_method.count = {}, 0
  end
  return of_method
end

local function keep(kept, address, request)
  local of_method = kept_for(kept, request.method)
  request.setups = of_method.setups
  of_method.requests[address], of_method.count = request, of_method.count + 1
end

--- Makes a request of what the user has given. Raises, at the caller's line, for wrong options. It
--- is not changed any more: one that says nothing but its URL may be kept, and serve many calls.
---@param defaults table options of a session
---@param method? string
---@param address string
---@param given? table
---@param kept? table where the session with these options keeps requests, empty at first
---@return table? request `{ method, target, options, body, source, content_type, ... }`
---@return curlew.Error? err of kind "invalid_url" or "unsupported"
function M.new(defaults, method, address, given, kept)
  if given ~= nil then
    kept = nil
  end
  local of_method = kept and kept[method or "GET"]
  local known = of_method and of_method.requests[address]
  if known then
    return known
  end
  errors.check_type("the URL", address, "string")
  local request = make(defaults, method, given)
  local target, err = url.parse(address, defaults.base_url, request.params, request.method)
  if not target then
    return nil, err
  end
  request.target = target
  if kept then
    keep(kept, address, request)
  end
  return request
end

--- A copy of a request that can be changed.
---@param request table
---@return table
function M.copy(request)
  local copy = options.union(request)
  copy.setup, copy.setups = nil, nil
  return copy
end

--- Whether a request can be sent once more as it was.
---@param request table
---@return boolean
function M.is_replayable(request)
  return request.source == nil or request.source.path ~= nil
end

return M
