--- Sessions: requests that share options, limits and connections.

local exchange = require "curlew.exchange"
local loop = require "curlew.loop"
local options = require "curlew.options"
local pool = require "curlew.pool"
local redirect = require "curlew.redirect"
local request = require "curlew.request"
local response = require "curlew.response"
local run = require "curlew.run"
local task = require "curlew.task"
local time = require "curlew.time"

---@class curlew.Session
local Session = { __name = "curlew.Session" }
Session.__index = Session

local M = {}

-- Connections that a session without a limit keeps for reuse.
local MOST_CACHED = 10000

-- Sends a request, and those that its redirects lead to, within one deadline.
local function perform(session, wanted)
  local total = wanted.options.timeout.total
  local deadline = total < math.huge and time.now() + total or math.huge
  local history = {}
  while true do
    local outcome, err = exchange.perform(session, wanted, deadline)
    if not outcome then
      return nil, err
    end
    local answer = response.new(wanted, outcome, history)
    local next_wanted, refusal = redirect.follow(wanted, answer, #history)
    if refusal then
      refusal.response = answer
      return nil, refusal
    elseif not next_wanted then
      return answer
    end
    history[#history + 1] = answer
    wanted = next_wanted
  end
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
  local wanted, err = request.new(self.defaults, method, address, given)
  if not wanted then
    return nil, err
  end
  local answer, problem = perform(self, wanted)
  if answer and wanted.options.check then
    return answer:check()
  end
  return answer, problem
end

for _, method in ipairs { "get", "head", "post", "put", "patch", "delete", "options" } do
  --- `session:get(address, options)` and the like: `request` with that method.
  Session[method] = function(session, address, given)
    return session:request(method:upper(), address, given)
  end
end

--- Ends the requests that are under way, with kind "closed_session", and closes the connections.
--- Does not wait; may be called again.
function Session:close()
  if not self.closed then
    self.closed = true
    exchange.end_all(self)
  end
end

Session.__close = Session.close

--- Makes a session. It holds connections for reuse until it is closed or collected.
---@param given? table session options
---@return curlew.Session
function M.session(given)
  local checked = options.for_session(given)
  return setmetatable({
    defaults = checked,
    driver = loop.new(math.min(checked.max_connections, MOST_CACHED)),
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
  default = default or M.session()
  return default:request(nil, address, given)
end

return M
