local census = require "support.census"
local collect = require "support.collect"
local curlew = require "curlew"
local nginx = require "support.nginx"
local sessions = require "support.sessions"
local shell = require "support.shell"

local ok = sessions.ok

-- A time far enough in the future.
local LATE = 4000000000

local function blames(fn)
  local good, err = curlew.pcall(fn)
  assert.is_false(good)
  return assert(tostring(err):match("^[^:]*session_cookies_spec.lua:%d+: (.*)$"), tostring(err))
end

describe("the cookies of a session", function()
  local site, session

  local run = sessions.runner(function(...)
    site, session = ...
  end)

  -- A handler that sets cookies.
  local function sets(...)
    local list = { ... }
    return function(conn)
      conn:respond { headers = { ["Set-Cookie"] = list } }
    end
  end

  -- The cookies that a request for `path` sends, sorted, as one text.
  local function sent(path, given, of)
    ok((of or session):get((given and given.base or site.url) .. path, given and given.options))
    local list = {}
    for _, pair in ipairs(site:last().header_list) do
      if pair[1]:lower() == "cookie" then
        for item in pair[2]:gmatch("[^; ]+") do
          list[#list + 1] = item
        end
      end
    end
    table.sort(list)
    return table.concat(list, " ")
  end

  local function names(of)
    local list = {}
    for _, cookie in ipairs((of or session):cookies()) do
      list[#list + 1] = cookie.name
    end
    table.sort(list)
    return table.concat(list, " ")
  end

  local JAR = { cookies = true }

  -- Another host, which is this one: unlike "localhost", it is not taken for a safe place.
  local function other_host(name)
    return {
      base = ("http://%s:%d"):format(name, site.port),
      options = { resolve = { ("%s:%d:127.0.0.1"):format(name, site.port) } },
    }
  end

  describe("are kept", function()
    it("from one request to the next #valgrind", function()
      run(function()
        assert.equal("", sent("/"))
        ok(session:get(site.url .. "/set"))
        assert.equal("a=1 b=two", sent("/"))
        assert.equal("a=1 b=two", sent("/other"))
      end, JAR, { ["/set"] = sets("a=1", "b=two; Path=/; HttpOnly") })
    end)

    it("from a redirect to where it leads", function()
      run(function()
        ok(session:get(site.url .. "/start"))
        assert.equal("/", site:last().path)
        assert.equal("a=1", site:last().headers.cookie)
      end, JAR, {
        ["/start"] = function(conn)
          conn:respond { status = 302, headers = { Location = "/", ["Set-Cookie"] = "a=1" } }
        end,
      })
    end)

    it("from an answer that failed its check, and from one that is streamed", function()
      run(function()
        assert.is_nil((session:get(site.url .. "/denied", { check = true })))
        assert.equal("a=1", sent("/"))
        local res = ok(session:get(site.url .. "/set", { stream = true }))
        assert.equal("a=1 b=2", sent("/"))
        res:close()
      end, JAR, {
        ["/denied"] = function(conn)
          conn:respond { status = 403, headers = { ["Set-Cookie"] = "a=1" } }
        end,
        ["/set"] = sets("b=2"),
      })
    end)

    it("for requests at the same time", function()
      run(function()
        curlew.group(function(group)
          for i = 1, 20 do
            group:spawn(function()
              ok(session:get(site.url .. "/set?" .. i))
            end)
          end
        end)
        assert.equal(20, #session:cookies())
        curlew.group(function(group)
          for _ = 1, 10 do
            group:spawn(function()
              local _, count = ok(session:get(site.url .. "/echo")).body:gsub("=x", "")
              assert.equal(20, count)
            end)
          end
        end)
      end, JAR, {
        ["/set"] = function(conn, request)
          conn:respond { headers = { ["Set-Cookie"] = ("c%s=x"):format(request.query) } }
        end,
        ["/echo"] = function(conn, request)
          conn:respond { body = request.headers.cookie }
        end,
      })
    end)

    it("not at all unless it is wished", function()
      for _, given in ipairs { {}, { cookies = false } } do
        run(function()
          ok(session:get(site.url .. "/set"))
          assert.equal("", sent("/"))
          for _, name in ipairs { "cookies", "clear_cookies", "save_cookies" } do
            assert.matches("no cookies", blames(function()
              session[name](session)
            end))
          end
          assert.matches("no cookies", blames(function()
            session:set_cookie { name = "a", value = "1", domain = "127.0.0.1" }
          end))
        end, given, { ["/set"] = sets("a=1") })
      end
    end)

    it("by each session for itself", function()
      run(function()
        local other = curlew.session { cookies = true }
        ok(session:get(site.url .. "/set"))
        assert.equal("", sent("/", nil, other))
        other:set_cookie { name = "b", value = "2", domain = "127.0.0.1" }
        assert.equal("b=2", sent("/", nil, other))
        assert.equal("a=1", sent("/"))
        other:close()
        assert.equal("a=1", sent("/"))
      end, JAR, { ["/set"] = sets("a=1") })
    end)
  end)

  describe("go", function()
    it("where their path leads, and no further", function()
      run(function()
        ok(session:get(site.url .. "/app/set"))
        assert.equal("deep=1 here=1", sent("/app/x"))
        assert.equal("deep=1 here=1", sent("/app/"))
        assert.equal("deep=1 here=1", sent("/app"))
        assert.equal("", sent("/apple"))
        assert.equal("", sent("/"))
      end, JAR, { ["/app/set"] = sets("deep=1; Path=/app", "here=1") })
    end)

    it("to no other host", function()
      run(function()
        ok(session:get(site.url .. "/set"))
        assert.equal("a=1", sent("/"))
        assert.equal("", sent("/", { base = ("http://localhost:%d"):format(site.port) }))
        assert.equal("", sent("/", other_host "one.test"))
      end, JAR, { ["/set"] = sets("a=1", "evil=1; Domain=example.org") })
    end)

    it("to no other host over a redirect", function()
      run(function()
        ok(session:get(site.url .. "/start"))
        assert.equal("localhost:" .. site.port, site:last().headers.host)
        assert.is_nil(site:last().headers.cookie)
      end, JAR, {
        ["/start"] = function(conn)
          conn:respond { status = 302, headers = {
            Location = ("http://localhost:%d/"):format(site.port), ["Set-Cookie"] = "a=1",
          } }
        end,
      })
    end)

    it("to the hosts below their own when they name a domain", function()
      run(function()
        local host = other_host "www.one.test"
        ok(session:get(host.base .. "/set", host.options))
        assert.equal("all=1 own=1", sent("/", host))
        assert.equal("all=1", sent("/", other_host "api.one.test"))
        assert.equal("all=1", sent("/", other_host "one.test"))
        assert.equal("", sent("/", other_host "two.test"))
        assert.equal("", sent("/", other_host "anyone.test"))
      end, JAR, { ["/set"] = sets("own=1", "all=1; Domain=one.test") })
    end)

    it("only over TLS when they are secure", function()
      run(function()
        local web = nginx.start()
        for name, secure in pairs { safe = true, plain = false } do
          session:set_cookie { name = name, value = "1", domain = "one.test", secure = secure }
        end
        assert.equal("plain=1", sent("/", other_host "one.test"))
        local res = ok(session:get(("https://one.test:%d/echo"):format(web.https_port), {
          resolve = { ("one.test:%d:127.0.0.1"):format(web.https_port) }, verify = false,
        }))
        assert.matches("cookie: ", res.body)
        assert.matches("safe=1", res.body)
        assert.matches("plain=1", res.body)
      end, JAR)
    end)

    it("not any more once their time is over", function()
      run(function()
        ok(session:get(site.url .. "/set"))
        assert.equal("a=1 b=1 c=1", sent("/"))
        ok(session:get(site.url .. "/unset"))
        assert.equal("c", names())
        assert.equal("c=1", sent("/"))
      end, JAR, {
        ["/set"] = sets("a=1; Max-Age=1000", "b=1; Expires=Fri, 31 Dec 2100 23:59:59 GMT", "c=1"),
        ["/unset"] = sets("a=; Max-Age=0", "b=; Expires=Thu, 01 Jan 1970 00:00:01 GMT"),
      })
    end)

    it("in one field with those of the caller's Cookie header", function()
      run(function()
        ok(session:get(site.url .. "/set"))
        ok(session:get(site.url, { headers = { Cookie = { "mine=2", "more=3" } } }))
        local fields = {}
        for _, pair in ipairs(site:last().header_list) do
          fields[#fields + 1] = pair[1]:lower() == "cookie" and pair[2] or nil
        end
        assert.same({ "a=1; mine=2; more=3" }, fields)
        assert.equal("a", names())
      end, JAR, { ["/set"] = sets("a=1") })
    end)
  end)

  it("of a Cookie header are not those of the next request", function()
    run(function()
      for _, given in ipairs { JAR, {} } do
        local one = curlew.session(given)
        assert.equal("mine=1", sent("/", { base = site.url, options = {
          headers = { Cookie = "mine=1" },
        } }, one))
        assert.equal("", sent("/", nil, one))
        one:close()
      end
    end)
  end)

  describe("are told", function()
    it("with all that is known of them", function()
      run(function()
        ok(session:get(site.url .. "/set"))
        local cookies = session:cookies()
        table.sort(cookies, function(a, b)
          return a.name < b.name
        end)
        assert.is_true(cookies[1].expires > os.time() + 900)
        cookies[1].expires = nil
        assert.same({
          { name = "a", value = "1", domain = "127.0.0.1", path = "/app", secure = false,
            http_only = true, subdomains = false },
          { name = "b", value = "", domain = "127.0.0.1", path = "/", secure = true,
            http_only = false, subdomains = false },
        }, cookies)
      end, JAR, {
        ["/set"] = sets("a=1; Path=/app; HttpOnly; Max-Age=1000", "b=; Secure"),
      })
    end)

    it("as a list of its own at each time", function()
      run(function()
        session:set_cookie { name = "a", value = "1", domain = "127.0.0.1" }
        session:cookies()[1].value = "changed"
        assert.equal("1", session:cookies()[1].value)
      end, JAR)
    end)
  end)

  describe("can be", function()
    it("set by hand, and replaced", function()
      run(function()
        local cookie = { name = "a", value = "1", domain = "127.0.0.1", http_only = true,
          path = "/", expires = LATE, secure = false, subdomains = false }
        session:set_cookie(cookie)
        assert.same({ cookie }, session:cookies())
        assert.equal("a=1", sent("/"))
        cookie.value = "2"
        session:set_cookie(cookie)
        assert.same({ cookie }, session:cookies())
        assert.equal("a=2", sent("/"))
      end, JAR)
    end)

    it("taken from one session to another", function()
      run(function()
        ok(session:get(site.url .. "/set"))
        local other = curlew.session { cookies = true }
        for _, cookie in ipairs(session:cookies()) do
          other:set_cookie(cookie)
        end
        assert.equal("a=1 b=", sent("/app/x", nil, other))
        other:close()
      end, JAR, { ["/set"] = sets("a=1; Path=/app; HttpOnly; Max-Age=1000", "b=") })
    end)

    it("removed by a time that is over", function()
      run(function()
        session:set_cookie { name = "a", value = "1", domain = "127.0.0.1" }
        session:set_cookie { name = "a", value = "1", domain = "127.0.0.1", expires = 1 }
        assert.same({}, session:cookies())
        assert.equal("", sent("/"))
      end, JAR)
    end)

    it("cleared", function()
      run(function()
        session:clear_cookies()
        ok(session:get(site.url .. "/set"))
        session:clear_cookies()
        assert.same({}, session:cookies())
        assert.equal("", sent("/"))
        ok(session:get(site.url .. "/set"))
        assert.equal("a=1", sent("/"))
      end, JAR, { ["/set"] = sets("a=1") })
    end)

    it("nothing that would be more than a cookie", function()
      run(function()
        for _, value in ipairs { "a\r\nX: y", "a\nb", "a\tb", "a\0b", "a\27b" } do
          for _, field in ipairs { "name", "value", "domain", "path" } do
            local cookie = { name = "a", value = "1", domain = "127.0.0.1", path = "/" }
            cookie[field] = value
            assert.matches("control characters", blames(function()
              session:set_cookie(cookie)
            end))
          end
        end
        assert.matches("the cookie must be a table", blames(function()
          session:set_cookie "a=1"
        end))
        assert.same({}, session:cookies())
      end, JAR)
    end)

    it("said to be refused where libcurl would not keep them", function()
      run(function()
        local cookie = { name = "__Secure-id", value = "1", domain = "shop.example", path = "/a" }
        local set, err = session:set_cookie(cookie)
        assert.same({ nil, "unsupported", false }, { set, err.kind, err.retryable })
        assert.matches('refuses the cookie "__Secure%-id" of shop%.example', err.message)
        cookie.secure = true
        assert.is_true(session:set_cookie(cookie))
        cookie.expires = 1 -- which removes it
        assert.is_true(session:set_cookie(cookie))
        cookie.domain, cookie.expires, cookie.subdomains = ".Shop.Example", LATE, true
        assert.is_true(session:set_cookie(cookie))
        assert.equal("__Secure-id", names())
      end, JAR)
    end)

    it("asked for only while the session is open", function()
      run(function()
        session:close()
        for _, name in ipairs { "cookies", "clear_cookies", "save_cookies", "set_cookie" } do
          assert.matches("the session is closed", blames(function()
            session[name](session, { name = "a", value = "1", domain = "127.0.0.1" })
          end))
        end
      end, JAR)
    end)
  end)

  describe("in a file", function()
    local path

    before_each(function()
      path = shell.scratch() .. "/jar"
    end)

    it("are written when the session is closed, and read by the next one", function()
      run(function()
        local first = curlew.session { cookies = path }
        ok(first:get(site.url .. "/set"))
        assert.is_nil(shell.read_file(path))
        first:close()
        local second = curlew.session { cookies = path }
        assert.equal("a b", names(second))
        assert.equal("a=1 b=2", sent("/", nil, second))
        second:close()
        second:close()
      end, nil, { ["/set"] = sets("a=1; Max-Age=1000", "b=2; HttpOnly; Max-Age=1000") })
    end)

    it("are in the Netscape format, which curl reads", function()
      run(function()
        local keeper = curlew.session { cookies = path }
        for _, name in ipairs { "a", "b" } do
          keeper:set_cookie {
            name = name, value = name .. "1", domain = "127.0.0.1", expires = LATE,
            http_only = name == "b",
          }
        end
        keeper:close()
        local text = shell.read_file(path)
        assert.matches("^# Netscape HTTP Cookie File\n", text)
        assert.matches("\n127.0.0.1\tFALSE\t/\tFALSE\t4000000000\ta\ta1\n", text, 1, true)
        assert.matches("\n#HttpOnly_127.0.0.1\tFALSE\t/\tFALSE\t4000000000\tb\tb1\n", text, 1, true)
        local web = nginx.start()
        local answer = shell.read(("LD_PRELOAD= curl -s -b %s %s/echo"):format(
          shell.quote(path), web.url))
        assert.matches("a=a1", answer)
        assert.matches("b=b1", answer)
      end)
    end)

    it("are written when it is asked for, again and again", function()
      run(function()
        local keeper = curlew.session { cookies = path }
        for i = 1, 3 do
          keeper:set_cookie { name = "n" .. i, value = "v", domain = "host", expires = LATE }
          keeper:save_cookies()
          assert.matches("\tn" .. i .. "\tv\n", shell.read_file(path))
        end
        keeper:clear_cookies()
        keeper:close()
        assert.not_matches("\tn%d\t", shell.read_file(path) or "")
      end)
    end)

    it("are not needed: the file may be missing, empty or something else", function()
      run(function()
        for _, text in ipairs { "", "no cookies\n", ("\0\1\2"):rep(1000), "a\tb\tc\n" } do
          shell.write_file(path, text)
          local keeper = curlew.session { cookies = path }
          assert.same({}, keeper:cookies())
          assert.equal("", sent("/", nil, keeper))
          keeper:close()
        end
      end)
    end)

    it("that cannot be written are told of by save_cookies and close", function()
      run(function()
        local file = "/nonexistent/folder/jar"
        local keeper = curlew.session { cookies = file }
        keeper:set_cookie { name = "a", value = "1", domain = "host", expires = LATE }
        for _, method in ipairs { "save_cookies", "close" } do
          local saved, err = keeper[method](keeper)
          assert.same({ nil, "io" }, { saved, err.kind })
          assert.equal("io: the cookies cannot be written to " .. file, tostring(err))
        end
        assert.is_true(keeper:close())
        local fine = curlew.session { cookies = path }
        assert.is_true(fine:save_cookies())
        assert.is_true(fine:save_cookies())
        assert.is_true(fine:close())
      end)
    end)

    it("is none of standard input", function()
      run(function()
        local keeper = curlew.session { cookies = "-" }
        assert.same({}, keeper:cookies())
      end)
    end)

    it("has a path", function()
      for _, value in ipairs { 5, {}, "a\nb", "a\0b" } do
        assert.matches('option "cookies" must be', blames(function()
          curlew.session { cookies = value }
        end))
      end
    end)
  end)

  it("leave nothing behind, in whatever order their sessions are closed", function()
    local function churn()
      run(function()
        local all = {}
        for i = 1, 30 do
          all[i] = curlew.session { cookies = true }
          assert.equal(200, ok(all[i]:get(site.url .. "/set")).status)
        end
        for i = 1, 10 do
          all[i]:close()
          all[31 - i]:close()
        end
        for i = 11, 20 do
          assert.equal("a=1", sent("/", nil, all[i]))
          all[i] = nil -- left to the collector
        end
      end, nil, { ["/set"] = sets("a=1") })
      collect()
      curlew.run(curlew.yield)
    end
    churn()
    local before = census.take()
    churn()
    assert.same(before, census.take())
  end)
end)
