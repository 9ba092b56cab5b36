local blamed = require "support.blamed"
local curlew = require "curlew"
local sessions = require "support.sessions"
local shell = require "support.shell"
local tasks = require "support.tasks"
local testing = require "curlew.testing"
local time = require "curlew.time"

local failed, ok = sessions.failed, sessions.ok

-- Retries that come at once.
local AT_ONCE = { max = 3, backoff = 0 }

describe("a session that retries", function()
  local site, session

  local run = sessions.runner(function(...)
    site, session = ...
  end)

  -- Handlers of the server: at /flaky, the answers one after another, and then 200.
  local function flaky(...)
    local answers, count = { ... }, 0
    return {
      ["/flaky"] = function(conn)
        count = count + 1
        local answer = answers[count] or { body = "done" }
        if type(answer) == "function" then
          answer(conn)
        else
          conn:respond(type(answer) == "number" and { status = answer } or answer)
        end
      end,
    }
  end

  local function get(given)
    return session:get(site.url .. "/flaky", given)
  end

  it("counts its attempts in the error of a body that is cut later", function()
    run(function()
      local res = ok(get { retry = AT_ONCE, stream = true })
      assert.equal("half", res:read())
      local more, err = res:read()
      assert.same({ nil, "closed", 2 }, { more, err.kind, err.attempts })
    end, nil, flaky(503, function(conn)
      conn:send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
      conn:close()
    end))
  end)

  describe("sends a request once more", function()
    it("after each status of the list, until there is another #valgrind", function()
      run(function()
        local res = ok(get { retry = { max = 7, backoff = 0 } })
        assert.equal(200, res.status)
        assert.equal("done", res.body)
        assert.equal(8, res.attempts)
        assert.equal(8, #site.requests)
        assert.equal(1, site.connections)
      end, nil, flaky(408, 425, 429, 500, 502, 503, 504))
    end)

    it("after a connection that was cut, at any point", function()
      local function close(conn)
        conn:close()
      end
      local function cut_head(conn)
        conn:send("HTTP/1.1 200 OK\r\nContent-")
        conn:close()
      end
      local function cut_body(conn)
        conn:send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        conn:close()
      end
      run(function()
        local res = ok(get { retry = AT_ONCE })
        assert.equal("done", res.body)
        assert.equal(4, res.attempts)
      end, nil, flaky(close, cut_head, cut_body))
    end)

    it("with all that it had", function()
      run(function()
        ok(session:put(site.url .. "/flaky?x=1", {
          json = { 1 }, headers = { ["X-A"] = "b" }, retry = AT_ONCE,
        }))
        assert.equal(2, #site.requests)
        for _, request in ipairs(site.requests) do
          assert.equal("PUT", request.method)
          assert.equal("/flaky?x=1", request.target)
          assert.equal("b", request.headers["x-a"])
          assert.equal("application/json", request.headers["content-type"])
          assert.equal("[1]", request.body)
        end
      end, nil, flaky(503))
    end)

    it("with the whole of its file", function()
      run(function()
        local path = shell.scratch() .. "/body"
        shell.write_file(path, ("0123456789"):rep(20000))
        local res = ok(session:put(site.url .. "/flaky", { file = path, retry = AT_ONCE }))
        assert.equal(3, res.attempts)
        for _, request in ipairs(site.requests) do
          assert.equal(200000, #request.body)
        end
      end, nil, flaky(500, 500))
    end)

    it("from its start, when it had been redirected", function()
      run(function()
        local res = ok(session:get(site.url .. "/start", { retry = AT_ONCE }))
        assert.equal(2, res.attempts)
        assert.equal(1, #res.history)
        local paths = {}
        for i, request in ipairs(site.requests) do
          paths[i] = request.path
        end
        assert.same({ "/start", "/flaky", "/start", "/flaky" }, paths)
      end, nil, (function()
        local more = flaky(503)
        more["/start"] = function(conn)
          conn:respond { status = 302, headers = { Location = "/flaky" } }
        end
        return more
      end)())
    end)
  end)

  describe("gives up", function()
    it("after as many retries as it may, with the last answer", function()
      run(function()
        local res = ok(get { retry = AT_ONCE })
        assert.equal(504, res.status)
        assert.equal("last", res.body)
        assert.equal(4, res.attempts)
        assert.equal(4, #site.requests)
      end, nil, flaky(500, 502, 503, { status = 504, body = "last" }))
    end)

    it("with the last error, which tells the attempts", function()
      run(function()
        local err = failed(session:get(site.url .. "/closed", { retry = AT_ONCE }))
        assert.equal("closed", err.kind)
        assert.equal(4, err.attempts)
        assert.equal(4, #site.requests)
        assert.equal(1, failed(session:get(site.url .. "/closed")).attempts)
      end)
    end)

    it("when the connection is refused each time", function()
      run(function()
        site:stop_listening()
        local err = failed(get { retry = AT_ONCE })
        assert.equal("connect", err.kind)
        assert.equal("CURLE_COULDNT_CONNECT", err.code)
        assert.equal(4, err.attempts)
      end)
    end)

    it("with the error of check, which tells the attempts, too", function()
      run(function()
        local err = failed(get { retry = AT_ONCE, check = true })
        assert.equal("status", err.kind)
        assert.equal(4, err.response.attempts)
        assert.equal(4, err.attempts)
        assert.equal(4, #site.requests)
      end, nil, flaky(503, 503, 503, 503))
    end)

    it("at once for a status that another attempt would not change", function()
      run(function()
        assert.equal(404, ok(session:get(site.url .. "/none", { retry = AT_ONCE })).status)
        assert.equal(501, ok(get { retry = AT_ONCE }).status)
        assert.equal(200, ok(get { retry = AT_ONCE }).status)
        assert.equal(3, #site.requests)
      end, nil, flaky(501))
    end)

    it("at once for an error that another attempt would not change", function()
      run(function()
        local err = failed(session:get(site.url .. "/garbage", { retry = AT_ONCE }))
        assert.equal("protocol", err.kind)
        assert.equal(1, err.attempts)
        assert.equal("invalid_url", failed(session:get("no url", { retry = AT_ONCE })).kind)
        assert.equal("too_large",
          failed(session:get(site.url .. "/", { retry = AT_ONCE, max_body = 1 })).kind)
        assert.equal(2, #site.requests)
      end)
    end)

    it("when the session is closed during the delay", function()
      run(function()
        local child = tasks.waiting(function()
          return get { retry = { max = 3, backoff = 1e-3, max_delay = 3600 } }
        end)
        sessions.wait(function()
          return #site.requests == 1
        end)
        session:close()
        local err = failed(child:await())
        assert.equal("closed_session", err.kind)
        assert.equal(1, #site.requests)
      end, nil, { ["/flaky"] = function() end })
    end)
  end)

  describe("sends a body again", function()
    it("only with the methods of the list: POST and PATCH are none by default", function()
      run(function()
        assert.equal(503, ok(session:post(site.url .. "/flaky", { retry = AT_ONCE })).status)
        assert.equal(503, ok(session:patch(site.url .. "/flaky", { retry = AT_ONCE })).status)
        assert.equal(2, #site.requests)
        local res = ok(session:post(site.url .. "/flaky", {
          body = "content", retry = { backoff = 0, methods = { "POST" } },
        }))
        assert.equal(200, res.status)
        assert.equal(2, res.attempts)
        assert.equal("content", site.requests[3].body)
        assert.equal("content", site.requests[4].body)
      end, nil, flaky(503, 503, 503))
    end)

    it("never when it comes from a function or a reader", function()
      run(function()
        local function once(piece)
          return function()
            local given = piece
            piece = nil
            return given
          end
        end
        local reader = { read = once("read") }
        for _, body in ipairs { once("called"), reader } do
          local res = ok(session:put(site.url .. "/flaky", { body = body, retry = AT_ONCE }))
          assert.equal(503, res.status)
          assert.equal(1, res.attempts)
        end
        assert.equal(2, #site.requests)
        assert.equal("called", site.requests[1].body)
        assert.equal("read", site.requests[2].body)
      end, nil, flaky(503, 503))
    end)

    it("of parts", function()
      run(function()
        local res = ok(session:put(site.url .. "/flaky", {
          multipart = { a = "part of a form" }, retry = AT_ONCE,
        }))
        assert.equal(2, res.attempts)
        for _, request in ipairs(site.requests) do
          assert.matches("part of a form", request.body, 1, true)
        end
      end, nil, flaky(503))
    end)
  end)

  describe("streams", function()
    it("the answer of the last attempt", function()
      run(function()
        local res = ok(get { retry = AT_ONCE, stream = true })
        assert.equal(200, res.status)
        assert.equal(3, res.attempts)
        assert.is_nil(res.body)
        assert.equal("done", res:text())
      end, nil, flaky({ status = 503, body = "busy" }, { status = 500, body = "broken" }))
    end)

    it("no second time once it has handed the response out", function()
      run(function()
        local res = ok(session:get(site.url .. "/half", { retry = AT_ONCE, stream = true }))
        assert.equal(1, res.attempts)
        assert.equal("half", res:read())
        next(site.live):close()
        assert.equal("closed", failed(res:read()).kind)
        assert.equal(1, #site.requests)
      end)
    end)

    it("into a sink only what the last attempt brings", function()
      run(function()
        local got = {}
        local res = ok(get {
          retry = AT_ONCE,
          sink = function(bytes)
            got[#got + 1] = bytes
          end,
        })
        assert.equal(2, res.attempts)
        assert.equal("done", table.concat(got))
      end, nil, flaky({ status = 503, body = "busy" }))
    end)

    it("past a long answer that nobody wants, on another connection", function()
      run(function()
        local res = ok(get { retry = AT_ONCE, stream = true })
        assert.equal("done", res:text())
        assert.equal(2, site.connections)
      end, nil, flaky(function(conn)
        conn:send("HTTP/1.1 503 Busy\r\nContent-Length: 100000000\r\n\r\n" .. ("x"):rep(200000))
      end))
    end)
  end)

  describe("has its policy", function()
    it("from the request, else from the session", function()
      run(function()
        assert.equal(1, ok(get { retry = false }).attempts)
        assert.equal(3, ok(get()).attempts)
      end, { retry = AT_ONCE }, flaky(503, 503, 503))
    end)

    it("not at all by default", function()
      run(function()
        local res = ok(get())
        assert.equal(503, res.status)
        assert.equal(1, res.attempts)
      end, nil, flaky(503))
    end)

    it("checked at the caller's line", function()
      assert.equal('option "retry" must be a whole number of retries, at least 0, got -1',
        blamed(function()
          curlew.session { retry = -1 }
        end))
      run(function()
        local good, err = curlew.pcall(function()
          session:get(site.url .. "/", { retry = { statuses = { 5 } } })
        end)
        assert.is_false(good)
        assert.matches("session_retry_spec.lua:%d+: .*retry.statuses%[1%]", err)
      end)
    end)
  end)
end)

describe("the time of retries", function()
  -- Runs `fn(session, times)` on a clock that jumps, with a transport that gives the answers one
  -- after another, and then 200; `times` are those of the attempts, in seconds since the first.
  local function run(answers, given, fn)
    testing.run(function()
      local times, start = {}, nil
      given.transport = function()
        start = start or time.now()
        times[#times + 1] = time.now() - start
        local answer = answers[#times] or { status = 200 }
        if answer.wait then
          curlew.sleep(answer.wait)
        end
        return answer
      end
      local session = curlew.session(given)
      fn(session, times)
      session:close()
    end)
  end

  local BUSY = { status = 503 }

  local function busy_for(text)
    return { status = 503, headers = { ["Retry-After"] = text } }
  end

  it("is what the server asks for, up to max_delay", function()
    local answers = { busy_for "7", busy_for "0", busy_for "120" }
    run(answers, { retry = { max_delay = 20 } }, function(session, times)
      assert.equal(4, ok(session:get("http://host/")).attempts)
      assert.same({ 0, 7, 7, 27 }, times)
    end)
  end)

  it("is until the date that the server names", function()
    local answers = { busy_for "Fri, 31 Dec 9999 23:59:59 GMT",
      busy_for "Sun, 06 Nov 1994 08:49:37 GMT" }
    run(answers, { retry = { max_delay = 50 } }, function(session, times)
      ok(session:get("http://host/"))
      assert.same({ 0, 50, 50 }, times)
    end)
  end)

  it("is by chance below a bound that doubles", function()
    local given = { retry = { max = 4, backoff = 10, max_delay = 30 } }
    run({ BUSY, BUSY, BUSY, BUSY }, given, function(session, times)
      ok(session:get("http://host/"))
      for i, most in ipairs { 10, 20, 30, 30 } do
        local pause = times[i + 1] - times[i]
        assert.is_true(pause >= 0 and pause <= most + 0.001)
      end
    end)
  end)

  it("is within the total: no attempt begins that could not end", function()
    local answers = { busy_for "4", busy_for "4", busy_for "4" }
    run(answers, { retry = 3, timeout = 10 }, function(session, times)
      local res = ok(session:get("http://host/"))
      assert.equal(503, res.status)
      assert.equal(3, res.attempts)
      assert.same({ 0, 4, 8 }, times)
    end)
  end)

  it("counts the attempts themselves", function()
    local slow = { status = 503, wait = 6, headers = { ["Retry-After"] = "0" } }
    run({ slow, slow, slow }, { retry = 3, timeout = 10 }, function(session, times)
      assert.equal(2, ok(session:get("http://host/")).attempts)
      assert.same({ 0, 6 }, times)
    end)
  end)

  it("ends when the task is cancelled", function()
    run({ busy_for "10" }, { retry = 3 }, function(session, times)
      local child = tasks.waiting(function()
        return session:get("http://host/")
      end)
      curlew.sleep(5)
      child:cancel()
      assert.is_true(tasks.is_cancelled(child))
      curlew.sleep(100)
      assert.same({ 0 }, times)
    end)
  end)

  it("ends with a limit of time from outside", function()
    run({ busy_for "10" }, { retry = 3 }, function(session, times)
      local res, err = curlew.timeout(5, function()
        return session:get("http://host/")
      end)
      assert.is_nil(res)
      assert.equal("timeout", err.kind)
      assert.same({ 0 }, times)
    end)
  end)

  it("holds no place in the pool", function()
    run({ busy_for "10" }, { retry = 3 }, function(session)
      local child = tasks.waiting(function()
        return session:get("http://host/")
      end)
      assert.equal(0, session:stats().in_flight)
      assert.equal(2, ok(child:await()).attempts)
    end)
  end)
end)
