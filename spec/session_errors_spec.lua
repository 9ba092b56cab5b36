local curlew = require "curlew"
local nginx = require "support.nginx"
local ports = require "support.ports"
local server = require "support.server"
local sessions = require "support.sessions"
local tasks = require "support.tasks"

describe("a request that fails", function()
  local site, session

  local run = sessions.runner(function(...)
    site, session = ...
  end)

  -- Asserts that the request fails with an error of these fields; returns the error.
  local function fails(expected, address, given, method)
    local value, err = session:request(method, address, given)
    assert.is_nil(value)
    assert.is_true(curlew.is_error(err))
    expected.url = expected.url or address
    expected.method = expected.method or "GET"
    expected.attempts = expected.attempts or 1
    expected.retryable = expected.retryable or false
    for name, wanted in pairs(expected) do
      assert.same({ name, wanted }, { name, err[name] })
    end
    if expected.code == nil then
      assert.is_nil(err.code)
    end
    assert.is_string(err.message)
    assert.not_matches("[\r\n]", tostring(err))
    assert.matches("^" .. expected.kind .. ": ", tostring(err))
    assert.not_matches("libcurl gave up", err.message)
    assert.not_matches("^[Nn]o error", err.message)
    -- Nothing of it stays in the session, which still works.
    assert.equal(0, session.pool.active + session.pool.queued + session.driver.count)
    return err
  end

  describe("before it is sent", function()
    it("says that a URL cannot be understood", function()
      run(function()
        for _, address in ipairs { "no scheme", "http://[::1/", "http://", "//host/" } do
          local value, err = session:get(address)
          assert.is_nil(value)
          assert.equal("invalid_url", err.kind)
          assert.equal(address, err.url)
        end
      end)
    end)

    it("says that a scheme is not supported", function()
      run(function()
        for _, address in ipairs { "ftp://127.0.0.1/x", "file:///etc/passwd", "gopherx://a/" } do
          local value, err = session:get(address)
          assert.is_nil(value)
          assert.equal("unsupported", err.kind)
          assert.equal(address, err.url)
        end
      end)
    end)

    it("says that a name has no address", function()
      run(function()
        local err = fails({
          kind = "resolve", code = "CURLE_COULDNT_RESOLVE_HOST", phase = "resolve",
          retryable = true,
        }, "http://nosuch.invalid/")
        assert.matches("nosuch.invalid", err.message)
      end)
    end)

    it("says that the connection was refused #valgrind", function()
      run(function()
        local address = site.url .. "/"
        site:stop_listening()
        local err = fails({
          kind = "connect", code = "CURLE_COULDNT_CONNECT", phase = "connect", retryable = true,
        }, address)
        assert.matches("refused", err.message)
        assert.matches(("127.0.0.1:%d"):format(site.port), err.message, 1, true)
      end)
    end)

    it("says what libcurl refuses", function()
      run(function()
        local err = fails({ kind = "unsupported" }, site.url .. "/",
          { curl = { CURLOPT_SSLVERSION = 99 } })
        assert.matches("SSLVERSION", err.message)
        assert.equal("hello", session:get(site.url .. "/").body)
      end)
    end)
  end)

  describe("by time", function()
    it("says that it could not connect", function()
      run(function()
        local port, close = ports.full()
        local address = ("http://127.0.0.1:%d/"):format(port)
        local err = fails({
          kind = "timeout", code = "CURLE_OPERATION_TIMEDOUT", phase = "connect", retryable = true,
        }, address, { timeout = { connect = 0.1 } })
        assert.matches("0.1 s", err.message, 1, true)
        fails({ kind = "timeout", code = "CURLE_OPERATION_TIMEDOUT", phase = "connect",
          retryable = true }, address, { timeout = 0.1 })
        close()
      end)
    end)

    it("says that no answer came", function()
      run(function()
        local err = fails({
          kind = "timeout", code = "CURLE_OPERATION_TIMEDOUT", phase = "wait", retryable = true,
        }, site.url .. "/silent", { timeout = 0.1 })
        assert.matches("0.1 s", err.message, 1, true)
        assert.matches("response", err.message)
      end)
    end)

    it("says that the body did not end", function()
      run(function()
        fails({
          kind = "timeout", code = "CURLE_OPERATION_TIMEDOUT", phase = "body", retryable = true,
        }, site.url .. "/half", { timeout = 0.1 })
      end)
    end)

    it("says that nothing came for the idle time, before and in the body", function()
      run(function()
        for address, phase in pairs { ["/silent"] = "wait", ["/half"] = "body" } do
          local err = fails({
            kind = "timeout", code = "CURLE_OPERATION_TIMEDOUT", phase = phase, retryable = true,
          }, site.url .. address, { timeout = { idle = 0.05 } })
          assert.matches("idle", err.message)
          assert.matches("0.05 s", err.message, 1, true)
        end
      end)
    end)

    it("takes the total for what it is, though bytes keep coming", function()
      run(function()
        local err = fails({
          kind = "timeout", code = "CURLE_OPERATION_TIMEDOUT", phase = "body", retryable = true,
        }, site.url .. "/drip", { timeout = { total = 0.15, idle = 0.1 } })
        assert.not_matches("idle", err.message)
      end, nil, {
        ["/drip"] = function(conn)
          conn:respond_chunked()
          local function drip()
            conn:chunk("x")
            conn:after(0.01, drip)
          end
          drip()
        end,
      })
    end)

    it("says that no place in the queue became free, which counts against the total", function()
      run(function()
        local first = tasks.waiting(session.get, session, site.url .. "/hold")
        local value, err = session:get(site.url .. "/", { timeout = 0.05 })
        assert.is_nil(value)
        assert.equal("timeout", err.kind)
        assert.equal("queue", err.phase)
        assert.is_true(err.retryable)
        assert.matches("0.05 s", err.message, 1, true)
        assert.equal(0, session.pool.queued)
        curlew.sleep(0.01)
        site.answer_all()
        assert.equal(200, first:await().status)
        assert.equal(1, #site.requests)
      end, { max_per_host = 1 })
    end)

    it("is over in the end with no limit but the server's", function()
      run(function()
        local huge = math.huge
        local res = session:get(site.url .. "/", {
          timeout = { total = huge, connect = huge, idle = huge },
        })
        assert.equal(200, res.status)
      end)
    end)

    it("waits for no other's connection longer than its own time to connect", function()
      -- The server speaks no TLS, so that none of the six ever gets a connection.
      run(function()
        local address = ("https://127.0.0.1:%d/silent"):format(site.port)
        local ended = 0
        local late = curlew.spawn(function()
          curlew.sleep(1)
          return ended
        end)
        for _ = 1, 6 do
          curlew.spawn(function()
            local _, err = session:get(address, { timeout = { connect = 0.2 } })
            ended = ended + (err.kind == "timeout" and 1 or 0)
          end)
        end
        assert.equal(6, late:await())
      end)
    end)
  end)

  describe("on the wire", function()
    it("says that the connection was closed without an answer", function()
      run(function()
        for address, code in pairs {
          ["/closed"] = "CURLE_GOT_NOTHING", ["/reset"] = "CURLE_RECV_ERROR",
        } do
          fails({ kind = "closed", code = code, retryable = true, phase = "wait" },
            site.url .. address)
        end
      end)
    end)

    it("says that the body was cut short #valgrind", function()
      run(function()
        local err = fails({
          kind = "closed", code = "CURLE_PARTIAL_FILE", phase = "body", retryable = true,
        }, site.url .. "/cut")
        assert.matches("closed the connection before", err.message)
      end)
    end)

    it("says that the head was cut short", function()
      run(function()
        for _, address in ipairs { "/head", "/redirect" } do
          local value, err = session:get(site.url .. address, { redirect = "manual" })
          assert.is_nil(value)
          assert.equal("closed", err.kind)
          assert.is_true(err.retryable)
        end
      end, nil, {
        ["/head"] = function(conn)
          conn:send("HTTP/1.1 200 OK\r\nContent-Le")
          conn:close()
        end,
        ["/redirect"] = function(conn)
          conn:send("HTTP/1.1 302 Found\r\nLocation: /abc")
          conn:close()
        end,
      })
    end)

    it("says that the answer is no HTTP", function()
      run(function()
        local err = fails({ kind = "protocol", code = "CURLE_UNSUPPORTED_PROTOCOL" },
          site.url .. "/garbage")
        assert.equal("protocol", err.kind)
        local value
        value, err = session:get(site.url .. "/version")
        assert.is_nil(value)
        assert.equal("protocol", err.kind)
        assert.is_false(err.retryable)
        value, err = session:get(site.url .. "/chunks")
        assert.is_nil(value)
        assert.equal("protocol", err.kind)
      end, nil, {
        ["/version"] = function(conn)
          conn:send("HTTP/1.1 abc OK\r\n\r\n")
          conn:close()
        end,
        ["/chunks"] = function(conn)
          conn:send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
          conn:close()
        end,
      })
    end)

    it("says that the length contradicts itself", function()
      run(function()
        local value, err = session:get(site.url .. "/")
        assert.is_nil(value)
        assert.equal("protocol", err.kind)
        assert.matches("length", err.message)
      end, nil, {
        ["/"] = function(conn)
          conn:send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc")
        end,
      })
    end)

    it("says that the head is too large, in many fields or in one", function()
      run(function()
        for _, address in ipairs { "/many", "/one" } do
          local value, err = session:get(site.url .. address)
          assert.is_nil(value)
          assert.equal("too_large", err.kind)
          assert.matches("header", err.message)
        end
      end, nil, {
        ["/many"] = function(conn)
          local field = ("X-Field: %s\r\n"):format(("a"):rep(1000))
          conn:send("HTTP/1.1 200 OK\r\n" .. field:rep(350) .. "\r\n")
        end,
        ["/one"] = function(conn)
          conn:send("HTTP/1.1 200 OK\r\nX-Field: " .. ("a"):rep(200 * 1024) .. "\r\n\r\n")
        end,
      })
    end)

    it("says that the body is too large", function()
      run(function()
        local err = fails({ kind = "too_large", phase = "body" }, site.url .. "/", { max_body = 4 })
        assert.matches("4 bytes", err.message)
      end)
    end)

    it("says at which stage of TLS it was", function()
      run(function()
        fails({ kind = "tls", code = "CURLE_PEER_FAILED_VERIFICATION", phase = "tls" },
          nginx.start().https .. "/1k")
      end)
    end)

    it("says that an upload is stuck in its sending", function()
      run(function()
        local deaf = server.new(function() end, {
          on_head = function(conn)
            conn:pause()
          end,
        })
        for _, limit in ipairs { { total = 0.2 }, { idle = 0.1 } } do
          fails({
            kind = "timeout", code = "CURLE_OPERATION_TIMEDOUT", phase = "send", retryable = true,
            method = "POST",
          }, deaf.url .. "/", { body = ("x"):rep(20000000), timeout = limit })
        end
        deaf:close()
      end)
    end)
  end)

  describe("by its status", function()
    it("is a response, unless check = true makes it a failure", function()
      run(function()
        assert.equal(404, session:get(site.url .. "/none").status)
        local err = fails({ kind = "status" }, site.url .. "/none", { check = true })
        assert.equal(404, err.response.status)
        assert.equal("nothing at /none", err.response.body)
        assert.equal("the server answered 404 Not Found", err.message)
        local res = session:get(site.url .. "/", { check = true })
        assert.equal(res, res:check())
      end)
    end)

    it("is worth another try for some", function()
      run(function()
        local web = nginx.start()
        for status, retryable in pairs {
          [400] = false, [404] = false, [408] = true, [425] = true, [429] = true, [500] = true,
          [501] = false, [502] = true, [503] = true, [504] = true,
        } do
          local _, err = session:get(("%s/status/%d"):format(web.url, status), { check = true })
          assert.equal(retryable, err.retryable, status)
        end
      end)
    end)
  end)

  it("shows no control characters of the server's, which a terminal would obey", function()
    run(function()
      for _, path in ipairs { "/reason", "/type", "/location" } do
        local raised, value, err = curlew.pcall(function()
          if path == "/type" then
            return session:events(site.url .. path):next()
          end
          return session:get(site.url .. path, { check = true })
        end)
        err = raised and err or value
        assert.is_true(curlew.is_error(err), path)
        assert.matches("pwned", err.message)
        assert.not_matches("[%c\194]", tostring(err) .. err.message)
      end
    end, nil, {
      ["/reason"] = function(conn)
        conn:send "HTTP/1.1 404 \27]0;pwned\7\194\155m\r\nContent-Length: 0\r\n\r\n"
      end,
      ["/type"] = function(conn)
        conn:send "HTTP/1.1 200 OK\r\nContent-Type: \27[31mpwned\r\nContent-Length: 0\r\n\r\n"
      end,
      ["/location"] = function(conn)
        conn:send("HTTP/1.1 302 Found\r\nLocation: gopher://a\27[31m/pwned\r\n"
          .. "Content-Length: 0\r\n\r\n")
      end,
    })
  end)

  it("shows no secret of the URL or the options", function()
    run(function()
      local address = site.url:gsub("//", "//user:secret1@") .. "/cut?api_key=secret2&x=1#secret3"
      local _, err = session:get(address, {
        headers = { Authorization = "secret4", Cookie = "secret5" },
        auth = { user = "u", password = "secret6" },
      })
      assert.equal("closed", err.kind)
      for _, text in pairs { tostring(err), err.message, err.url } do
        assert.not_matches("secret", text)
      end
    end)
  end)
end)
