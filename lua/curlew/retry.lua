--- When a request that has failed is sent once more. Pure, but for chance.

local checks = require "curlew.checks"
local curl = require "curlew.curl"
local errors = require "curlew.error"

local M = {}

local function set_of(...)
  local set = {}
  for _, item in ipairs { ... } do
    set[item] = true
  end
  return set
end

local DEFAULTS = {
  max = 3, -- attempts after the first
  statuses = set_of(408, 425, 429, 500, 502, 503, 504),
  methods = set_of("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"), -- RFC 9110 section 9.2.2
  backoff = 0.5, -- seconds
  max_delay = 30, -- seconds
}

-- Errors after which the same request may well succeed, but which are not the server's doing.
local NEVER = set_of("cancelled", "closed_session")

local function check_set(check)
  return function(name, value)
    errors.check_type(("option %q"):format(name), value, "table")
    local set = {}
    for index, item in ipairs(value) do
      set[check(("%s[%d]"):format(name, index), item)] = true
    end
    return set
  end
end

local PARTS = {
  backoff = checks.seconds,
  max = checks.whole(0, "attempts"),
  max_delay = checks.seconds,
  methods = check_set(function(name, value)
    return checks.method(name, value):upper()
  end),
  statuses = check_set(checks.whole(100, "a status")),
}

--- The option "retry": false, how often a request is sent once more, or a table: `max`, `statuses`,
--- `methods`, `backoff` and `max_delay`.
---@return table|false policy
function M.policy(name, value)
  if value == false or value == 0 then
    return false
  elseif type(value) == "number" then
    value = { max = value }
  elseif type(value) ~= "table" then
    errors.blame("option %q must be false, a number of attempts or a table, got %s", name,
      tostring(value))
  end
  local policy = {}
  for part, default in pairs(DEFAULTS) do
    policy[part] = default
  end
  for part, given in pairs(value) do
    checks.check_known(part, PARTS, ("part of option %q"):format(name))
    policy[part] = PARTS[part](("%s.%s"):format(name, part), given)
  end
  return policy
end

--- Whether another attempt makes sense.
---@param policy table
---@param method string
---@param is_replayable boolean whether the body can be sent again
---@param status? integer of the response
---@param err? curlew.Error where there was none
---@return boolean
function M.applies(policy, method, is_replayable, status, err)
  if not policy.methods[method:upper()] or not is_replayable then
    return false
  elseif err then
    return err.retryable == true and not NEVER[err.kind] and err.phase ~= "queue"
  end
  return policy.statuses[status] == true
end

-- Seconds that a Retry-After field asks for (RFC 9110 section 10.2.3); nil when it says nothing.
local function asked_delay(text, now)
  if not text then
    return nil
  elseif text:find("^%s*%d+%s*$") then
    return tonumber(text)
  end
  local date = text:find("%a") and curl.parse_date(text)
  return date and math.max(0, date - now)
end

--- Seconds to wait before the next attempt: what the server asks for; else any time up to twice
--- that of the attempt before ("full jitter"), so that clients which have failed together do not
--- come back together.
---@param policy table
---@param attempt integer the one that has failed, 1 for the first
---@param retry_after? string the field of the response
---@param now? number Unix seconds
---@param random? fun(): number from 0 to 1
---@return number
function M.delay(policy, attempt, retry_after, now, random)
  local asked = asked_delay(retry_after, now or os.time())
  if asked then
    return math.min(asked, policy.max_delay)
  end
  return (random or math.random)() * math.min(policy.max_delay, policy.backoff * 2 ^ (attempt - 1))
end

return M
