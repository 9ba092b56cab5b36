local curlew = require "curlew"
local nginx = require "support.nginx"
local sessions = require "support.sessions"
local shell = require "support.shell"

local ok = sessions.ok

-- The error of a request that is to fail.
local function failed(...)
  local err = sessions.failed(...)
  assert.is_string(err.message)
  assert.not_matches("libcurl gave up", err.message)
  return err
end

describe("a session", function()
  local site, web, session

  setup(function()
    web = nginx.start()
  end)

  local run = sessions.runner(function(...)
    site, session = ...
  end)

  describe("sends", function()
    it("GET, or POST when there is a body #valgrind", function()
      run(function()
        ok(session:request(nil, site.url .. "/"))
        assert.equal("GET", site:last().method)
        ok(session:request(nil, site.url .. "/", { body = "x" }))
        assert.equal("POST", site:last().method)
        ok(session:request(nil, site.url .. "/", { body = "" }))
        assert.equal("POST", site:last().method)
        assert.equal("0", site:last().headers["content-length"])
      end)
    end)

    it("each method by its own function, and any token by name", function()
      run(function()
        for _, name in ipairs { "get", "post", "put", "patch", "delete", "options", "head" } do
          ok(session[name](session, site.url .. "/"))
          assert.equal(name:upper(), site:last().method)
          assert.equal("", site:last().body)
        end
        ok(session:request("PROPFIND", site.url .. "/"))
        assert.equal("PROPFIND", site:last().method)
        ok(session:request(nil, site.url .. "/", { method = "M-SEARCH", body = "b" }))
        assert.equal("M-SEARCH", site:last().method)
        assert.equal("b", site:last().body)
      end)
    end)

    it("a body with every method but HEAD", function()
      run(function()
        for _, name in ipairs { "get", "post", "put", "patch", "delete", "options" } do
          ok(session[name](session, site.url .. "/", { body = "content" }))
          assert.equal(name:upper(), site:last().method)
          assert.equal("content", site:last().body)
          assert.equal("7", site:last().headers["content-length"])
          assert.is_nil(site:last().headers["expect"])
          assert.is_nil(site:last().headers["content-type"])
        end
      end)
    end)

    it("a big body without asking first whether it may", function()
      run(function()
        local body = ("0123456789abcdef"):rep(200000)
        ok(session:post(site.url .. "/", { body = body }))
        assert.is_nil(site:last().headers["expect"])
        assert.is_true(site:last().body == body)
      end)
    end)

    it("a body with NUL bytes whole", function()
      run(function()
        ok(session:post(site.url .. "/", { body = "a\0b\0\r\n\255" }))
        assert.equal("a\0b\0\r\n\255", site:last().body)
      end)
    end)

    it("json and form with their content types, unless headers say otherwise", function()
      run(function()
        ok(session:post(site.url .. "/", { json = { a = 1 } }))
        assert.equal('{"a":1}', site:last().body)
        assert.equal("application/json", site:last().headers["content-type"])
        ok(session:put(site.url .. "/", { form = { b = "x y&", a = { 1, 2 } } }))
        assert.equal("a=1&a=2&b=x+y%26", site:last().body)
        assert.equal("application/x-www-form-urlencoded", site:last().headers["content-type"])
        ok(session:post(site.url .. "/", {
          json = {}, headers = { ["content-TYPE"] = "application/vnd.api+json" },
        }))
        assert.equal("application/vnd.api+json", site:last().headers["content-type"])
        ok(session:post(site.url .. "/", { form = {}, headers = { ["Content-Type"] = false } }))
        assert.is_nil(site:last().headers["content-type"])
      end)
    end)

    it("headers as they are given: order of a list, case, spaces, empty values", function()
      run(function()
        ok(session:get(site.url .. "/", {
          headers = { ["X-List"] = { "b", "a", "c" }, ["x-Case"] = "Va Lue", ["X-Empty"] = "" },
        }))
        local values, names = {}, {}
        for _, pair in ipairs(site:last().header_list) do
          names[pair[1]] = pair[2]
          if pair[1] == "X-List" then
            values[#values + 1] = pair[2]
          end
        end
        assert.same({ "b", "a", "c" }, values)
        assert.equal("Va Lue", names["x-Case"])
        assert.equal("", names["X-Empty"])
      end)
    end)

    it("default headers, which a request may change or remove", function()
      run(function()
        ok(session:get(site.url .. "/"))
        assert.matches("^curlew/%d", site:last().headers["user-agent"])
        assert.equal("*/*", site:last().headers["accept"])
        assert.matches("gzip", site:last().headers["accept-encoding"])
        ok(session:get(site.url .. "/", {
          headers = { ["User-Agent"] = "me/1", accept = "text/html", Host = "other.example" },
        }))
        assert.equal("me/1", site:last().headers["user-agent"])
        assert.equal("text/html", site:last().headers["accept"])
        assert.equal("other.example", site:last().headers["host"])
        ok(session:get(site.url .. "/", {
          headers = { ["user-agent"] = false, Accept = false, ["Accept-Encoding"] = false },
        }))
        assert.is_nil(site:last().headers["user-agent"])
        assert.is_nil(site:last().headers["accept"])
        assert.is_nil(site:last().headers["accept-encoding"])
        assert.equal(("127.0.0.1:%d"):format(site.port), site:last().headers["host"])
      end)
    end)

    it("its own headers with each request, under those of the request", function()
      run(function()
        ok(session:get(site.url .. "/", {
          headers = { ["X-TWO"] = "request", ["x-three"] = false },
        }))
        assert.equal("session", site:last().headers["x-one"])
        assert.equal("request", site:last().headers["x-two"])
        assert.is_nil(site:last().headers["x-three"])
        assert.equal("agent/2", site:last().headers["user-agent"])
        ok(session:get(site.url .. "/"))
        assert.equal("session", site:last().headers["x-two"])
        assert.equal("session", site:last().headers["x-three"])
      end, {
        headers = { ["X-One"] = "session", ["X-Two"] = "session", ["X-Three"] = "session" },
        user_agent = "agent/2",
      })
    end)

    it("params in the query, beside what the URL has", function()
      run(function()
        ok(session:get(site.url .. "/?z=1#part", { params = { a = { "x y", "ä" }, b = "&=" } }))
        assert.equal("/?z=1&a=x+y&a=%C3%A4&b=%26%3D", site:last().target)
      end)
    end)

    it("what base_url and a relative address make together", function()
      run(function()
        local base = curlew.session { base_url = site.url .. "/api/v1/" }
        for address, target in pairs {
          ["items"] = "/api/v1/items", ["/top"] = "/top", ["../v2/x?y=1"] = "/api/v2/x?y=1",
          ["?q=1"] = "/api/v1/?q=1", [site.url .. "/abs"] = "/abs",
        } do
          ok(base:get(address))
          assert.equal(target, site:last().target)
        end
        base:close()
      end)
    end)

    it("user and password of the URL or of auth, or a bearer token", function()
      run(function()
        local address = web.url .. "/auth"
        assert.equal(401, ok(session:get(address)).status)
        assert.equal(401,
          ok(session:get(address, { auth = { user = "user", password = "no" } })).status)
        assert.equal(200,
          ok(session:get(address, { auth = { user = "user", password = "secret" } })).status)
        local res = ok(session:get((address:gsub("//", "//user:secret@"))))
        assert.equal(200, res.status)
        assert.equal(address, res.url)
        ok(session:get(site.url .. "/", { auth = { bearer = "tok" } }))
        assert.equal("Bearer tok", site:last().headers["authorization"])
      end)
    end)

    it("Content-Length: 0 with a POST, PUT or PATCH without a body", function()
      run(function()
        for _, name in ipairs { "post", "put", "patch" } do
          ok(session[name](session, site.url .. "/"))
          assert.equal("0", site:last().headers["content-length"])
        end
      end)
    end)

    it("no body with HEAD, which is the caller's mistake", function()
      run(function()
        local good, err = curlew.pcall(function()
          session:head(site.url .. "/", { body = "x" })
        end)
        assert.is_false(good)
        assert.matches("session_spec.lua:%d+: .*HEAD", err)
      end)
    end)
  end)

  describe("gives a response", function()
    it("with its status, its reason and its place", function()
      run(function()
        local res = ok(session:get(web.url .. "/hello.txt"))
        assert.equal(200, res.status)
        assert.is_true(res.ok)
        assert.equal("OK", res.reason)
        assert.equal(web.url .. "/hello.txt", res.url)
        assert.equal("Hello from nginx\n", res.body)
        assert.equal("1.1", res.http_version)
        assert.equal("127.0.0.1", res.remote_ip)
        assert.equal(1, res.attempts)
        assert.same({}, res.history)
        assert.equal("<Response 200 " .. res.url .. ">", tostring(res))
      end)
    end)

    it("for every status", function()
      run(function()
        for _, status in ipairs { 201, 204, 304, 400, 404, 418, 429, 500, 503 } do
          local res = ok(session:get(("%s/status/%d"):format(web.url, status)))
          assert.equal(status, res.status)
          assert.equal(status < 300, res.ok)
        end
      end)
    end)

    it("with headers that know no case, repeated ones in order", function()
      run(function()
        local headers = ok(session:get(web.url .. "/headers")).headers
        assert.equal("one, two, three", headers["x-REPEATED"])
        assert.same({ "first=1; Path=/", "second=2; Path=/; HttpOnly" }, headers:all("set-cookie"))
        assert.equal("Mixed Value", headers["X-Mixed-Case"])
        assert.is_nil(headers["x-none"])
      end)
    end)

    it("with whether its connection had served before", function()
      run(function()
        local first, second = ok(session:get(web.url .. "/1k")), ok(session:get(web.url .. "/1k"))
        assert.is_false(first.reused)
        assert.is_true(second.reused)
        web.forget()
        ok(session:get(web.url .. "/1k"))
        ok(session:get(web.url .. "/empty"))
        local log = web.log(2)
        assert.equal(log[1].connection, log[2].connection)
      end)
    end)

    it("with the times at which it got on", function()
      run(function()
        local timing = ok(session:get(web.https .. "/1k")).timing
        for _, name in ipairs { "dns", "connect", "tls", "first_byte", "total" } do
          assert.is_number(timing[name])
        end
        assert.is_true(timing.connect <= timing.tls)
        assert.is_true(timing.tls <= timing.first_byte)
        assert.is_true(0 < timing.first_byte and timing.first_byte <= timing.total)
      end, { verify = web.ca })
    end)

    it("to HEAD, which has headers and no body, and keeps the connection", function()
      run(function()
        local res = ok(session:head(web.url .. "/1k"))
        assert.equal("1024", res.headers["content-length"])
        assert.equal("", res.body)
        assert.is_true(ok(session:get(web.url .. "/1k")).reused)
      end)
    end)

    it("with a big body whole, and an empty one empty", function()
      run(function()
        assert.is_true(ok(session:get(web.url .. "/big")).body == web.file("big"))
        assert.equal("", ok(session:get(web.url .. "/empty")).body)
      end)
    end)

    it("with its JSON, or an error of kind decode", function()
      run(function()
        assert.same({ 1, 2, 3 }, ok(session:get(web.url .. "/json")):json().list)
        local err = failed(ok(session:get(web.url .. "/hello.txt")):json())
        assert.equal("decode", err.kind)
        assert.equal(web.url .. "/hello.txt", err.url)
      end)
    end)

    it("after passing over 1xx responses, with trailers apart", function()
      run(function()
        local res = ok(session:get(site.url .. "/early"))
        assert.equal(200, res.status)
        assert.is_nil(res.headers["link"])
        assert.is_nil(res.headers["x-sum"])
        assert.equal("7", res.trailers["x-sum"])
        assert.equal("ab", res.body)
      end, nil, {
        ["/early"] = function(conn)
          conn:send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
            .. "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
          conn:send("2\r\nab\r\n0\r\nX-Sum: 7\r\n\r\n")
        end,
      })
    end)

    it("of the version of HTTP that was agreed on", function()
      run(function()
        assert.equal("2", ok(session:get(web.https .. "/1k")).http_version)
        assert.equal("1.1", ok(session:get(web.https .. "/1k", { http = "1.1" })).http_version)
        assert.equal("2",
          ok(session:get(web.h2c .. "/1k", { http = "2-prior-knowledge" })).http_version)
        assert.equal("1.1", ok(session:get(web.url .. "/1k", { http = "2" })).http_version)
        local res = ok(session:get(web.https .. "/headers"))
        assert.equal("", res.reason)
        assert.equal("one, two, three", res.headers["x-repeated"])
      end, { verify = web.ca })
    end)

    it("through a Unix socket", function()
      run(function()
        local res = ok(session:get("http://localhost/hello.txt", { unix_socket = web.socket }))
        assert.equal("Hello from nginx\n", res.body)
      end)
    end)
  end)

  describe("decodes", function()
    local function compress(text)
      local dir = shell.scratch()
      shell.write_file(dir .. "/text", text)
      assert(shell.run(("gzip -9nc %s/text >%s/text.gz"):format(dir, dir)))
      return shell.read_file(dir .. "/text.gz")
    end

    local text = ("a line that gzip makes much smaller\n"):rep(30000)
    local packed, tail

    setup(function()
      packed = compress(text)
    end)

    local more = {
      ["/gzip"] = function(conn)
        conn:send(("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n")
          :format(#packed - tail) .. packed:sub(1, -1 - tail))
      end,
      ["/lie"] = function(conn)
        conn:respond { headers = { ["Content-Encoding"] = "gzip" }, body = "not gzip at all" }
      end,
    }

    it("gzip, and leaves it alone when told to", function()
      run(function()
        local res = ok(session:get(web.url .. "/gzip"))
        assert.equal("gzip", res.headers["content-encoding"])
        assert.equal(web.file("gzip"), res.body)
        res = ok(session:get(web.url .. "/gzip", { decompress = false }))
        assert.is_nil(res.headers["content-encoding"]) -- nothing was asked for
        tail = 0
        res = ok(session:get(site.url .. "/gzip", { decompress = false }))
        assert.is_nil(site:last().headers["accept-encoding"])
        assert.is_true(res.body == packed)
        assert.is_true(ok(session:get(site.url .. "/gzip")).body == text)
      end, nil, more)
    end)

    it("no more than max_body: a small bomb is stopped", function()
      run(function()
        tail = 0
        assert.is_true(#packed < 10000)
        assert.equal(#text, #ok(session:get(site.url .. "/gzip", { max_body = #text })).body)
        local err = failed(session:get(site.url .. "/gzip", { max_body = #text - 1 }))
        assert.equal("too_large", err.kind)
      end, nil, more)
    end)

    it("nothing of what only claims to be gzip", function()
      run(function()
        local err = failed(session:get(site.url .. "/lie"))
        assert.equal("decode", err.kind)
        assert.equal("CURLE_BAD_CONTENT_ENCODING", err.code)
        assert.is_false(err.retryable)
      end, nil, more)
    end)
  end)

  describe("limits the body", function()
    it("to max_body exactly #valgrind", function()
      run(function()
        assert.equal(1024, #ok(session:get(web.url .. "/1k", { max_body = 1024 })).body)
        local err = failed(session:get(web.url .. "/1k", { max_body = 1023 }))
        assert.equal("too_large", err.kind)
        assert.matches("1023", err.message)
        assert.equal("", ok(session:get(web.url .. "/empty", { max_body = 0 })).body)
        assert.equal("too_large", failed(session:get(web.url .. "/1k", { max_body = 0 })).kind)
        assert.equal(1024, #ok(session:get(web.url .. "/1k", { max_body = math.huge })).body)
      end)
    end)
  end)

  describe("over TLS", function()
    it("refuses an issuer that it does not know", function()
      run(function()
        local err = failed(session:get(web.https .. "/1k"))
        assert.equal("tls", err.kind)
        assert.equal("CURLE_PEER_FAILED_VERIFICATION", err.code)
        assert.matches("issuer", err.message)
        assert.is_false(err.retryable)
        assert.equal(web.https .. "/1k", err.url)
      end)
    end)

    it("does not use a connection that was not verified for one that has to be", function()
      run(function()
        assert.equal(200, ok(session:get(web.https .. "/1k", { verify = false })).status)
        assert.equal("tls", failed(session:get(web.https .. "/1k")).kind)
        assert.equal(200, ok(session:get(web.https .. "/1k", { verify = web.ca })).status)
        assert.equal("tls", failed(session:get(web.https .. "/1k")).kind)
      end)
    end)

    it("refuses a name that is not in the certificate", function()
      run(function()
        local address = ("https://other.invalid:%d/1k"):format(web.https_port)
        local given = { resolve = { ("other.invalid:%d:127.0.0.1"):format(web.https_port) } }
        local err = failed(session:get(address, given))
        assert.equal("tls", err.kind)
        assert.equal("CURLE_PEER_FAILED_VERIFICATION", err.code)
        given.verify = false
        assert.equal(200, ok(session:get(address, given)).status)
      end, { verify = web.ca })
    end)

    it("shows a client certificate, and pins a key", function()
      run(function()
        local res = ok(session:get(web.https .. "/echo", { cert = web.cert, key = web.key }))
        assert.matches("client%-cert: SUCCESS", res.body)
        res = ok(session:get(web.https .. "/echo"))
        assert.matches("client%-cert: NONE", res.body)
        ok(session:get(web.https .. "/1k", { pinned_key = web.pin }))
        local wrong = "sha256//" .. ("A"):rep(43) .. "="
        local err = failed(session:get(web.https .. "/1k", { pinned_key = wrong }))
        assert.equal("tls", err.kind)
        assert.equal("CURLE_SSL_PINNEDPUBKEYNOTMATCH", err.code)
      end, { verify = web.ca })
    end)

    it("says so when the CA file is not there, and when the server speaks no TLS", function()
      run(function()
        local err = failed(session:get(web.https .. "/1k", { verify = "/nonexistent/ca.pem" }))
        assert.equal("tls", err.kind)
        assert.equal("CURLE_SSL_CACERT_BADFILE", err.code)
        err = failed(session:get(("https://127.0.0.1:%d/"):format(web.port)))
        assert.equal("tls", err.kind)
        assert.equal("CURLE_SSL_CONNECT_ERROR", err.code)
      end)
    end)

    it("carries requests to one origin on one connection with HTTP/2", function()
      run(function()
        web.forget()
        curlew.group(function(group)
          for i = 1, 30 do
            group:spawn(function()
              assert.equal(200, ok(session:get(web.https .. "/1k?" .. i)).status)
            end)
          end
        end)
        local connections = {}
        for _, entry in ipairs(web.log(30)) do
          connections[entry.connection] = true
          assert.equal("HTTP/2.0", entry.protocol)
        end
        assert.is_nil(next(connections, next(connections)))
      end, { verify = web.ca })
    end)
  end)

  describe("of its own", function()
    it("is kept by fetch from its first use to the end of the run", function()
      curlew.run(function()
        assert.is_false(ok(curlew.fetch(web.url .. "/1k")).reused)
        assert.is_true(ok(curlew.fetch(web.url .. "/1k")).reused)
      end)
      curlew.run(function()
        assert.is_false(ok(curlew.fetch(web.url .. "/1k")).reused)
      end)
    end)

    it("shares no connections with others", function()
      run(function()
        ok(session:get(web.url .. "/1k"))
        local other = curlew.session()
        assert.is_false(ok(other:get(web.url .. "/1k")).reused)
        other:close()
        assert.is_true(ok(session:get(web.url .. "/1k")).reused)
      end)
    end)

    it("can be used in one run after another", function()
      local kept = curlew.session()
      for _ = 1, 3 do
        curlew.run(function()
          assert.equal(200, ok(kept:get(web.url .. "/1k")).status)
        end)
      end
      curlew.run(function()
        assert.is_true(ok(kept:get(web.url .. "/1k")).reused)
        kept:close()
      end)
    end)
  end)

  describe("raises at the caller's line", function()
    it("for wrong use", function()
      run(function()
        local function blames(pattern, ...)
          local given = { ... }
          local good, err = curlew.pcall(function()
            session:request(given[1], given[2], given[3])
          end)
          assert.is_false(good)
          assert.matches("session_spec.lua:%d+: .*" .. pattern, err)
        end
        blames("URL must be a string", nil, 5)
        blames('did you mean "timeout"', nil, site.url, { timout = 1 })
        blames("exclude each other", nil, site.url, { body = "x", json = {} })
        blames("CR, LF or NUL", nil, site.url, { headers = { A = "x\r\nB: y" } })
        blames("not the name of a header", nil, site.url, { headers = { ["A: b"] = "x" } })
        blames("token", "GET /\r\nX: y", site.url)
        assert.equal(0, #site.requests)
        assert.equal(0, session.pool.active)
      end)
    end)

    it("for a request outside of a task", function()
      local good, err = pcall(curlew.fetch, web.url)
      assert.is_false(good)
      assert.matches("inside a task", err)
    end)
  end)
end)
