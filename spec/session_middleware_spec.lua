local curlew = require "curlew"
local sessions = require "support.sessions"
local tasks = require "support.tasks"

local failed, ok = sessions.failed, sessions.ok

-- The message of what `fn` raises, which has to stand in this file.
local function blames(fn)
  local good, err = curlew.pcall(fn)
  assert.is_false(good)
  return assert(tostring(err):match("^[^:]*session_middleware_spec.lua:%d+: (.*)$"), tostring(err))
end

describe("middleware", function()
  local site, session

  local run = sessions.runner(function(...)
    site, session = ...
  end)

  local function pass(request, next)
    return next(request)
  end

  it("wraps each request, the first one outermost #valgrind", function()
    run(function()
      local order = {}
      for _, name in ipairs { "a", "b", "c" } do
        session:use(function(request, next)
          order[#order + 1] = name
          local res, err = next(request)
          order[#order + 1] = name:upper()
          return res, err
        end)
      end
      for _ = 1, 2 do
        order = {}
        assert.equal("hello", ok(session:get(site.url .. "/")).body)
        assert.equal("abcCBA", table.concat(order))
      end
      assert.equal(2, #site.requests)
    end)
  end)

  it("is told the method, the URL, the headers and the other options", function()
    run(function()
      local told, address = nil, site.url .. "/"
      session:use(function(request, next)
        told = request
        return next(request)
      end)
      ok(session:put(address, { json = { 1 }, headers = { ["X-A"] = "b" }, timeout = 5 }))
      assert.equal("PUT", told.method)
      assert.equal(address, told.url)
      assert.equal("b", told.headers["X-A"])
      assert.same({ 1 }, told.json)
      assert.equal(5, told.timeout)
      for _, name in ipairs { "get", "head", "post", "put", "patch", "delete", "options" } do
        ok(session[name](session, address))
        assert.equal(name:upper(), told.method)
        assert.same({}, told.headers)
      end
      ok(session:request(nil, address))
      assert.equal("GET", told.method)
      ok(session:request(nil, address, { body = "x" }))
      assert.equal("POST", told.method)
      ok(session:request(nil, address, { method = "PROPFIND" }))
      assert.equal("PROPFIND", told.method)
      for _, request in ipairs(site.requests) do
        assert.is_string(request.method)
      end
    end)
  end)

  it("may change everything, and what the caller gave stays as it was", function()
    run(function()
      session:use(function(request, next)
        request.method, request.url = "PUT", site.url .. "/hold"
        request.headers["X-Token"] = "t"
        request.params, request.json, request.body = { a = 1 }, { changed = true }, nil
        return next(request)
      end)
      local given = { body = "content", headers = { ["X-Mine"] = "m" } }
      local child = tasks.waiting(function()
        return session:post(site.url .. "/", given)
      end)
      sessions.wait(function()
        return site:last()
      end)
      site.answer_all { body = "put" }
      assert.equal("put", ok(child:await()).body)
      local request = site:last()
      assert.equal("PUT", request.method)
      assert.equal("/hold?a=1", request.target)
      assert.equal("t", request.headers["x-token"])
      assert.equal("m", request.headers["x-mine"])
      assert.equal('{"changed":true}', request.body)
      assert.same({ body = "content", headers = { ["X-Mine"] = "m" } }, given)
    end)
  end)

  it("may pass on another table, or nothing for the same one", function()
    run(function()
      session:use(function(_, next)
        return next { method = "DELETE", url = site.url .. "/", headers = { ["X-A"] = "1" } }
      end)
      session:use(function(request, next)
        request.headers["X-B"] = "2"
        return next()
      end)
      ok(session:get("http://127.0.0.1:1/"))
      assert.equal("DELETE", site:last().method)
      assert.equal("1", site:last().headers["x-a"])
      assert.equal("2", site:last().headers["x-b"])
    end)
  end)

  it("may answer by itself, with whatever it likes", function()
    run(function()
      session:use(function()
        return { status = 299 }
      end)
      session:use(function()
        error("is never called")
      end)
      assert.same({ status = 299 }, session:get(site.url .. "/"))
      assert.equal(0, #site.requests)
    end)
  end)

  it("may send a request twice, and others on the way", function()
    run(function()
      session:use(function(request, next)
        local first = ok(next(request))
        if first.status == 404 then
          request.url = site.url .. "/"
          return next(request)
        end
        return first
      end)
      assert.equal("hello", ok(session:get(site.url .. "/none")).body)
      assert.equal(2, #site.requests)
    end)
  end)

  it("may use its session for a request of its own", function()
    run(function()
      session:use(function(request, next)
        if not request.headers["X-Token"] then
          request.headers["X-Token"] =
            ok(session:get(site.url .. "/", { headers = { ["X-Token"] = "none" } })).body
        end
        return next(request)
      end)
      ok(session:get(site.url .. "/"))
      assert.equal("none", site.requests[1].headers["x-token"])
      assert.equal("hello", site.requests[2].headers["x-token"])
    end)
  end)

  it("may wait", function()
    run(function()
      session:use(function(request, next)
        curlew.sleep(0.001)
        local res, err = next(request)
        curlew.yield()
        return res, err
      end)
      local both = curlew.gather {
        function()
          return ok(session:get(site.url .. "/")).body
        end,
        function()
          return ok(session:get(site.url .. "/none")).status
        end,
      }
      assert.same({ "hello", 404, n = 2 }, both)
    end)
  end)

  it("sees errors, and may turn them into responses", function()
    run(function()
      local seen
      session:use(function(request, next)
        local res, err = next(request)
        seen = err
        return res, err
      end)
      local err = failed(session:get(site.url .. "/closed"))
      assert.equal("closed", err.kind)
      assert.equal(err, seen)
      assert.equal("invalid_url", failed(session:get("no url")).kind)
      assert.equal("invalid_url", seen.kind)
      assert.equal("status", failed(session:get(site.url .. "/none", { check = true })).kind)
      assert.equal("status", seen.kind)
    end)
  end)

  it("raises in the caller what it raises", function()
    run(function()
      local object = {}
      session:use(function()
        error(object, 0)
      end)
      local good, err = curlew.pcall(session.get, session, site.url .. "/")
      assert.is_false(good)
      assert.equal(object, err)
    end)
  end)

  it("is around all attempts and redirects of a request", function()
    local count, busy = 0, 1
    run(function()
      session:use(function(request, next)
        count = count + 1
        return next(request)
      end)
      local res = ok(session:get(site.url .. "/start", { retry = { backoff = 0 } }))
      assert.equal("hello", res.body)
      assert.equal(2, res.attempts)
      assert.equal(1, count)
    end, nil, {
      ["/start"] = function(conn)
        busy = busy - 1
        conn:respond { status = busy < 0 and 302 or 503, headers = { Location = "/" } }
      end,
    })
  end)

  it("leaves wrong options to be raised at the caller's line", function()
    run(function()
      session:use(pass)
      assert.matches('did you mean "timeout"', blames(function()
        session:get(site.url, { timout = 1 })
      end))
      assert.matches("URL must be a string", blames(function()
        session:get()
      end))
      assert.matches("exclude each other", blames(function()
        session:post(site.url, { json = 1, body = "x" })
      end))
      assert.equal(0, #site.requests)
    end)
  end)

  it("is blamed for wrong options of its own", function()
    run(function()
      session:use(function(request, next)
        request.timeout = "soon"
        return next(request)
      end)
      assert.matches('option "timeout" must be', blames(function()
        session:get(site.url)
      end))
    end)
  end)

  it("has to be a function", function()
    assert.matches("the middleware must be a function, got nothing", blames(function()
      curlew.session():use()
    end))
    assert.matches("the middleware must be a function, got table", blames(function()
      curlew.session():use {}
    end))
  end)

  it("may be an object that can be called", function()
    run(function()
      session:use(setmetatable({}, {
        __call = function(_, request, next)
          request.headers["X-A"] = "called"
          return next(request)
        end,
      }))
      ok(session:get(site.url .. "/"))
      assert.equal("called", site:last().headers["x-a"])
    end)
  end)

  it("lets a request be cancelled inside of it", function()
    run(function()
      local left
      session:use(function(request, next)
        local good, err = curlew.pcall(next, request)
        left = not good
        error(err, 0)
      end)
      local child = tasks.waiting(function()
        return session:get(site.url .. "/silent")
      end)
      sessions.wait(function()
        return site:last()
      end)
      child:cancel()
      assert.is_true(tasks.is_cancelled(child))
      assert.is_true(left)
      assert.equal(0, session:stats().in_flight)
    end)
  end)

  it("passes streams on", function()
    run(function()
      session:use(pass)
      local res = ok(session:get(site.url .. "/", { stream = true }))
      assert.is_nil(res.body)
      assert.equal("hello", res:text())
    end)
  end)
end)

describe("a session with a transport", function()
  -- Runs `fn(session, told)`, where `answer(request, count)` answers; `told` are the requests.
  local function run(answer, given, fn)
    curlew.run(function()
      local told = {}
      given.transport = function(request)
        told[#told + 1] = request
        return answer(request, #told)
      end
      local session = curlew.session(given)
      fn(session, told)
      session:close()
    end)
  end

  local function hello()
    return { body = "hello" }
  end

  it("gets its responses from a function", function()
    run(function()
      return {
        status = 201,
        headers = { ["Content-Type"] = "text/plain", ["X-List"] = { "a", "b" }, ["X-Number"] = 5 },
        body = "made",
      }
    end, {}, function(session)
      local res = ok(session:get("https://api.test/items"))
      assert.equal(201, res.status)
      assert.is_true(res.ok)
      assert.equal("https://api.test/items", res.url)
      assert.equal("text/plain", res.headers["content-type"])
      assert.same({ "a", "b" }, res.headers:all("x-list"))
      assert.equal("5", res.headers["x-number"])
      assert.equal("made", res.body)
      assert.equal("", res.reason)
      assert.equal("1.1", res.http_version)
      assert.equal(1, res.attempts)
      assert.same({}, res.history)
      assert.equal("<Response 201 https://api.test/items>", tostring(res))
    end)
  end)

  it("gets 200 and an empty body unless it is said otherwise, and JSON", function()
    run(function(_, count)
      return count == 1 and {} or { json = { list = { 1, 2 }, no = false }, http_version = "2" }
    end, {}, function(session)
      local res = ok(session:get("http://host/"))
      assert.equal(200, res.status)
      assert.equal("", res.body)
      res = ok(session:get("http://host/"))
      assert.same({ list = { 1, 2 }, no = false }, ok(res:json()))
      assert.equal("2", res.http_version)
    end)
  end)

  it("tells it the request as it would be sent", function()
    local given = {
      base_url = "http://host/api/",
      headers = { ["X-One"] = "session", ["X-Two"] = "session", ["X-Three"] = "session" },
    }
    run(hello, given, function(session, told)
      ok(session:post("items", {
        params = { page = 2 },
        json = { a = 1 },
        headers = { ["X-Two"] = "request", ["X-Three"] = false, ["X-List"] = { "a", "b" } },
      }))
      local request = told[1]
      assert.equal("POST", request.method)
      assert.equal("http://host/api/items?page=2", request.url)
      assert.same({ ["X-One"] = "session", ["X-Two"] = "request", ["X-List"] = { "a", "b" } },
        request.headers)
      assert.same({ a = 1 }, request.json)
      ok(session:request(nil, "items"))
      assert.equal("GET", told[2].method)
      ok(session:request(nil, "items", { body = "text" }))
      assert.equal("POST", told[3].method)
      assert.equal("text", told[3].body)
    end)
  end)

  it("is under the middleware", function()
    run(function(request)
      return { body = request.headers["X-Token"] }
    end, {}, function(session)
      session:use(function(request, next)
        request.headers["X-Token"] = "t"
        return next(request)
      end)
      assert.equal("t", ok(session:get("http://host/")).body)
    end)
  end)

  it("follows redirects", function()
    run(function(request)
      if request.url == "http://host/start" then
        return { status = 302, headers = { Location = "/next?x=1" } }
      elseif request.url == "http://host/next?x=1" then
        return { status = 308, headers = { Location = "http://other/end" } }
      end
      return hello()
    end, {}, function(session, told)
      local res = ok(session:post("http://host/start", {
        body = "text",
        headers = { Authorization = "secret", ["X-A"] = "b", ["Content-Type"] = "text/plain" },
        auth = { user = "u", password = "p" },
      }))
      assert.equal("hello", res.body)
      assert.equal("http://other/end", res.url)
      assert.equal(2, #res.history)
      assert.equal("POST", told[1].method)
      assert.equal("text", told[1].body)
      assert.equal("GET", told[2].method)
      assert.is_nil(told[2].body)
      assert.same({ Authorization = "secret", ["X-A"] = "b" }, told[2].headers)
      assert.same({ user = "u", password = "p" }, told[2].auth)
      assert.equal("http://other/end", told[3].url)
      assert.same({ ["X-A"] = "b" }, told[3].headers)
      assert.is_nil(told[3].auth)
      assert.equal(3, #told)
    end)
  end)

  it("knows a loop of redirects", function()
    run(function()
      return { status = 302, headers = { Location = "/" } }
    end, {}, function(session, told)
      assert.equal("redirect", failed(session:get("http://host/", { max_redirects = 3 })).kind)
      assert.equal(4, #told)
      local res = ok(session:get("http://host/", { redirect = "manual" }))
      assert.equal(302, res.status)
    end)
  end)

  it("retries and checks as with a network", function()
    run(function(_, count)
      return { status = count < 3 and 503 or 404 }
    end, { retry = { backoff = 0 }, check = true }, function(session, told)
      local err = failed(session:get("http://host/"))
      assert.equal("status", err.kind)
      assert.equal(404, err.response.status)
      assert.equal(3, #told)
      assert.equal(3, err.attempts)
    end)
  end)

  it("fails with the error that it returns, or with one that says so", function()
    local answers = {}
    run(function(_, count)
      return nil, answers[count]
    end, {}, function(session)
      local _, own = curlew.timeout(0.001, curlew.sleep, 10)
      assert.is_true(curlew.is_error(own))
      answers = { own, "no such luck", nil }
      assert.equal(own, failed(session:get("http://host/")))
      local err = failed(session:get("http://host/"))
      assert.equal("io", err.kind)
      assert.equal("the transport failed: no such luck", err.message)
      assert.equal("http://host/", err.url)
      err = failed(session:get("http://host/"))
      assert.is_true(curlew.is_error(err))
      assert.equal("io", err.kind)
    end)
  end)

  it("raises what the transport raises", function()
    local object = {}
    run(function()
      error(object, 0)
    end, {}, function(session)
      local good, err = curlew.pcall(session.get, session, "http://host/")
      assert.is_false(good)
      assert.equal(object, err)
    end)
  end)

  it("does not take what is no response", function()
    local answer
    run(function()
      return answer
    end, {}, function(session)
      local function refuses(value, pattern)
        answer = value
        assert.matches(pattern, blames(function()
          session:get("http://host/")
        end))
      end
      refuses("hello", "the transport returns must be a table, got string")
      refuses(5, "the transport returns must be a table, got number")
      refuses(false, "the transport returns must be a table, got boolean")
      refuses({ status = "200" }, "status that the transport returns must be a number, got string")
      refuses({ body = 5 }, "body that the transport returns must be a string, got number")
    end)
  end)

  it("can have its transport wait", function()
    run(function()
      curlew.sleep(0.001)
      return hello()
    end, {}, function(session)
      local both = curlew.gather {
        function()
          return session:get("http://host/").body
        end,
        function()
          return session:get("http://host/").body
        end,
      }
      assert.same({ "hello", "hello", n = 2 }, both)
    end)
  end)

  it("gives responses that can be read like streams", function()
    run(function()
      return { body = "one\ntwo\ndata: three\n\n" }
    end, {}, function(session)
      local function get(given)
        return ok(session:get("http://host/", given))
      end
      local res = get { stream = true }
      assert.equal("one", res:read(3))
      assert.equal("\ntwo\ndata: three\n\n", res:read())
      assert.is_nil(res:read())
      res:close()
      local lines, next_line = {}, get({ stream = true }):lines()
      for i = 1, 5 do
        lines[i] = next_line()
      end
      assert.same({ "one", "two", "data: three", "" }, lines)
      assert.equal("three", get({ stream = true }):events()().data)
      local got = {}
      get {
        sink = function(bytes)
          got[#got + 1] = bytes
        end,
      }
      assert.equal("one\ntwo\ndata: three\n\n", table.concat(got))
    end)
  end)

  it("checks its options where the caller stands", function()
    run(hello, {}, function(session, told)
      assert.matches('did you mean "timeout"', blames(function()
        session:get("http://host/", { timout = 1 })
      end))
      assert.equal("invalid_url", failed(session:get("host")).kind)
      assert.equal(0, #told)
    end)
    assert.matches('option "transport" must be a function', blames(function()
      curlew.session { transport = "x" }
    end))
  end)

  it("does nothing any more once it is closed", function()
    run(hello, {}, function(session, told)
      session:close()
      assert.equal("closed_session", failed(session:get("http://host/")).kind)
      assert.equal(0, #told)
    end)
  end)
end)
