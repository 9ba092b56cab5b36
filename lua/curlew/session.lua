--- Sessions: requests that share options, limits, connections and cookies.

local errors = require "curlew.error"
local event_source = require "curlew.event_source"
local exchange = require "curlew.exchange"
local jar = require "curlew.jar"
local lookups = require "curlew.lookups"
local loop = require "curlew.loop"
local options = require "curlew.options"
local pool = require "curlew.pool"
local request = require "curlew.request"
local run = require "curlew.run"
local sending = require "curlew.sending"
local shards = require "curlew.shards"
local task = require "curlew.task"
local uv = require "curlew.uv"

---@class curlew.Session
local Session = { __name = "curlew.Session" }
Session.__index = Session

local M = {}

-- Connections that a session without a limit keeps for reuse.
local MOST_CACHED = 10000

local PRIVATE = tonumber("600", 8) -- mode of a file that is its owner's

-- Sends what a call asks for: its options, with its `method` and `url` among them.
local function send(session, call)
  local given = options.union(call)
  given.url, given.method = nil, nil
  local wanted, err = request.new(session.defaults, call.method, call.url, given)
  if not wanted then
    return nil, err
  end
  wanted.call = call
  return sending.perform(session, wanted)
end

-- Passes a call on to the middleware number `index`, or, behind the last one, sends it.
local function pass_on(session, call, index)
  local wrap = session.middleware[index]
  if not wrap then
    return send(session, call)
  end
  return wrap(call, function(changed)
    return pass_on(session, changed or call, index + 1)
  end)
end

--- Sends a request and waits for its response. Wrong options are raised at the caller's line.
---@async
---@param method? string default GET, or POST when there is a body
---@param address string absolute, or relative to the session's base_url
---@param given? table the options of a request
---@return curlew.Response?
---@return curlew.Error? err when there is no response; a status of 400 or above is one
function Session:request(method, address, given)
  task.checkpoint()
  if self.middleware[1] then
    local known = request.new(self.defaults, method, address, given) -- raises where the user stands
    local call = options.union(given or {})
    call.method, call.url = known and known.method or method or call.method, address
    call.headers = options.union(call.headers or {})
    return pass_on(self, call, 1)
  end
  local wanted, err = request.new(self.defaults, method, address, given, self.kept)
  if not wanted then
    return nil, err
  end
  if given then
    wanted.call = given
  end
  return sending.perform(self, wanted)
end

for _, method in ipairs { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS" } do
  --- `session:get(address, options)` and the like: `request` with that method.
  Session[method:lower()] = function(session, address, given)
    return session:request(method, address, given)
  end
end

--- Server-sent events, for a loop: `for event in session:events(address) do`. Connects again, with
--- the id of the last event, when the connection ends; each step waits. Raises what connecting
--- again would not mend.
---@param address string
---@param given? table the options of a request
---@return curlew.EventSource
function Session:events(address, given)
  return event_source.new(self, address, given)
end

--- Has `wrap(request, next)` called for each request of the session from now on. `request` is a
--- table of the request's options with its `method`, `url` and `headers`, which may be changed;
--- `next(request)` goes on to the next middleware, or to the network, and returns a response, or
--- nil and an error, which are to be returned, too. The first one added is the outermost.
---@param wrap fun(request: table, next: fun(request: table): curlew.Response?, curlew.Error?)
function Session:use(wrap)
  errors.check_callable("the middleware", wrap)
  table.insert(self.middleware, wrap)
end

-- Cookies --------------------------------------------------------------------------------------

local function check_jar(session)
  if not session.defaults.cookies then
    errors.blame("this session has no cookies: make it with cookies = true, or a path")
  elseif session.closed then
    errors.blame("the session is closed")
  end
  return session.driver.client
end

--- The cookies that the session has now. Does not wait.
---@return table[] cookies `{ name, value, domain, path, secure, http_only, subdomains, expires }`
function Session:cookies()
  local cookies, now = {}, os.time()
  for _, line in ipairs(check_jar(self):cookies()) do
    local cookie = jar.parse(line)
    if (cookie.expires or math.huge) > now then -- libcurl drops the others only when it sends some
      cookies[#cookies + 1] = cookie
    end
  end
  return cookies
end

--- Adds a cookie, or replaces the one of its name, domain and path. Does not wait.
---@param cookie table as of `cookies`; name, value and domain are needed
---@return true?
---@return curlew.Error? err of kind "unsupported" when libcurl keeps no such cookie: one for all of
--- a public suffix, or `__Secure-` without `secure`
function Session:set_cookie(cookie)
  check_jar(self):set_cookie(jar.format(cookie))
  if (cookie.expires or math.huge) > os.time() and not jar.find(self:cookies(), cookie) then
    return nil, errors.new {
      kind = "unsupported",
      message = ("libcurl refuses the cookie %q of %s"):format(cookie.name, cookie.domain),
      retryable = false,
    }
  end
  return true
end

--- Removes all cookies. Does not wait.
function Session:clear_cookies()
  check_jar(self):set_cookie("ALL")
end

--- Writes the cookies into the file of the option "cookies", in the Netscape format; `close` does
--- so by itself. A new file is its owner's only; one that is there keeps its mode. Does not wait.
---@return true?
---@return curlew.Error? err of kind "io"
function Session:save_cookies()
  local client, path = check_jar(self), self.defaults.cookies
  if type(path) ~= "string" then
    return true
  end
  local made = uv.fs_open(path, "ax", PRIVATE) -- libcurl would make it for everybody to read
  if made then
    uv.fs_close(made)
  end
  local before = uv.fs_stat(path)
  client:save_cookies(path)
  local after = uv.fs_stat(path)
  -- libcurl does not tell; but it writes a new file, which takes the place of the old one.
  if not after or before and before.ino == after.ino and after.type == "file" then
    return nil, errors.new {
      kind = "io",
      message = "the cookies cannot be written to " .. path,
      retryable = false,
    }
  end
  return true
end

-- The rest -------------------------------------------------------------------------------------

--- For `curlew.sending`: counts what a transfer has brought.
function Session:count(outcome)
  local counted = self.counted
  counted.requests = counted.requests + 1
  counted.reused = counted.reused + (outcome.connects == 0 and 1 or 0)
end

--- What the session does at this moment, and what it has done so far. Does not wait.
---@return table<string, number> stats connections `open`, and `idle` of them; requests `in_flight`
--- and `queued`; so far, `requests`, those of them on a `reused` connection, and bytes of bodies on
--- the wire, `received` and `sent`
function Session:stats()
  local open = self.closed and 0 or self.driver.client:sockets()
  local counted = self.counted
  local received, sent = self.driver.client:moved()
  return {
    open = open,
    in_flight = self.pool.active,
    idle = math.max(0, open - self.pool.active),
    queued = self.pool.queued,
    requests = counted.requests,
    reused = counted.reused,
    received = received,
    sent = sent,
  }
end

--- Ends the requests that are under way, with kind "closed_session", closes the connections, and
--- writes the cookies into their file. Does not wait; may be called again.
---@return true?
---@return curlew.Error? err of kind "io" when the cookies could not be written
function Session:close()
  if self.closed then
    return true
  end
  local saved, err = true, nil
  self.lost = self.driver:why_lost()
  if self.defaults.cookies and not self.driver.client:is_inherited() then
    saved, err = self:save_cookies()
  end
  self.closed = true
  exchange.end_all(self)
  return saved, err
end

Session.__close = Session.close

--- For `curlew.sending`: closes the session if it can serve no more.
function Session:close_if_lost()
  if not self.closed and self.driver:why_lost() then
    self:close()
  end
end

--- Makes a session. It holds connections for reuse until it is closed or collected.
---@param given? table session options
---@return curlew.Session
function M.session(given)
  local checked = options.for_session(given)
  return setmetatable({
    defaults = checked,
    middleware = {},
    kept = {}, -- requests, see there
    counted = { requests = 0, reused = 0 },
    driver = loop.new(math.min(checked.max_connections, MOST_CACHED), checked.cookies),
    lookups = lookups.new(),
    shards = shards.new(),
    pool = pool.new(checked.max_connections, checked.max_per_host, checked.max_queue),
  }, Session)
end

local default -- the session of `fetch`; lives from its first use to the end of the run

run.at_end(function()
  if default then
    default:close()
    default = nil
  end
end)

--- Sends a request through a session that all calls share, and waits for its response.
---@async
---@param address string
---@param given? table the options of a request
---@return curlew.Response?
---@return curlew.Error? err
function M.fetch(address, given)
  task.checkpoint()
  if not default or default.driver:why_lost() then
    default = M.session()
  end
  return default:request(nil, address, given)
end

return M
