--- From checked options to what libcurl is told. Pure: nothing is sent here.

local curl = require "curlew.curl"
local errors = require "curlew.error"
local form = require "curlew.form"
local json = require "curlew.json"
local options = require "curlew.options"
local url = require "curlew.url"
local version = require "curlew.version"

local M = {}

-- libcurl's CURL_HTTP_VERSION_*: "auto" is 2 over TLS, and 1.1 without.
local HTTP_VERSIONS = { auto = 4, ["1.1"] = 2, ["2"] = 3, ["2-prior-knowledge"] = 5, ["3"] = 30 }
-- CURL_SSLVERSION_*, as the lowest version allowed.
local TLS_VERSIONS = { ["1.0"] = 4, ["1.1"] = 5, ["1.2"] = 6, ["1.3"] = 7 }
-- CURL_IPRESOLVE_*
local IP_VERSIONS = { ["4"] = 1, ["6"] = 2 }
-- CURL_NETRC_REQUIRED: without a password in the URL it is the file's that counts
local NETRC_REQUIRED = 2
-- CURLAUTH_*
local AUTH_TYPES = { basic = 1, digest = 2, any = 3 }

-- Methods that are meant however they are written (as in the fetch standard, and PATCH).
local NORMAL = {}
for _, name in ipairs { "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT" } do
  NORMAL[name] = name
end

-- Methods that say "Content-Length: 0" when they have no body (RFC 9110 section 8.6).
local EMPTY_BODY = { PATCH = "", POST = "", PUT = "" }

local ca_file = curl.features().ca_file

-- libcurl 7.88 fails when it uses a connection of HTTP/2 without TLS again (curl's issue 10634).
local breaks_h2c = curl.features().libcurl:find("^7%.88%.") ~= nil

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
  for name, encode in pairs(M.BODIES) do
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

-- Header fields that are sent unless the user names or removes (false) them.
local function add_defaults(fields, request)
  local function default(name, value)
    if fields[name:lower()] == nil then
      fields[name:lower()] = { name = name, values = { value } }
    end
  end
  default("User-Agent", request.options.user_agent or ("curlew/" .. version))
  if request.content_type then
    default("Content-Type", request.content_type)
  end
  local auth = request.options.auth
  if type(auth) == "table" and auth.bearer then
    default("Authorization", "Bearer " .. auth.bearer)
  end
end

-- The lines of requests without a body, by table of options.
local plain_lines = setmetatable({}, { __mode = "k" })

-- libcurl's form of header lines: "Name: value", "Name;" for an empty value, "Name:" for one that
-- libcurl would add itself and is not to.
local function make_lines(request)
  local fields, lines = options.union(request.options.headers or {}), {}
  add_defaults(fields, request)
  local names = {}
  for name, field in pairs(fields) do
    if name ~= "cookie" or not field.values then -- see set_cookies
      names[#names + 1] = name
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local field = fields[name]
    for _, value in ipairs(field.values or {}) do
      lines[#lines + 1] = value == "" and field.name .. ";" or field.name .. ": " .. value
    end
    if not field.values then
      lines[#lines + 1] = field.name .. ":"
    end
  end
  if not fields["expect"] then -- else libcurl waits a second for a 100 that few servers send
    lines[#lines + 1] = "Expect:"
  end
  if type(request.body) == "string" and not fields["content-type"] then
    lines[#lines + 1] = "Content-Type:" -- else libcurl calls every body a form
  end
  return lines
end

local function header_lines(request)
  if request.body or request.source then
    return make_lines(request)
  end
  local lines = plain_lines[request.options] or make_lines(request)
  plain_lines[request.options] = lines
  return lines
end

-- libcurl joins these with those of the jar: a request has one Cookie field (RFC 6265 section 5.4).
local function set_cookies(set, request)
  local headers = request.options.headers
  local field = headers and headers.cookie
  set.COOKIE = field and field.values and table.concat(field.values, "; ") or nil
end

local function set_method(set, request)
  if request.source then
    set.UPLOAD, set.INFILESIZE_LARGE = true, request.body_length or -1
    set.CUSTOMREQUEST = request.method
  elseif request.body then
    set.POST = type(request.body) == "string" or nil
    set.CUSTOMREQUEST = request.method
  elseif request.method == "HEAD" then
    set.NOBODY = true
  elseif request.method ~= "GET" then
    set.CUSTOMREQUEST = request.method
  end
end

local function set_tls(set, given)
  if given.verify == false then
    set.SSL_VERIFYPEER, set.SSL_VERIFYHOST = false, 0
  elseif type(given.verify) == "string" then
    set.CAINFO = given.verify
  end
  -- With a folder beside the file, libcurl reads the file again for every connection.
  if given.verify and (type(given.verify) == "string" or ca_file) then
    set.CAPATH = false
  end
  set.SSLVERSION = TLS_VERSIONS[given.tls_min]
  set.SSLCERT, set.SSLKEY, set.PINNEDPUBLICKEY = given.cert, given.key, given.pinned_key
  set.KEYPASSWD = (given.cert or given.key) and "" or nil -- else OpenSSL asks on the terminal
end

local function set_auth(set, request)
  local auth = request.options.auth
  if auth == "netrc" then
    set.NETRC = NETRC_REQUIRED
  elseif auth and auth.user then
    set.USERNAME, set.PASSWORD = auth.user, auth.password or ""
    set.HTTPAUTH = AUTH_TYPES[auth.type or "basic"]
  elseif not auth and request.target.user then
    set.USERNAME, set.PASSWORD = request.target.user, request.target.password or ""
    set.HTTPAUTH = AUTH_TYPES.basic
  end
end

local function set_network(set, given)
  if given.proxy == false then
    set.PROXY = ""
  else
    set.PROXY = given.proxy
  end
  set.INTERFACE = given.interface
  set.UNIX_SOCKET_PATH = given.unix_socket
  set.RESOLVE = given.resolve
  set.IPRESOLVE = IP_VERSIONS[given.ip]
  if given.max_speed and given.max_speed < math.huge then
    set.MAX_SEND_SPEED_LARGE = given.max_speed -- that of receiving is curlew's own
  end
end

-- Joins an HTTP/2 connection that is being made, rather than make more. Not where the answer alone
-- would tell that there is none to join: all requests but the first would wait for that answer.
local function set_multiplexing(set, request)
  local http, scheme = request.options.http, request.target.scheme
  if breaks_h2c and http == "2-prior-knowledge" and scheme == "http" then
    set.FRESH_CONNECT, set.FORBID_REUSE = true, true
  elseif http == "2-prior-knowledge" or (scheme == "https" and http ~= "1.1") then
    set.PIPEWAIT = true
  end
end

local function milliseconds(seconds)
  return math.max(1, math.min(math.ceil(seconds * 1000), 2 ^ 31 - 1))
end

-- What libcurl is told of all requests with the same options, by table of options: most have those
-- of their session, and nothing more.
local shared = setmetatable({}, { __mode = "k" })

local function shared_options(given)
  local set = shared[given]
  if not set then
    set = {
      HTTP_VERSION = HTTP_VERSIONS[given.http],
      CONNECTTIMEOUT_MS = milliseconds(given.timeout.connect),
      ACCEPT_ENCODING = given.decompress and "" or nil,
      VERBOSE = given.verbose and true or nil,
    }
    set_network(set, given)
    shared[given] = set
  end
  return set
end

--- What libcurl is told of a request, by option name. The total limit of time is not in it: how
--- much of it is left is known only at the start.
---@param request table
---@return table
function M.curl_options(request)
  local given = request.options
  local set = options.union(shared_options(given))
  set.URL, set.HTTPHEADER = request.target.url, header_lines(request)
  set_cookies(set, request)
  set_method(set, request)
  set_auth(set, request)
  if request.target.scheme == "https" then
    set_tls(set, given)
  end
  set_multiplexing(set, request)
  return given.curl and options.union(set, given.curl) or set
end

--- Whether a request can be sent once more as it was.
---@param request table
---@return boolean
function M.is_replayable(request)
  return request.source == nil or request.source.path ~= nil
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

--- Makes a request of what the user has given. Raises, at the caller's line, for wrong options.
---@param session_options table
---@param method? string
---@param address string
---@param given? table
---@return table? request `{ method, target, options, body, source, content_type, ... }`
---@return curlew.Error? err of kind "invalid_url" or "unsupported"
function M.new(session_options, method, address, given)
  errors.check_type("the URL", address, "string")
  local checked = options.for_request(given, session_options)
  if method then
    options.request_only.method("method", method)
  end
  local request = encode_body(checked)
  local has_body = request.body or request.source
  method = method or checked.method or (has_body and "POST" or "GET")
  method = NORMAL[method:upper()] or method
  if has_body and method == "HEAD" then
    errors.blame("a HEAD request cannot have a body")
  end
  local query = checked.params and form.encode('option "params"', checked.params)
  local target, err = url.parse(address, checked.base_url, query, method)
  if not target then
    return nil, err
  end
  local auth = checked.auth
  request.method, request.target, request.options = method, target, checked
  request.body = request.body or (not request.source and EMPTY_BODY[method] or nil)
  request.body_length = type(request.body) == "string" and #request.body or nil
  request.negotiates = type(auth) == "table" and (auth.type == "digest" or auth.type == "any")
  set_limits(request)
  return request
end

--- The milliseconds of a limit in seconds, as libcurl takes it: at least 1.
M.milliseconds = milliseconds

return M
