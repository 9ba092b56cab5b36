local curlew = require "curlew"
local nginx = require "support.nginx"
local sessions = require "support.sessions"

-- One request for each kind of error, and what is known of it: `code` is libcurl's name, where it
-- was libcurl that failed. `path` is one of the scripted server, `url` another address, `given` the
-- options; functions are called when it is time. Each `given` has a secret to hide.
local KINDS = {
  resolve = {
    url = "http://nosuch.invalid/",
    code = "CURLE_COULDNT_RESOLVE_HOST", phase = "resolve", retryable = true,
  },
  connect = {
    url = "http://127.0.0.1:1/",
    code = "CURLE_COULDNT_CONNECT", phase = "connect", retryable = true,
  },
  tls = {
    url = function(web)
      return web.https .. "/1k"
    end,
    code = "CURLE_PEER_FAILED_VERIFICATION", phase = "tls",
  },
  proxy = {
    url = "https://nosuch.invalid/",
    given = function(site)
      return { proxy = site.url:gsub("//", "//user:hidden@") }
    end,
    code = "CURLE_RECV_ERROR", phase = "connect",
  },
  timeout = {
    path = "/silent", given = { timeout = 0.05 },
    code = "CURLE_OPERATION_TIMEDOUT", phase = "wait", retryable = true,
  },
  closed = { path = "/closed", code = "CURLE_GOT_NOTHING", phase = "wait", retryable = true },
  protocol = { path = "/garbage", code = "CURLE_UNSUPPORTED_PROTOCOL", phase = "wait" },
  redirect = { path = "/moved", given = { redirect = "error" } },
  too_large = { path = "/", given = { max_body = 4 }, phase = "body" },
  decode = { path = "/badly-zipped", code = "CURLE_BAD_CONTENT_ENCODING", phase = "body" },
  upload = {
    path = "/", method = "POST",
    given = {
      body = function()
        return 42
      end,
    },
    raised = true,
  },
  status = { path = "/none", given = { check = true } },
  invalid_url = { url = "http://[::1/" },
  unsupported = { url = "ftp://127.0.0.1/" },
  io = { path = "/", given = { sink = "/nonexistent/file" } },
  closed_session = {
    path = "/",
    before = function(session)
      session:close()
    end,
  },
  cancelled = { path = "/silent", cancel = true, raised = true },
}

describe("an error of kind", function()
  local site, session, web

  setup(function()
    web = nginx.start()
  end)

  local run = sessions.runner(function(...)
    site, session = ...
  end)

  local more = {
    ["/moved"] = function(conn)
      conn:respond { status = 302, headers = { Location = "/" } }
    end,
    ["/badly-zipped"] = function(conn)
      conn:respond { headers = { ["Content-Encoding"] = "gzip" }, body = "no gzip at all" }
    end,
  }

  local function value_of(what, argument)
    if type(what) == "function" then
      return (what(argument))
    end
    return what
  end

  -- Sends the request, and returns whether it raised, and the error.
  local function provoke(case, address)
    local given = {
      headers = { Authorization = "Bearer hidden", Cookie = "id=hidden" },
      params = { api_key = "hidden" },
    }
    for name, value in pairs(value_of(case.given, site) or {}) do
      given[name] = value
    end
    if case.before then
      case.before(session)
    end
    local one = curlew.spawn(session.request, session, case.method, address, given)
    if case.cancel then
      curlew.sleep(0.01)
      one:cancel()
    end
    local finished, value, err = curlew.pcall(one.await, one)
    if not finished then
      return true, value
    end
    assert.is_nil(value)
    return false, err
  end

  local kinds = {}
  for kind in pairs(KINDS) do
    kinds[#kinds + 1] = kind
  end
  table.sort(kinds)

  for _, kind in ipairs(kinds) do
    it(kind .. " has its fields, and reads as one line without secrets", function()
      run(function()
        local case = KINDS[kind]
        local address = value_of(case.url, web) or site.url .. case.path
        local raised, err = provoke(case, address)
        assert.is_true(curlew.is_error(err, kind), tostring(err))
        assert.equal(case.raised or false, raised)
        assert.same({ case.code, case.phase, case.retryable or false },
          { err.code, err.phase, err.retryable or false })
        local text = tostring(err)
        assert.matches("^" .. kind .. ": %S", text)
        assert.not_matches("[\r\n]", text)
        assert.not_matches("hidden", text)
        assert.not_matches("hidden", err.message)
        if not raised then
          local place = case.method or "GET"
          assert.matches(("(%s %s"):format(place, address), text, 1, true)
          assert.equal(address, (err.url:gsub("%?.*$", "")))
          assert.not_matches("hidden", err.url)
        end
        if kind == "status" or kind == "redirect" then
          assert.is_number(err.response.status)
        else
          assert.is_nil(err.response)
        end
      end, nil, more)
    end)
  end
end)
