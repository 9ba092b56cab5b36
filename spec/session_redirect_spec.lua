local answers = require "support.answers"
local curlew = require "curlew"
local nginx = require "support.nginx"
local sessions = require "support.sessions"

local ok = sessions.ok

describe("a session that is redirected", function()
  local site, other, web, session

  setup(function()
    web = nginx.start()
  end)

  local function redirect(status, location, body)
    return function(conn)
      conn:respond { status = status, headers = { Location = location }, body = body }
    end
  end

  local function run(fn, given, more)
    curlew.run(function()
      other = answers.new()
      more = more and more(other) or {}
      for _, status in ipairs { 301, 302, 303, 307, 308 } do
        more["/" .. status] = redirect(status, "/")
        more["/away/" .. status] = redirect(status, other.url .. "/")
      end
      site = answers.new(more)
      session = curlew.session(given)
      local good, err = curlew.pcall(fn)
      session:close()
      site:close()
      other:close()
      if not good then
        error(err, 0)
      end
      site:check()
      other:check()
    end)
  end

  local function refused(...)
    local value, err = session:get(...)
    assert.is_nil(value)
    assert.equal("redirect", err.kind)
    assert.is_false(err.retryable)
    assert.is_string(err.url)
    assert.truthy(err.response.status >= 301)
    return err
  end

  it("follows, and tells the way #valgrind", function()
    run(function()
      local res = ok(session:get(web.url .. "/redirect/3"))
      assert.equal("Hello from nginx\n", res.body)
      assert.equal(web.url .. "/hello.txt", res.url)
      assert.equal(3, #res.history)
      for i, step in ipairs(res.history) do
        assert.equal(302, step.status)
        assert.equal(("%s/redirect/%d"):format(web.url, 4 - i), step.url)
      end
      assert.is_true(res.reused)
    end)
  end)

  it("follows at most 10 times, or as often as it is told", function()
    run(function()
      assert.equal(10, #ok(session:get(web.url .. "/redirect/10")).history)
      local err = refused(web.url .. "/redirect/11")
      assert.matches("10 redirects", err.message)
      assert.equal(2, #ok(session:get(web.url .. "/redirect/2", { max_redirects = 2 })).history)
      refused(web.url .. "/redirect/3", { max_redirects = 2 })
      refused(web.url .. "/redirect/1", { max_redirects = 0 })
      refused(web.url .. "/loop")
    end)
  end)

  it("gives the redirect itself with \"manual\", an error with \"error\"", function()
    run(function()
      local res = ok(session:get(site.url .. "/302", { redirect = "manual" }))
      assert.equal(302, res.status)
      assert.equal("/", res.headers["location"])
      assert.equal(1, #site.requests)
      local err = refused(site.url .. "/302", { redirect = "error" })
      assert.equal(302, err.response.status)
      assert.equal(2, #site.requests)
      assert.equal(200, ok(session:get(site.url .. "/", { redirect = "error" })).status)
    end)
  end)

  it("turns POST into GET at 301 and 302, all but HEAD at 303, nothing at 307 and 308", function()
    local expected = {
      [301] = { POST = "GET", PUT = "PUT", DELETE = "DELETE", HEAD = "HEAD" },
      [302] = { POST = "GET", PUT = "PUT", DELETE = "DELETE", HEAD = "HEAD" },
      [303] = { POST = "GET", PUT = "GET", DELETE = "GET", HEAD = "HEAD" },
      [307] = { POST = "POST", PUT = "PUT", DELETE = "DELETE", HEAD = "HEAD" },
      [308] = { POST = "POST", PUT = "PUT", DELETE = "DELETE", HEAD = "HEAD" },
    }
    run(function()
      for status, methods in pairs(expected) do
        for method, becomes in pairs(methods) do
          local body = method ~= "HEAD" and "content" or nil
          ok(session:request(method, ("%s/%d"):format(site.url, status), {
            body = body,
            headers = { ["Content-Type"] = body and "text/x" or false, ["X-Kept"] = "1" },
          }))
          assert.equal(becomes, site:last().method, status .. " " .. method)
          local kept = becomes == method and body
          assert.equal(kept or "", site:last().body)
          assert.equal(kept and "text/x" or nil, site:last().headers["content-type"])
          assert.equal(kept and "7" or nil, site:last().headers["content-length"])
          assert.equal("1", site:last().headers["x-kept"])
        end
      end
    end)
  end)

  it("sends a json body again with its content type", function()
    run(function()
      ok(session:post(site.url .. "/307", { json = { 1 } }))
      assert.equal("[1]", site:last().body)
      assert.equal("application/json", site:last().headers["content-type"])
      ok(session:post(site.url .. "/302", { json = { 1 } }))
      assert.is_nil(site:last().headers["content-type"])
    end)
  end)

  local SECRET = {
    Authorization = "Basic abc", Cookie = "a=b", ["X-Api-Key"] = "key", ["X-Auth-Token"] = "token",
    ["Proxy-Authorization"] = "x",
  }

  it("takes secrets along to the same origin", function()
    run(function()
      ok(session:get(site.url .. "/302", { headers = SECRET }))
      for name, value in pairs(SECRET) do
        assert.equal(value, site:last().headers[name:lower()])
      end
      ok(session:get(site.url .. "/302", { auth = { user = "u", password = "p" } }))
      assert.equal("Basic dTpw", site:last().headers["authorization"])
      ok(session:get((site.url:gsub("//", "//u:p@")) .. "/302"))
      assert.equal("Basic dTpw", site:last().headers["authorization"])
    end)
  end)

  it("takes no secrets to another origin: another port, name or scheme", function()
    run(function()
      local headers = { ["X-Plain"] = "plain", Host = "named.example" }
      for name, value in pairs(SECRET) do
        headers[name] = value
      end
      for _, address in ipairs { "/away/302", "/away/307", "/named" } do
        for _, given in ipairs {
          { headers = headers }, { auth = { bearer = "t" } },
          { auth = { user = "u", password = "p" } },
          { curl = { CURLOPT_COOKIE = "c=d" } },
        } do
          assert.equal("hello", ok(session:get(site.url .. address, given)).body)
          local request = other:last()
          for name in pairs(SECRET) do
            assert.is_nil(request.headers[name:lower()])
          end
          assert.is_nil(request.raw:find("secret", 1, true))
          assert.not_equal("named.example", request.headers["host"])
          assert.equal(given.headers and "plain" or nil, request.headers["x-plain"])
        end
      end
      ok(session:get((site.url:gsub("//", "//u:secret@")) .. "/away/302"))
      assert.is_nil(other:last().headers["authorization"])
    end, nil, function(elsewhere)
      return { ["/named"] = redirect(302, (elsewhere.url:gsub("127.0.0.1", "localhost")) .. "/") }
    end)
  end)

  it("does not get secrets back on the way home", function()
    run(function()
      ok(session:get(site.url .. "/there", { headers = SECRET, auth = { bearer = "t" } }))
      assert.equal("/", site:last().path)
      for name in pairs(SECRET) do
        assert.is_nil(site:last().headers[name:lower()])
      end
    end, nil, function(elsewhere)
      return {
        ["/there"] = function(conn)
          elsewhere.handler = redirect(302, site.url .. "/")
          conn:respond { status = 302, headers = { Location = elsewhere.url .. "/back" } }
        end,
      }
    end)
  end)

  it("goes from http to https, and never from https to http", function()
    run(function()
      local res = ok(session:get(web.url .. "/to-https"))
      assert.matches("^https://", res.url)
      local err = refused(web.https .. "/to-http")
      assert.matches("https to http", err.message)
    end, { verify = web.ca })
  end)

  it("goes nowhere but to http and https, and says where else it was sent", function()
    run(function()
      local err = refused(web.url .. "/to-ftp")
      assert.matches("ftp", err.message)
      for _, address in ipairs { "/file", "/bad", "/script" } do
        refused(site.url .. address)
      end
    end, nil, function()
      return {
        ["/file"] = redirect(302, "file:///etc/passwd"),
        ["/bad"] = redirect(302, "http://[::1/"),
        ["/script"] = redirect(302, "javascript:alert(1)"),
      }
    end)
  end)

  it("fails as the last hop fails, with its address", function()
    run(function()
      local value, err = session:get(web.url .. "/to-nowhere")
      assert.is_nil(value)
      assert.equal("connect", err.kind)
      assert.equal("http://127.0.0.1:1/", err.url)
    end)
  end)

  it("takes a 3xx without Location, a 300 and a 304 for answers", function()
    run(function()
      assert.equal(302, ok(session:get(site.url .. "/none")).status)
      assert.equal(300, ok(session:get(site.url .. "/choice")).status)
      assert.equal(304, ok(session:get(site.url .. "/same")).status)
      assert.equal(3, #site.requests)
    end, nil, function()
      return {
        ["/none"] = function(conn) conn:respond { status = 302 } end,
        ["/choice"] = redirect(300, "/"),
        ["/same"] = redirect(304, "/"),
      }
    end)
  end)

  it("resolves relative places, and keeps the user of the URL to itself", function()
    run(function()
      local res = ok(session:get((site.url:gsub("//", "//u:secret@")) .. "/a/b/c?q"))
      assert.equal(site.url .. "/a/d?x=1", res.url)
      assert.equal("/a/d?x=1", site:last().target)
      assert.is_nil(res.url:find("secret", 1, true))
      assert.is_nil(tostring(res):find("secret", 1, true))
    end, nil, function()
      return { ["/a/b/c"] = redirect(302, "../d?x=1") }
    end)
  end)

  it("has one total time for all hops", function()
    run(function()
      local value, err = session:get(site.url .. "/slow", { timeout = 0.3, max_redirects = 1000 })
      assert.is_nil(value)
      assert.equal("timeout", err.kind)
      assert.is_true(#site.requests < 50)
    end, nil, function()
      return {
        ["/slow"] = function(conn)
          conn:after(0.02, function()
            conn:respond { status = 302, headers = { Location = "/slow" } }
          end)
        end,
      }
    end)
  end)

  it("gives its place in the pool back between the hops", function()
    run(function()
      curlew.group(function(group)
        for _ = 1, 20 do
          group:spawn(function()
            assert.equal("hello", ok(session:get(site.url .. "/302")).body)
          end)
        end
      end)
      assert.equal(0, session.pool.active)
      assert.equal(0, session.pool.queued)
      assert.equal(1, site.connections)
    end, { max_connections = 1 })
  end)

  it("goes to the first of two places", function()
    run(function()
      assert.equal("hello", ok(session:get(site.url .. "/two")).body)
    end, nil, function()
      return {
        ["/two"] = function(conn)
          conn:respond { status = 302, headers = { Location = { "/", "/b" } } }
        end,
      }
    end)
  end)

  it("and cancelled within the body of the redirect leaves nothing", function()
    run(function()
      for _, given in ipairs { { stream = true }, { sink = function() end }, {} } do
        local child = curlew.spawn(session.get, session, site.url .. "/half", given)
        sessions.wait(function()
          return session.driver.count == 1 and #site.requests > 0
        end)
        curlew.sleep(0.01)
        child:cancel()
        curlew.pcall(child.await, child)
        assert.equal("cancelled", child:status())
        assert.same({ 0, 0 }, { session.driver.count, session.pool.active })
      end
    end, nil, function()
      return {
        ["/half"] = function(conn)
          conn:send("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 100\r\n\r\nhalf")
        end,
      }
    end)
  end)

  it("and closed meanwhile ends with kind closed_session", function()
    -- Both answers come at once; the first task closes the session before the second follows.
    run(function()
      local first = curlew.spawn(function()
        ok(session:get(site.url .. "/first"))
        session:close()
      end)
      local second = curlew.spawn(session.get, session, site.url .. "/second")
      first:await()
      local value, err = second:await()
      assert.is_nil(value)
      assert.equal("closed_session", err.kind)
      assert.equal(0, session.pool.active)
    end, nil, function()
      local held = {}
      local function hold(conn, request)
        held[request.path] = conn
        if held["/first"] and held["/second"] then
          held["/first"]:respond { body = "x" }
          held["/second"]:respond { status = 302, headers = { Location = "/" } }
        end
      end
      return { ["/first"] = hold, ["/second"] = hold }
    end)
  end)
end)
