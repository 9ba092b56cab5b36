--- What libcurl is told of a request: option by option, and the limits that curlew keeps. Pure:
--- nothing is sent here.

local each = require("curlew.compat").each
local curl = require "curlew.curl"
local options = require "curlew.options"
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

local features = curl.features()

-- libcurl 7.88 fails when it uses a connection of HTTP/2 without TLS again (curl's issue 10634).
local breaks_h2c = features.libcurl:find("^7%.88%.") ~= nil

-- What libcurl can decode, in its own order.
local ENCODINGS = {}
for _, encoding in ipairs {
  { "gzip", "deflate, gzip" },
  { "brotli", "br" },
  { "zstd", "zstd" },
} do
  ENCODINGS[#ENCODINGS + 1] = features[encoding[1]] and encoding[2] or nil
end

-- Header fields that are sent unless the user names or removes (false) them. Of an option of its
-- own, libcurl would make a line anew for each request, at a higher cost than that of all of these.
local function add_defaults(fields, request)
  local function default(name, value)
    if fields[name:lower()] == nil then
      fields[name:lower()] = { name = name, values = { value } }
    end
  end
  default("User-Agent", request.options.user_agent or "curlew/" .. version)
  if request.options.decompress and ENCODINGS[1] then
    default("Accept-Encoding", table.concat(ENCODINGS, ", "))
  end
  if request.content_type then
    default("Content-Type", request.content_type)
  end
  local auth = request.options.auth
  if type(auth) == "table" and auth.bearer then
    default("Authorization", "Bearer " .. auth.bearer)
  end
end

-- libcurl's form of header lines: "Name: value", "Name;" for an empty value, "Name:" for one that
-- libcurl would add itself and is not to.
local function header_lines(request)
  local fields, lines = options.union(request.options.headers or {}), {}
  add_defaults(fields, request)
  local names = {}
  for name, field in each(fields) do
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
  if (request.body or request.source) and not fields["expect"] then
    lines[#lines + 1] = "Expect:" -- else libcurl waits a second for a 100 that few servers send
  end
  if type(request.body) == "string" and not fields["content-type"] then
    lines[#lines + 1] = "Content-Type:" -- else libcurl calls every body a form
  end
  return lines[1] and lines
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
  if given.verify and (type(given.verify) == "string" or features.ca_file) then
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
  -- Where none is given, libcurl looks into the environment.
  set.PROXY = given.proxy == false and "" or given.proxy
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

-- At least 1: 0 is libcurl's default.
local function milliseconds(seconds)
  return math.max(1, math.min(math.ceil(seconds * 1000), 2 ^ 31 - 1))
end

-- By name, for curl_easy_setopt.
local function curl_options(request)
  local given = request.options
  local set = {
    HTTP_VERSION = HTTP_VERSIONS[given.http],
    -- libcurl shares it out among the addresses of a host.
    CONNECTTIMEOUT_MS = milliseconds(math.min(given.timeout.connect, request.total)),
    ACCEPT_ENCODING = given.decompress and "" or nil,
    VERBOSE = given.verbose and true or nil,
    HTTPHEADER = header_lines(request),
  }
  set_network(set, given)
  set_cookies(set, request)
  set_method(set, request)
  set_auth(set, request)
  if request.target.scheme == "https" then
    set_tls(set, given)
  end
  set_multiplexing(set, request)
  return given.curl and options.union(set, given.curl) or set
end

local function make(request)
  local given = request.options
  return {
    options = curl_options(request),
    max_body = request.max_body,
    max_speed = given.max_speed,
    idle = given.timeout.idle,
    connect = given.timeout.connect,
    streamed = request.streamed,
    -- libcurl may read more than one head where it authenticates in several steps; and with options
    -- of its own, who knows.
    guarded = not request.negotiates and not given.curl,
  }
end

local count = 0 -- of setups that serve many requests

-- The setup of all kept requests of a session with this method and scheme.
local function shared(request)
  local setups, target = request.setups, request.target
  if not setups or target.user then
    return nil
  end
  local setup = setups[target.scheme]
  if not setup then
    setup = make(request)
    count = count + 1
    -- An authentication in several steps leaves in a handle what is for one host alone.
    setup.number = not request.negotiates and count or nil
    setups[target.scheme] = setup
  end
  return setup
end

--- What libcurl is told of a request, for `client:start`, but for its URL, its body, and how much
--- time is left.
---@param request table of `curlew.request`
---@return table
function M.of(request)
  if not request.setup then
    request.setup = shared(request) or make(request)
  end
  return request.setup
end

return M
