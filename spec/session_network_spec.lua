local curlew = require "curlew"
local nginx = require "support.nginx"
local ports = require "support.ports"
local server = require "support.server"
local sessions = require "support.sessions"
local uv = require "curlew.uv"

local ok = sessions.ok

-- Whether this machine has ::1.
local function has_ipv6()
  local handle = uv.new_tcp()
  local bound = handle:bind("::1", 0)
  handle:close()
  return bound ~= nil
end

describe("a session's way to the server", function()
  local session, web, site

  setup(function()
    web = nginx.start()
  end)

  local run = sessions.runner(function(...)
    site, session = ...
  end)

  local function fails(kind, address, given)
    local value, err = session:get(address, given)
    assert.is_nil(value)
    assert.equal(kind, err.kind)
    assert.equal(address, err.url)
    return err
  end

  -- Has the site answer with the address that its client has.
  local function tell_addresses(of)
    of.handler = function(conn)
      conn:respond { body = conn.handle:getpeername().ip }
    end
  end

  describe("through a Unix socket", function()
    it("ends there, whatever the URL says", function()
      run(function()
        for _, address in ipairs { "http://any.invalid:12/echo?a=b", "http://127.0.0.1:1/echo" } do
          local body = ok(session:get(address, { unix_socket = web.socket })).body
          assert.matches("host: " .. address:match("//([^/]+)"), body, 1, true)
        end
        local put = ok(session:put("http://any.invalid/upload/by-socket", {
          unix_socket = web.socket, body = "by socket",
        }))
        assert.equal(201, put.status)
        assert.equal("by socket", web.file("upload/by-socket"))
      end)
    end)

    it("is used again, but not for what goes another way", function()
      run(function()
        local given = { unix_socket = web.socket }
        assert.is_false(ok(session:get(web.url .. "/1k", given)).reused)
        assert.is_false(ok(session:get(web.url .. "/1k")).reused)
        assert.is_true(ok(session:get(web.url .. "/1k", given)).reused)
        assert.is_true(ok(session:get(web.url .. "/1k")).reused)
      end)
    end)

    it("may be that of the session", function()
      run(function()
        assert.equal(1024, #ok(session:get("/1k")).body)
      end, { unix_socket = web.socket, base_url = "http://any.invalid/" })
    end)

    it("says which socket is not there", function()
      run(function()
        local err = fails("connect", "http://any.invalid/", { unix_socket = "/nonexistent/s" })
        assert.equal("/nonexistent/s cannot be reached: No such file or directory", err.message)
        assert.equal("CURLE_COULDNT_CONNECT", err.code)
        err = fails("io", "http://any.invalid/", { unix_socket = "/" .. ("x"):rep(200) })
        assert.matches("too long", err.message)
        assert.is_false(err.retryable)
      end)
    end)
  end)

  describe("by resolve", function()
    local function named(name, addresses)
      return ("http://%s:%d/"):format(name, site.port),
        { resolve = { ("%s:%d:%s"):format(name, site.port, addresses) } }
    end

    it("is the address that is given for a name, which the server sees", function()
      run(function()
        local address, given = named("given.invalid", "127.0.0.1")
        local res = ok(session:get(address, given))
        assert.equal("hello", res.body)
        assert.equal("127.0.0.1", res.remote_ip)
        assert.equal(address, res.url)
        assert.equal("given.invalid:" .. site.port, site:last().headers.host)
      end)
    end)

    it("is for that name and port only", function()
      run(function()
        local _, given = named("given.invalid", "127.0.0.1")
        fails("resolve", ("http://other.invalid:%d/"):format(site.port), given)
        fails("resolve", "http://given.invalid:1/", given)
      end)
    end)

    it("is the next address when one does not answer", function()
      run(function()
        local res = ok(session:get(named("several.invalid", "127.0.0.9,127.0.0.1")))
        assert.equal("127.0.0.1", res.remote_ip)
      end)
    end)

    it("is the next address at once when several refuse", function()
      run(function() -- libcurl would wait 0.2 s after the second
        local address, given = named("several.test", "127.0.0.2,127.0.0.3,127.0.0.4,127.0.0.1")
        given.timeout = { connect = 0.15 }
        assert.equal("127.0.0.1", ok(session:get(address, given)).remote_ip)
        assert.equal(1, session:stats().open)
      end)
    end)

    it("is the next address when one is silent for half of the time", function()
      run(function()
        local _, close = ports.full("127.0.0.2", site.port)
        local address, given = named("silent.test", "127.0.0.2,127.0.0.1")
        given.timeout = { connect = 1.3 }
        local res, err = session:get(address, given)
        close()
        assert.equal("127.0.0.1", ok(res, err).remote_ip)
        assert.equal(1, session:stats().open)
      end)
    end)

    it("holds on the way of a redirect", function()
      run(function()
        local _, given = named("second.invalid", "127.0.0.1")
        site.handler = function(conn, request)
          if request.headers.host:find("second") then
            return conn:respond { body = "there" }
          end
          local place = ("http://second.invalid:%d/"):format(site.port)
          conn:respond { status = 302, headers = { Location = place } }
        end
        assert.equal("there", ok(session:get(site.url .. "/", given)).body)
      end)
    end)

    it("is refused when it cannot be understood", function()
      run(function()
        local _, err = session:get(site.url .. "/", { resolve = { "garbage" } })
        assert.matches("garbage", err.message)
        assert.is_false(err.retryable)
      end)
    end)
  end)

  describe("by interface", function()
    it("starts at an address or a device, each with connections of its own", function()
      run(function()
        tell_addresses(site)
        assert.equal("127.0.0.1", ok(session:get(site.url .. "/")).body)
        for _ = 1, 2 do
          for _, from in ipairs { "127.0.0.2", "127.0.0.3" } do
            assert.equal(from, ok(session:get(site.url .. "/", { interface = from })).body)
          end
        end
        assert.equal(3, site.connections)
        assert.equal(200, ok(session:get(site.url .. "/", { interface = "lo" })).status)
      end)
    end)

    it("fails where there is none", function()
      run(function()
        local err = fails("connect", site.url .. "/", { interface = "nosuch0" })
        assert.equal("CURLE_INTERFACE_FAILED", err.code)
        assert.matches("nosuch0", err.message)
        err = fails("connect", site.url .. "/", { interface = "203.0.113.1" })
        assert.equal("CURLE_INTERFACE_FAILED", err.code)
      end)
    end)
  end)

  describe("by version of IP", function()
    it("is that of 4, or no way", function()
      run(function()
        local address = ("http://localhost:%d/"):format(site.port)
        assert.equal("127.0.0.1", ok(session:get(address, { ip = "4" })).remote_ip)
        assert.equal("127.0.0.1", ok(session:get(address, { ip = "any" })).remote_ip)
        fails("connect", site.url .. "/", { ip = "6" })
      end)
    end)

    if has_ipv6() then
      it("is that of 6, or no way", function()
        run(function()
          local six = server.new(function(conn)
            conn:respond { body = conn.handle:getpeername().ip }
          end, { host = "::1" })
          local named = ("http://localhost:%d/"):format(six.port)
          local literal = ("http://[::1]:%d/"):format(six.port)
          assert.equal("::1", ok(session:get(named, { ip = "6" })).body)
          assert.equal("::1", ok(session:get(named)).remote_ip)
          assert.equal("::1", ok(session:get(literal)).body)
          assert.equal(literal, ok(session:get(literal)).url)
          assert.equal(("[::1]:%d"):format(six.port), six:last().headers.host)
          fails("connect", literal, { ip = "4" })
          six:close()
          curlew.sleep(0.01)
          local err = fails("connect", literal)
          assert.equal(("[::1]:%d refused the connection"):format(six.port), err.message)
        end)
      end)
    end
  end)

  it("may be slowed down: no more comes in a time than max_speed says", function()
    run(function()
      local size = #web.file("big")
      local speed = size * 4
      local ways = {
        function()
          return #ok(session:get(web.url .. "/big", { max_speed = speed })).body
        end,
        function()
          local res = ok(session:get(web.https .. "/big", {
            max_speed = speed, stream = true, verify = web.ca,
          }))
          return #res:text()
        end,
      }
      for _, way in ipairs(ways) do
        local started = uv.hrtime()
        local sizes = curlew.gather { way, way, way }
        assert.same({ size, size, size, n = 3 }, sizes)
        assert.is_true((uv.hrtime() - started) * 1e-9 > 0.1) -- however fast the machine is
      end
    end)
  end)

  it("may be slowed down, and brings all the same", function()
    run(function()
      local res = ok(session:get(web.url .. "/1k", { max_speed = 100000 }))
      assert.is_true(res.body == web.file("1k"))
      local body = ("x"):rep(200000)
      res = ok(session:post(site.url .. "/", { body = body, max_speed = 1000000 }))
      assert.equal("hello", res.body)
      assert.is_true(site:last().body == body)
      ok(session:get(web.url .. "/1k", { max_speed = math.huge }))
    end)
  end)

  describe("by redirects", function()
    it("is at most as long as max_redirects, and not a request longer", function()
      run(function()
        for most = 0, 3 do
          local given = { max_redirects = most }
          local res = ok(session:get(("%s/redirect/%d"):format(web.url, most), given))
          assert.equal("Hello from nginx\n", res.body)
          assert.equal(most, #res.history)
          web.forget()
          local value, err = session:get(("%s/redirect/%d"):format(web.url, most + 1), given)
          assert.is_nil(value)
          assert.equal("redirect", err.kind)
          assert.matches(("more than %d redirects"):format(most), err.message)
          assert.equal(302, err.response.status)
          assert.equal(most, #err.response.history)
          assert.equal(most + 1, #web.log(most + 1))
        end
      end)
    end)

    it("may have no limit", function()
      run(function()
        local res = ok(session:get(web.url .. "/redirect/30", { max_redirects = math.huge }))
        assert.equal(30, #res.history)
        assert.equal(web.url .. "/hello.txt", res.url)
      end)
    end)

    it("leaves the stage early when the task is cancelled or its time is over", function()
      run(function()
        local given = { max_redirects = math.huge, timeout = 0.1 }
        local _, err = session:get(web.url .. "/loop", given)
        assert.equal("timeout", err.kind)
        local one = curlew.spawn(session.get, session, web.url .. "/loop", {
          max_redirects = math.huge,
        })
        curlew.sleep(0.02)
        one:cancel()
        assert.is_false((curlew.pcall(one.await, one)))
        assert.equal(0, session:stats().in_flight)
      end)
    end)
  end)
end)
