local core_client = require "support.core_client"
local curlew = require "curlew"
local proxies = require "support.proxies"
local server = require "support.server"
local sessions = require "support.sessions"
local tasks = require "support.tasks"

local failed, ok = sessions.failed, sessions.ok

describe("the core", function()
  local client, site

  before_each(function()
    client = core_client.new()
    site = server.new(function(conn)
      conn:respond { body = "hello" }
    end)
  end)

  after_each(function()
    client:close()
    site:close()
  end)

  local function start(url, allowed)
    return client:finish(assert(client:start { url = url, allowed = allowed }))
  end

  it("connects to no address that it was not told of, and says which it was #valgrind", function()
    local line = ("127.0.0.1 %d\n"):format(site.port)
    for _, allowed in ipairs {
      "", "127.0.0.2 " .. site.port .. "\n", "127.0.0.1 1\n", line:sub(2), line:sub(1, -2),
      "1" .. line, "127.0.0.1\n" .. site.port .. "\n",
    } do
      local outcome = start(site.url, allowed)
      assert.equal(7, outcome.result)
      assert.equal(line, outcome.asked)
      assert.equal(0, client.raw:sockets())
    end
    assert.equal(0, site.connections)
    local outcome = start(site.url, "::1 1\n" .. line)
    assert.equal("hello", outcome.body)
    assert.is_nil(outcome.asked)
  end)

  it("forgets with a transfer what was allowed it #valgrind", function()
    assert.equal(200, start(site.url, ("127.0.0.1 %d\n"):format(site.port)).status)
    local fresh = server.new(function(conn)
      conn:respond {}
    end)
    assert.equal(7, start(fresh.url, "").result)
    assert.equal(200, start(fresh.url, nil).status)
    fresh:close()
  end)
end)

describe("the option \"allow\"", function()
  local site, session, asked

  local run = sessions.runner(function(...)
    site, session = ...
    asked = {}
  end)

  -- An answer after which the connection is closed.
  local bye = {
    ["/bye"] = function(conn)
      conn:respond { headers = { { "Connection", "close" } } }
    end,
  }

  -- Allows the addresses given, and notes those that are asked about.
  local function only(...)
    local allowed = {}
    for _, ip in ipairs { ... } do
      allowed[ip] = true
    end
    return { proxy = false, allow = function(ip, port)
      asked[#asked + 1] = ip
      assert.equal("number", type(port))
      return allowed[ip]
    end }
  end

  -- The URL of the site by another name, and the options that have it there.
  local function named(name, addresses)
    return ("http://%s:%d/"):format(name, site.port),
      { resolve = { ("%s:%d:%s"):format(name, site.port, addresses) } }
  end

  local function refused(err, ip, host)
    assert.same({ "connect", "connect", false }, { err.kind, err.phase, err.retryable })
    assert.equal(('the option "allow" refuses %s:%d, on the way to %s:%d'):format(ip, site.port,
      host or ip, site.port), err.message)
    assert.equal(0, site.connections)
    assert.equal(0, session:stats().in_flight)
  end

  it("is asked for the address in a URL, and its port", function()
    local port
    run(function()
      ok(session:get(site.url))
      assert.equal(site.port, port)
    end, { proxy = false, allow = function(_, given)
      port = given
      return true
    end })
    run(function()
      refused(failed(session:get(site.url)), "127.0.0.1")
      assert.same({ "127.0.0.1" }, asked)
    end, only())
  end)

  it("is asked whatever form the URL gives to an address", function()
    run(function()
      for _, host in ipairs { "2130706433", "0x7f.1", "127.1", "017700000001" } do
        local err = failed(session:get(("http://%s:%d/"):format(host, site.port)))
        assert.equal("connect", err.kind)
        assert.matches("refuses 127.0.0.1:", err.message, 1, true)
      end
    end, only())
  end)

  it("is asked for addresses of IPv6", function()
    run(function()
      local err = failed(session:get("http://[::1]:1/"))
      assert.equal('the option "allow" refuses [::1]:1, on the way to [::1]:1', err.message)
      err = failed(session:get(("http://[::ffff:127.0.0.1]:%d/"):format(site.port)))
      assert.matches("refuses [::ffff:127.0.0.1]:", err.message, 1, true)
      assert.same({ "::1", "::ffff:127.0.0.1" }, asked)
    end, only "127.0.0.1")
  end)

  it("is asked for those of a name, in /etc/hosts", function()
    run(function()
      local err = failed(session:get(("http://localhost:%d/"):format(site.port), { ip = "4" }))
      refused(err, "127.0.0.1", "localhost")
    end, only())
  end)

  it("is asked for those of the option \"resolve\"", function()
    run(function()
      local address, given = named("given.invalid", "127.0.0.1")
      refused(failed(session:get(address, given)), "127.0.0.1", "given.invalid")
    end, only())
  end)

  it("leaves those of a name that it allows, and only these are tried", function()
    run(function()
      local res = ok(session:get(named("some.invalid", "127.0.0.9,127.0.0.1,127.0.0.8")))
      assert.equal("127.0.0.1", res.remote_ip)
      table.sort(asked)
      assert.same({ "127.0.0.1", "127.0.0.8", "127.0.0.9" }, asked)
    end, only "127.0.0.1")
  end)

  it("names three of the addresses that it refuses", function()
    run(function()
      local many = "127.0.0.2,127.0.0.3,127.0.0.4,127.0.0.5"
      local err = failed(session:get(named("many.invalid", many)))
      local port = ":" .. site.port
      assert.equal(('the option "allow" refuses 127.0.0.2%s, 127.0.0.3%s, 2 others, ')
        :format(port, port) .. "on the way to many.invalid" .. port, err.message)
    end, only())
  end)

  it("tells nothing of passwords", function()
    run(function()
      local err = failed(session:get(("http://user:hidden@127.0.0.1:%d/?token=hidden")
        :format(site.port)))
      assert.not_matches("hidden", tostring(err) .. err.message)
    end, only())
  end)

  it("is asked at every redirect", function()
    run(function()
      local err = failed(session:get(site.url .. "/inside"))
      assert.equal("connect", err.kind)
      assert.matches("refuses 127.0.0.2:", err.message, 1, true)
      assert.same({ "127.0.0.1", "127.0.0.2" }, asked)
      assert.equal(1, site.connections)
    end, only "127.0.0.1", {
      ["/inside"] = function(conn)
        conn:respond { status = 302, headers = { { "Location", ("http://127.0.0.2:%d/")
          :format(site.port) } } }
      end,
    })
  end)

  it("is not passed by a name that has another address a moment later", function()
    local turned
    run(function()
      local address, given = named("rebound.invalid", "127.0.0.1")
      ok(session:get(address .. "bye", given)) -- which the session remembers
      turned = function()
        turned = nil
        failed(session:get(named("rebound.invalid", "127.0.0.2")))
      end
      local err = failed(session:get(address))
      assert.equal("connect", err.kind)
      assert.matches("refuses 127.0.0.2:", err.message, 1, true)
      assert.equal(1, site.connections)
    end, { proxy = false, allow = function(ip)
      if ip == "127.0.0.1" and turned then
        turned()
      end
      return ip == "127.0.0.1"
    end }, bye)
  end)

  it("is asked again for each connection, and not for one that is there", function()
    run(function()
      ok(session:get(site.url))
      assert.is_true(ok(session:get(site.url .. "/bye")).reused)
      assert.same({ "127.0.0.1" }, asked)
      assert.is_false(ok(session:get(site.url)).reused)
      assert.same({ "127.0.0.1", "127.0.0.1" }, asked)
    end, only "127.0.0.1", bye)
  end)

  it("is not passed by a connection that another session has made", function()
    run(function()
      local other = curlew.session { proxy = false }
      ok(other:get(site.url))
      failed(session:get(site.url))
      assert.is_true(ok(other:get(site.url)).reused)
      assert.equal(1, site.connections)
      other:close()
    end, only())
  end)

  it("is for sessions: a request would find connections that nobody was asked about", function()
    run(function()
      local good, message = curlew.pcall(session.get, session, site.url, { allow = print })
      assert.is_false(good)
      assert.matches('unknown option "allow"', message)
    end)
  end)

  it("is asked for the address of a proxy, which looks the other one up itself", function()
    local proxy = proxies.start()
    run(function()
      for _, url in ipairs { "http://" .. proxy.http, "socks5h://" .. proxy.socks } do
        local address = site.url:gsub("127%.0%.0%.1", "localhost")
        asked = {}
        assert.equal("hello", ok(session:get(address, { proxy = url })).body)
        assert.same({ "127.0.0.1" }, asked)
      end
    end, only "127.0.0.1")
    run(function()
      for _, url in ipairs { "http://" .. proxy.http, "socks5h://" .. proxy.socks } do
        local err = failed(session:get(site.url, { proxy = url }))
        assert.equal("connect", err.kind)
        assert.matches("refuses " .. url:match("//(.*)"), err.message, 1, true)
      end
      assert.equal(0, site.connections)
    end, only())
  end)

  it("excludes Unix sockets, which have no address", function()
    run(function()
      local good, message = curlew.pcall(session.get, session, site.url, { unix_socket = "/s" })
      assert.is_false(good)
      assert.matches("allowing_spec.lua:%d+: options \"allow\" and \"unix_socket\"", message)
      local err = failed(session:get(site.url, { curl = { UNIX_SOCKET_PATH = "/dev/null" } }))
      assert.equal("connect", err.kind)
      assert.same({}, asked)
    end, only "127.0.0.1")
  end)

  it("has its error raised where the request was made", function()
    run(function()
      local good, err = curlew.pcall(session.get, session, site.url)
      assert.is_false(good)
      assert.matches("allowing_spec.lua:%d+: no idea", err)
      assert.equal(0, session:stats().in_flight)
      assert.equal(0, site.connections)
    end, { proxy = false, allow = function()
      error("no idea")
    end })
  end)

  it("is called in the task of the request, and may wait", function()
    local inside
    run(function()
      ok(session:get(site.url))
      assert.equal(curlew.current(), inside)
    end, { proxy = false, allow = function()
      curlew.sleep(0.01)
      inside = curlew.current()
      return true
    end })
  end)

  it("loses no place when its request is cancelled, late, or the session is closed", function()
    local gate
    run(function()
      local asking = tasks.waiting(session.get, session, site.url)
      sessions.wait(function()
        return gate
      end)
      asking:cancel()
      assert.is_true(tasks.is_cancelled(asking))
      assert.equal(0, session:stats().in_flight)
      local err = failed(session:get(site.url, { timeout = 0.05 }))
      assert.same({ "timeout", "connect" }, { err.kind, err.phase })
      assert.equal(0, session:stats().in_flight)
      gate = nil
      asking = tasks.waiting(session.get, session, site.url)
      sessions.wait(function()
        return gate
      end)
      session:close()
      gate:set()
      assert.equal("closed_session", failed(asking:await()).kind)
    end, { proxy = false, max_connections = 1, allow = function()
      gate = curlew.event()
      gate:wait()
      return true
    end })
  end)

  it("is asked before a body is read, which is sent once", function()
    local pieces = { "a", "b" }
    run(function()
      local res = ok(session:post(site.url .. "/echo", {
        body = function()
          assert.same({ "127.0.0.1" }, asked)
          return table.remove(pieces, 1)
        end,
        on_progress = function() end,
        verbose = function() end,
      }))
      assert.equal("ab", res.body)
      res = ok(session:post(site.url .. "/echo", { multipart = { name = "value" } }))
      assert.matches("value", res.body)
    end, only "127.0.0.1", {
      ["/echo"] = function(conn, request)
        conn:respond { body = request.body, headers = { { "Connection", "close" } } }
      end,
    })
  end)

  it("is asked for streams, too, and by many requests at once", function()
    run(function()
      local list = {}
      for i = 1, 20 do
        list[i] = function()
          local res = ok(session:get(site.url, { stream = true }))
          return ok(res:text())
        end
      end
      for _, body in ipairs(curlew.gather(list)) do
        assert.equal("hello", body)
      end
      assert.is_true(#asked >= 1 and #asked <= 20)
      assert.equal(site.connections, #asked)
    end, only "127.0.0.1")
  end)

  it("takes a function", function()
    local good, message = pcall(curlew.session, { allow = "127.0.0.1" })
    assert.is_false(good)
    assert.matches('option "allow" must be a function', message)
  end)
end)
