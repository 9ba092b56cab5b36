--- The options of requests and sessions: which there are, what they may be, and their defaults.
--- Pure. An option is added here, and where `curlew.request` makes use of it.

local checks = require "curlew.checks"
local each = require("curlew.compat").each
local errors = require "curlew.error"
local multipart = require "curlew.multipart"
local retry = require "curlew.retry"

local M = {}

--- What a request may say, and a session as the default for its requests.
M.request = {
  auth = checks.auth,
  cert = checks.line,
  check = checks.of_type "boolean",
  curl = checks.escape_hatch,
  decompress = checks.of_type "boolean",
  headers = checks.headers,
  http = checks.one_of("auto", "1.1", "2", "2-prior-knowledge", "3"),
  interface = checks.line,
  ip = checks.one_of("any", "4", "6"),
  key = checks.line,
  max_body = checks.whole(0, "bytes"),
  max_redirects = checks.whole(0, "redirects"),
  max_speed = checks.whole(1, "bytes a second"),
  params = checks.of_type "table",
  pinned_key = checks.line,
  proxy = checks.proxy,
  redirect = checks.one_of("follow", "manual", "error"),
  resolve = checks.list_of_lines,
  retry = retry.policy,
  timeout = checks.timeout,
  tls_min = checks.one_of("1.0", "1.1", "1.2", "1.3"),
  unix_socket = checks.line,
  verbose = checks.callable,
  user_agent = checks.line,
  verify = checks.verify,
}

--- What only a request may say.
M.request_only = {
  body = checks.body,
  file = checks.line,
  form = checks.of_type "table",
  json = function(_, value)
    return value
  end,
  method = checks.method,
  multipart = multipart.check,
  on_progress = checks.callable,
  sink = checks.sink,
  stream = checks.of_type "boolean",
}

--- What only a session may say.
M.session_only = {
  allow = checks.callable,
  base_url = checks.line,
  cookies = checks.cookies,
  max_connections = checks.whole(1, "connections"),
  max_per_host = checks.whole(1, "connections"),
  max_queue = checks.whole(0, "requests"),
  transport = checks.callable,
}

--- The defaults for a response that is read into memory; a streamed one has none of them.
M.MAX_BODY = 64 * 1024 * 1024 -- bytes
M.TOTAL = 300 -- seconds

--- The defaults of all of them.
M.defaults = {
  check = false,
  decompress = true,
  http = "auto",
  ip = "any",
  max_connections = 100,
  max_per_host = 6,
  max_redirects = 10,
  redirect = "follow",
  timeout = { connect = 10, idle = 60 },
  tls_min = "1.2",
  verify = true,
}

--- A table of all fields of some tables; of those with one name, the last one's.
---@param ... table
---@return table
function M.union(...)
  local all = {}
  for _, known in ipairs { ... } do
    for name, check in each(known) do
      all[name] = check
    end
  end
  return all
end

local for_request = M.union(M.request, M.request_only)
local for_session = M.union(M.request, M.session_only)

local function check_all(given, known)
  local checked = {}
  if given == nil then
    return checked
  end
  errors.check_type("the options", given, "table")
  for name, value in each(given) do
    checks.check_known(name, known, "option")
    checked[name] = known[name](name, value)
  end
  return checked
end

-- Fields that are not said come from `defaults`; timeouts and headers are merged part by part.
local function merge(options, defaults)
  local headers_given, timeout_given = options.headers, options.timeout
  for name, value in each(defaults) do
    if options[name] == nil then
      options[name] = value
    end
  end
  if timeout_given and defaults.timeout then
    options.timeout = M.union(defaults.timeout, timeout_given)
  end
  if headers_given and defaults.headers then
    options.headers = M.union(defaults.headers, headers_given)
  end
  return options
end

--- Checks the options of a session, and fills in the defaults.
---@param given? table
---@return table
function M.for_session(given)
  return merge(check_all(given, for_session), M.defaults)
end

--- Checks the options of a request, and fills in those of its session.
---@param given? table
---@param session table as `for_session` has returned it
---@return table
function M.for_request(given, session)
  if given == nil then
    return session
  end
  return merge(check_all(given, for_request), session)
end

return M
