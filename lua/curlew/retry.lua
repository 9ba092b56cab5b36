--- When a request that has failed is sent once more. Pure, but for chance.

local checks = require "curlew.checks"
local each = require("curlew.compat").each
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

--- Statuses that may be gone at the next try, as keys.
M.STATUSES = set_of(408, 425, 429, 500, 502, 503, 504)

local DEFAULTS = {
  max = 3, -- attempts after the first
  statuses = M.STATUSES,
  methods = set_of("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"), -- RFC 9110 section 9.2.2
  backoff = 0.5, -- seconds
  max_delay = 30, -- seconds
}

local MOST_DOUBLINGS = 62 -- of the delay; more would only bring infinities, and 0 times one is NaN

-- What the user has ended; another attempt would not respect that.
local ENDED_BY_USER = set_of("cancelled", "closed_session")

-- A check for a list of what `check_item` takes; it returns a set.
local function list_of(check_item)
  return function(name, value)
    errors.check_type(("option %q"):format(name), value, "table")
    local set = {}
    for index, item in each(value) do
      if type(index) ~= "number" then
        errors.blame("option %q must be a list, got a table with the key %q", name, tostring(index))
      end
      set[check_item(("%s[%s]"):format(name, index), item)] = true
    end
    return set
  end
end

local function upper_method(name, value)
  return checks.method(name, value):upper()
end

local function status(name, value)
  if type(value) ~= "number" or value % 1 ~= 0 or value < 100 or value > 999 then
    errors.blame("option %q must be a status such as 503, got %s", name, tostring(value))
  end
  return value
end

-- Unlike other options of time, this one may be 0: no pause at all.
local function backoff(name, value)
  if type(value) ~= "number" or not (value >= 0 and value < math.huge) then
    errors.blame("option %q must be a number of seconds, at least 0, got %s", name, tostring(value))
  end
  return value
end

local check_max = checks.whole(0, "retries")

local PARTS = {
  backoff = backoff,
  max = check_max,
  max_delay = checks.seconds,
  methods = list_of(upper_method),
  statuses = list_of(status),
}

--- The option "retry": false, how often a request is sent once more, or a table of `max`,
--- `statuses`, `methods`, `backoff` and `max_delay`. Raises, at the caller's line, what is wrong.
---@param name string of the option
---@param value any
---@return table|false policy with all of these parts, `statuses` and `methods` as sets
function M.policy(name, value)
  if value == false then
    return false
  elseif type(value) == "number" then
    value = { max = check_max(name, value) }
  elseif type(value) ~= "table" then
    errors.blame("option %q must be false, a number of retries or a table, got %s", name,
      tostring(value))
  end
  local policy = {}
  for part, default in each(DEFAULTS) do
    policy[part] = default
  end
  for part, given in each(value) do
    checks.check_known(part, PARTS, ("part of option %q"):format(name))
    policy[part] = PARTS[part](("%s.%s"):format(name, part), given)
  end
  return policy.max > 0 and policy
end

-- Whether the same request may well succeed now. One that had to queue until its time was over
-- would only make the queue longer.
local function is_transient(err)
  return err.retryable == true and not ENDED_BY_USER[err.kind]
    and not (err.kind == "timeout" and err.phase == "queue")
end

--- Whether another attempt makes sense, if there are attempts left.
---@param policy table|false
---@param method string
---@param is_replayable boolean whether the body can be sent again
---@param code? integer the status of the response
---@param err? curlew.Error where there was none
---@return boolean
function M.applies(policy, method, is_replayable, code, err)
  if not policy or not policy.methods[method:upper()] or not is_replayable then
    return false
  elseif err then
    return is_transient(err)
  end
  return policy.statuses[code] == true
end

-- Seconds that a Retry-After field asks for (RFC 9110 section 10.2.3); nil when it says nothing, or
-- what is neither seconds nor a date.
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
---@return number seconds
function M.delay(policy, attempt, retry_after, now, random)
  local asked = asked_delay(retry_after, now or os.time())
  if asked then
    return math.min(asked, policy.max_delay)
  end
  local longest = policy.backoff * 2 ^ math.min(attempt - 1, MOST_DOUBLINGS)
  return (random or math.random)() * math.min(policy.max_delay, longest)
end

--- Seconds to wait before a request that has failed is attempted once more.
---@param policy table|false
---@param attempt integer the one that has failed, 1 for the first
---@param method string
---@param is_replayable boolean whether the body can be sent again
---@param answer? curlew.Response
---@param err? curlew.Error where there was no answer
---@return number? seconds nil when it is not to be attempted again
function M.pause(policy, attempt, method, is_replayable, answer, err)
  if not policy or attempt > policy.max
    or not M.applies(policy, method, is_replayable, answer and answer.status, err)
  then
    return nil
  end
  return M.delay(policy, attempt, answer and answer.headers:all("retry-after")[1])
end

return M
