local blamed = require "support.blamed"
local options = require "curlew.options"

local NAN = 0 / 0

local function session(given)
  return options.for_session(given)
end

-- The message for one wrong option, of a session or, failing that, of a request.
local function refusal(name, value)
  return blamed(function()
    local given = { [name] = value }
    if options.request_only[name] then
      options.for_request(given, session())
    else
      options.for_session(given)
    end
  end)
end

local function request(given, of)
  return options.for_request(given, session(of))
end

describe("the options of a session", function()
  it("are the defaults of design.md when nothing is said", function()
    local checked = session()
    assert.equal(100, checked.max_connections)
    assert.equal(6, checked.max_per_host)
    assert.equal(64 * 1024 * 1024, options.MAX_BODY)
    assert.equal(300, options.TOTAL)
    assert.equal(10, checked.max_redirects)
    assert.equal("follow", checked.redirect)
    assert.equal("auto", checked.http)
    assert.equal(true, checked.verify)
    assert.equal(true, checked.decompress)
    assert.same({ connect = 10, idle = 60 }, checked.timeout)
    assert.same(checked, session {})
  end)

  it("name the nearest known option when one is unknown", function()
    assert.equal('unknown option "timout": did you mean "timeout"?', refusal("timout", 5))
    assert.equal('unknown option "Verify": did you mean "verify"?', refusal("Verify", 5))
    assert.equal('unknown option "xyzzy"', refusal("xyzzy", 5))
    assert.equal('unknown option ""', refusal("", 5))
    assert.equal('unknown option "%d%s"', refusal("%d%s", 5))
  end)

  it("must have strings as names", function()
    assert.equal("unknown option 1: names are strings", refusal(1, "timeout"))
    assert.equal("unknown option true: names are strings", refusal(true, 1))
  end)

  it("must be a table", function()
    for _, given in ipairs { "x", 5, true, print } do
      assert.equal("the options must be a table, got " .. type(given), blamed(function()
        options.for_session(given)
      end))
    end
  end)

  it("do not include those of a request", function()
    for _, name in ipairs { "body", "json", "form", "method" } do
      assert.matches(('unknown option "%s"'):format(name), blamed(function()
        options.for_session { [name] = "x" }
      end), 1, true)
    end
  end)

  it("leave the tables alone that they are given", function()
    local given = { timeout = { total = 5 }, headers = { A = "1" } }
    session(given)
    assert.same({ timeout = { total = 5 }, headers = { A = "1" } }, given)
    assert.same({ connect = 10, idle = 60 }, options.defaults.timeout)
  end)
end)

describe("the options of a request", function()
  it("come before those of its session", function()
    local checked = request({ http = "2" }, { http = "1.1", ip = "4" })
    assert.equal("2", checked.http)
    assert.equal("4", checked.ip)
  end)

  it("may be false where the session says true", function()
    assert.equal(false, request({ decompress = false }).decompress)
    assert.equal(false, request({ verify = false }, { verify = "/ca.pem" }).verify)
    assert.equal(false, request({ check = false }, { check = true }).check)
  end)

  it("merge timeouts part by part", function()
    assert.same({ total = 7, connect = 10, idle = 60 }, request({ timeout = 7 }).timeout)
    assert.same({ total = 7, connect = 2, idle = 3 },
      request({ timeout = { connect = 2 } }, { timeout = { total = 7, idle = 3 } }).timeout)
  end)

  it("merge headers name by name, whatever their case", function()
    local headers = request({ headers = { ["X-B"] = "2", ["x-c"] = false } },
      { headers = { ["x-a"] = "1", ["x-b"] = "old", ["X-C"] = "3" } }).headers
    assert.same({ "1" }, headers["x-a"].values)
    assert.same({ "2" }, headers["x-b"].values)
    assert.equal("X-B", headers["x-b"].name)
    assert.equal(false, headers["x-c"].values)
  end)

  it("do not change their session", function()
    local of = session { headers = { A = "1" }, timeout = { total = 5 } }
    options.for_request({ headers = { B = "2" }, timeout = 1, http = "2" }, of)
    assert.is_nil(of.headers.b)
    assert.equal(5, of.timeout.total)
    assert.equal("auto", of.http)
  end)

  it("do not include those of a session", function()
    for _, name in ipairs { "base_url", "max_connections", "max_per_host", "max_queue" } do
      assert.matches(('unknown option "%s"'):format(name), blamed(function()
        options.for_request({ [name] = 5 }, session())
      end), 1, true)
    end
  end)
end)

describe("an option", function()
  it("that is a number of something must be one, whole and in range", function()
    for name, low in pairs {
      max_connections = 1, max_per_host = 1, max_queue = 0, max_body = 0, max_redirects = 0,
      max_speed = 1,
    } do
      for _, value in ipairs { low - 1, -math.huge, 1.5, NAN, "5", true, {} } do
        local text = refusal(name, value)
        assert.matches(('option "%s" must be a whole number'):format(name), text, 1, true)
        assert.matches("got " .. tostring(value), text, 1, true)
      end
      assert.equal(low, session({ [name] = low })[name])
      assert.equal(low + 1e6, session({ [name] = low + 1e6 })[name])
    end
  end)

  it("of time takes seconds, fractions and no limit", function()
    for _, seconds in ipairs { 0.001, 0.25, 30, math.huge } do
      assert.equal(seconds, session({ timeout = seconds }).timeout.total)
      for _, part in ipairs { "total", "connect", "idle" } do
        assert.equal(seconds, session({ timeout = { [part] = seconds } }).timeout[part])
      end
    end
  end)

  it("of time takes nothing else", function()
    for _, value in ipairs { 0, -1, NAN, -math.huge } do
      assert.matches('option "timeout" must be a number of seconds above 0',
        refusal("timeout", value), 1, true)
      assert.matches('option "timeout.idle" must be a number of seconds above 0',
        refusal("timeout", { idle = value }), 1, true)
    end
    refusal("timeout", "10")
    refusal("timeout", true)
    assert.matches("got 5", refusal("timeout", { connect = "5" }), 1, true)
    assert.matches('did you mean "connect"?', refusal("timeout", { conect = 5 }), 1, true)
    refusal("timeout", { 5 })
  end)

  it("that is a word must be one of its words", function()
    for name, word in pairs {
      http = "2", ip = "4", redirect = "manual", tls_min = "1.3",
    } do
      assert.equal(word, session({ [name] = word })[name])
      for _, value in ipairs { "", word .. " ", 1.1, 2, true, {} } do
        assert.matches(('option "%s" must be one of "'):format(name), refusal(name, value), 1, true)
      end
    end
  end)

  it("that is a boolean must be one", function()
    for _, name in ipairs { "check", "decompress" } do
      for _, value in ipairs { 0, 1, "true", {} } do
        assert.equal(('option "%s" must be a boolean, got %s'):format(name, type(value)),
          refusal(name, value))
      end
    end
  end)

  it("that goes into a request or a path has no CR, LF and NUL", function()
    for _, name in ipairs {
      "cert", "key", "interface", "pinned_key", "proxy", "unix_socket", "user_agent",
      "base_url",
    } do
      assert.equal("text", session({ [name] = "text" })[name])
      for _, value in ipairs { "a\r", "a\nb", "\0", "a\r\nX-Evil: 1", 5, {} } do
        assert.matches(('option "%s" must be a string'):format(name), refusal(name, value), 1, true)
      end
    end
  end)

  it("for the method is a token (RFC 9110 section 9.1)", function()
    for _, method in ipairs { "GET", "PROPFIND", "M-SEARCH", "x!#$%&'*+-.^_`|~9" } do
      assert.equal(method, request({ method = method }).method)
    end
    for _, method in ipairs { "", "A B", "GET\r\nX: 1", "GET\0", "G\195\169T", "A:", 5, true } do
      assert.matches('option "method" must be a token', refusal("method", method), 1, true)
    end
  end)

  it("for the body is a string, which is never taken for a path", function()
    assert.equal("a\0b", request({ body = "a\0b" }).body)
    assert.equal("", request({ body = "" }).body)
    assert.equal('option "body" must be a string, a function or an object with read, got number',
      refusal("body", 5))
  end)

  it("for JSON may be anything, false included", function()
    assert.equal(false, request({ json = false }).json)
  end)

  it("that holds a secret is refused without showing it", function()
    for _, text in ipairs {
      refusal("auth", { user = "hidden\n" }),
      refusal("auth", { user = "u", password = "hidden\r" }),
      refusal("auth", { bearer = "hidden\0" }), refusal("headers", { Cookie = "hidden\n" }),
      refusal("proxy", "http://u:hidden@p\n"),
    } do
      assert.is_nil(text:find("hidden", 1, true))
    end
  end)
end)

describe("option auth", function()
  it("is user and password, or a bearer token", function()
    for _, auth in ipairs {
      { user = "u" }, { user = "u", password = "p" }, { user = "", password = "" },
      { user = "u", password = "p", type = "digest" }, { bearer = "t" },
    } do
      assert.same(auth, session({ auth = auth }).auth)
    end
  end)

  it("is not both, and not neither", function()
    for _, auth in ipairs {
      {}, { password = "p" }, { type = "basic" }, { user = "u", bearer = "t" },
    } do
      assert.equal('option "auth" must have either user and password, or bearer',
        refusal("auth", auth))
    end
  end)

  it("has parts that are known, and lines", function()
    local typo = refusal("auth", { user = "u", pasword = "p" })
    assert.matches('did you mean "password"?', typo, 1, true)
    assert.matches('option "auth.type" must be one of', refusal("auth", { user = "u", type = "x" }),
      1, true)
    assert.matches('option "auth.user"', refusal("auth", { user = "a\nb" }), 1, true)
    assert.matches('option "auth.password"', refusal("auth", { user = "a", password = 5 }), 1, true)
    assert.matches('option "auth" must be a table', refusal("auth", "user:password"), 1, true)
  end)
end)

describe("option curl", function()
  it("takes names with and without CURLOPT_", function()
    assert.same({ TCP_KEEPALIVE = 1, VERBOSE = true },
      session({ curl = { CURLOPT_TCP_KEEPALIVE = 1, VERBOSE = true } }).curl)
  end)

  it("refuses names that libcurl does not know, and those that take pointers", function()
    for _, name in ipairs {
      "CURLOPT_NOPE", "url", "", "WRITEDATA", "CURLOPT_WRITEFUNCTION", 10002,
    } do
      local text = refusal("curl", { [name] = 1 })
      assert.matches('option "curl": libcurl has no option', text, 1, true)
    end
    assert.matches('option "curl" must be a table', refusal("curl", "VERBOSE"), 1, true)
  end)

  it("refuses a value of the wrong type at the caller's line", function()
    refusal("curl", { TIMEOUT = "x" })
    refusal("curl", { HTTPHEADER = "x" })
    refusal("curl", { USERAGENT = 5 })
  end)

  it("refuses a name with a NUL in it", function()
    refusal("curl", { ["URL\0x"] = "http://h/" })
  end)
end)

describe("option headers", function()
  it("takes strings, numbers, lists and false", function()
    local given = { A = "x", B = 5, C = { "1", 2 }, D = false, E = "" }
    local headers = session({ headers = given }).headers
    assert.same({ "x" }, headers.a.values)
    assert.same({ "5" }, headers.b.values)
    assert.same({ "1", "2" }, headers.c.values)
    assert.equal(false, headers.d.values)
    assert.same({ "" }, headers.e.values)
    assert.equal("A", headers.a.name)
  end)

  it("drops blanks around a value", function()
    assert.same({ "x y" }, session({ headers = { A = " \tx y\t " } }).headers.a.values)
    assert.same({ "" }, session({ headers = { A = "  " } }).headers.a.values)
  end)

  it("refuses CR, LF and NUL in a value, alone and in a list", function()
    for _, value in ipairs { "a\r", "\n", "a\0b", "a\r\nX-Evil: 1", "a\n b" } do
      local text = 'header "A" must not contain CR, LF or NUL'
      assert.equal(text, refusal("headers", { A = value }))
      assert.equal(text, refusal("headers", { A = { "fine", value } }))
    end
  end)

  it("refuses names that are no tokens (RFC 9110 section 5.1)", function()
    for _, name in ipairs {
      "", "A B", "A:", "A\r\n", "A\0", "\195\169", "A\tB", "(x)", 1, true,
    } do
      assert.matches("is not the name of a header$", refusal("headers", { [name] = "x" }))
    end
  end)

  it("refuses values of other types", function()
    for _, value in ipairs { true, print } do
      assert.equal('header "A" must be a string, a list of strings or false, got ' .. type(value),
        refusal("headers", { A = value }))
    end
    refusal("headers", { A = { {} } })
    refusal("headers", { A = { false } })
    assert.equal('option "headers" must be a table, got string', refusal("headers", "A: b"))
  end)

  it("writes whole numbers without a point on every Lua", function()
    local headers = session({ headers = { A = 10 / 2, B = 1e15 } }).headers
    assert.same({ "5" }, headers.a.values)
    assert.same({ "1000000000000000" }, headers.b.values)
  end)

  it("refuses NaN and infinity", function()
    refusal("headers", { A = NAN })
    refusal("headers", { A = math.huge })
  end)

  it("refuses a table by name as a value, instead of leaving it out", function()
    refusal("headers", { A = { x = 1 } })
  end)

  it("refuses one name in two spellings, of which one would win by chance", function()
    refusal("headers", { ["X-A"] = "1", ["x-a"] = "2" })
  end)
end)

describe("option proxy", function()
  it("may be false: no proxy, whatever the environment says", function()
    assert.equal(false, session({ proxy = false }).proxy)
    assert.equal(false, request({ proxy = false }, { proxy = "http://p" }).proxy)
  end)
end)

describe("a refusal", function()
  it("of a timeout or of verify says all that is allowed", function()
    assert.matches("number", refusal("timeout", "10"))
    assert.matches("true, false or the path", refusal("verify", 1), 1, true)
  end)

  it("comes for a resolve that is no list of strings", function()
    refusal("resolve", { 5 })
    refusal("resolve", { ["example.org"] = "127.0.0.1" })
    assert.matches('option "resolve[1.5]" must be a string', refusal("resolve", { [1.5] = 5 }), 1,
      true)
  end)
end)
