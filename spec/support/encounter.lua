--- How curlew fares with a server that misbehaves: one case of `support.misbehaviour` at a time.

local assert = require "luassert"
local census = require "support.census"
local curlew = require "curlew"
local misbehaviour = require "support.misbehaviour"
local sessions = require "support.sessions"

local M = { THEMES = misbehaviour.THEMES, cases = misbehaviour.cases }

--- What a case does and what comes of it, in words.
---@param case table
---@return string
function M.title(case)
  local words = {}
  for outcome, count in pairs(case.outcomes or { [case.kind or case.status or 200] = 1 }) do
    words[#words + 1] = ("%s%s"):format(case.outcomes and count .. " times " or "", outcome)
  end
  table.sort(words)
  local ending = case.unmet and ", but not yet" or ""
  return ("%s: %s%s"):format(case[1], table.concat(words, ", "), ending)
end

--- Sends the request of a case, and reads what it brings.
---@async
---@param session curlew.Session
---@param case table
---@param site table of `misbehaviour.start`
---@return curlew.Response?
---@return curlew.Error? err
function M.request(session, case, site)
  return session:request(case.method, site.address, site.given)
end

-- Without TLS, HTTP/2 has to be known before.
local function case_http(site)
  local http = site.given.http
  return http == "2-prior-knowledge" and http or nil
end

--- Sends a request to a site of `misbehaviour.start` that is to be answered well.
---@async
---@param session curlew.Session
---@param site table
function M.get_good(session, site)
  local res = sessions.ok(session:get(site.url .. "/", { http = case_http(site) }))
  assert.same({ 200, "hello" }, { res.status, res.body })
end

--- Asserts that a request has ended as its case says.
---@param case table
---@param res? curlew.Response
---@param err? curlew.Error
function M.check(case, res, err)
  if case.kind then
    assert.is_nil(res, tostring(res))
    assert.equal(case.kind, err.kind, tostring(err))
    assert.matches(case.message or "", err.message)
    assert.not_matches("[%c\127]", tostring(err))
  else
    sessions.ok(res, err)
    assert.equal(case.status or 200, res.status)
    assert.is_true(case.body == nil or case.body == res.body, "another body has come")
  end
end

local function meet(session, case, site)
  if case.after_good then
    M.get_good(session, site)
    curlew.sleep(0.01) -- for what comes unasked
  end
  local requests = {}
  for i = 1, case.count or 1 do
    requests[i] = function()
      return { M.request(session, case, site) }
    end
  end
  local tally = {}
  for _, ended in ipairs(curlew.gather(requests)) do
    local res, err = ended[1], ended[2]
    local outcome = res and res.status or err.kind
    tally[outcome] = (tally[outcome] or 0) + 1
    if not case.outcomes then
      M.check(case, res, err)
    end
  end
  assert.same(case.outcomes or tally, tally)
end

--- Asserts that nothing of any request is left in a session.
---@param session curlew.Session
function M.check_empty(session)
  local stats = session:stats()
  assert.same({ 0, 0, 0 }, { stats.in_flight, stats.queued, session.driver.count })
  assert.is_nil(next(session.pool.origins))
  assert.is_nil(next(session.driver.live))
end

--- Counts what is open, after what is made once has been made: the timer that all tasks share, what
--- servers share.
---@async
---@return table census
function M.census()
  curlew.sleep(0.001)
  misbehaviour.start({ "nothing" }):close()
  return census.take()
end

local function meet_with_new_session(case)
  curlew.run(function()
    local before = M.census()
    local session = curlew.session { max_per_host = case.count }
    local site = misbehaviour.start(case)
    local good, err = curlew.pcall(function()
      meet(session, case, site)
      site.misbehaves = false
      M.get_good(session, site)
      M.check_empty(session)
    end)
    session:close()
    site:close()
    site:check()
    if not good then
      error(err, 0)
    end
    census.wait(before)
  end)
end

--- Has a session meet a case: what comes of it is what the case says, then a good request succeeds
--- on the same session, and nothing stays behind. An unmet case is to fail, so that the mark goes
--- with the reason for it.
---@param case table
function M.meet(case)
  if case.unmet then
    assert.has_error(function()
      meet_with_new_session(case)
    end)
  else
    meet_with_new_session(case)
  end
end

return M
