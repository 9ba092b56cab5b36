local curlew = require "curlew"
local nginx = require "support.nginx"
local process = require "support.process"
local proxies = require "support.proxies"
local server = require "support.server"
local sessions = require "support.sessions"
local shell = require "support.shell"

local ok = sessions.ok

describe("a session with a proxy", function()
  local session, web, site, proxy, target, secure

  setup(function()
    web, proxy = nginx.start(), proxies.start()
    target, secure = web.url .. "/hello.txt", web.https .. "/hello.txt"
  end)

  local run = sessions.runner(function(...)
    site, session = ...
  end)

  -- Asserts that the request fails, and shows nothing of a password. Returns the error.
  local function fails(kind, code, address, given)
    local value, err = session:get(address, given)
    assert.is_nil(value)
    assert.same({ kind, code and "CURLE_" .. code }, { err.kind, err.code })
    assert.equal(address, err.url)
    for _, text in ipairs { err.message, tostring(err) } do
      assert.not_matches("hidden", text)
      assert.not_matches("[\r\n]", text)
    end
    return err
  end

  local function through(url)
    return { proxy = url, verify = web.ca }
  end

  describe("for http", function()
    it("goes through it, to http by absolute address and to https by a tunnel", function()
      run(function()
        proxy.forget_http()
        local given = through("http://" .. proxy.http)
        assert.equal("Hello from nginx\n", ok(session:get(target, given)).body)
        assert.matches("GET " .. target:gsub("%p", "%%%0"), proxy.http_log())
        local res = ok(session:get(secure, given))
        assert.equal("2", res.http_version)
        assert.matches("CONNECT localhost:" .. web.https_port, proxy.http_log(), 1, true)
        -- Without a scheme it is one for http, too.
        assert.equal(200, ok(session:get(target, through(proxy.http))).status)
      end)
    end)

    it("tells it the password of its URL, decoded", function()
      run(function()
        for _, user in ipairs { "user:secret", "us%65r:s%65cret" } do
          local url = ("http://%s@%s"):format(user, proxy.http_auth)
          assert.equal(200, ok(session:get(target, through(url))).status)
          assert.equal(200, ok(session:get(secure, through(url))).status)
        end
      end)
    end)

    -- What a proxy answers to a request for http cannot be told from the server's own answer. (To
    -- a wrong password, this one says 401.)
    it("refuses a wrong password: by a response for http, an error for https", function()
      run(function()
        local none = through("http://" .. proxy.http_auth)
        local wrong = through("http://user:hidden@" .. proxy.http_auth)
        local res = ok(session:get(target, none))
        assert.equal(407, res.status)
        assert.matches("^Basic ", res.headers["proxy-authenticate"])
        assert.equal(401, ok(session:get(target, wrong)).status)
        local err = fails("proxy", "RECV_ERROR", secure, none)
        assert.matches("407", err.message)
        assert.is_false(err.retryable)
        err = fails("proxy", "RECV_ERROR", secure, wrong)
        assert.matches("401", err.message)
      end)
    end)

    it("shows the proxy nothing of a request for https but its place", function()
      run(function()
        site.handler = function(conn)
          conn:respond { status = 403, body = "not there" }
        end
        local err = fails("proxy", "RECV_ERROR", secure .. "?q=1", {
          proxy = site.url:gsub("//", "//user:hidden@"),
          headers = { ["X-Secret"] = "mine", Cookie = "mine" }, auth = { bearer = "mine" },
        })
        assert.matches("403", err.message)
        local request = site:last()
        assert.equal("CONNECT", request.method)
        assert.equal("localhost:" .. web.https_port, request.target)
        assert.equal("Basic dXNlcjpoaWRkZW4=", request.headers["proxy-authorization"])
        assert.is_nil(request.raw:find("mine", 1, true))
        assert.is_nil(request.headers.authorization)
      end)
    end)

    it("shows the server nothing of what is the proxy's", function()
      run(function()
        local url = ("http://user:secret@%s"):format(proxy.http_auth)
        local seen = ok(session:get(site.url .. "/", through(url)))
        assert.equal("hello", seen.body)
        assert.is_nil(site:last().headers["proxy-authorization"])
        assert.is_nil(site:last().headers.authorization)
      end)
    end)

    it("does not answer a server that asks as if it were the proxy", function()
      run(function()
        site.handler = function(conn)
          conn:respond { status = 407, headers = { ["Proxy-Authenticate"] = "Basic realm=x" } }
        end
        local given = { auth = { user = "user", password = "secret", type = "any" }, proxy = false }
        assert.equal(407, ok(session:get(site.url .. "/", given)).status)
        assert.equal(1, #site.requests)
        assert.is_nil(site:last().headers["proxy-authorization"])
      end)
    end)

    it("takes what the proxy says of a server that it cannot reach", function()
      run(function()
        local given = through("http://" .. proxy.http)
        assert.equal(500, ok(session:get("http://127.0.0.1:1/", given)).status)
        local err = fails("proxy", "RECV_ERROR", "https://127.0.0.1:1/", given)
        assert.matches("500", err.message)
      end)
    end)

    it("verifies the server behind a tunnel, not the proxy", function()
      run(function()
        fails("tls", "PEER_FAILED_VERIFICATION", secure, { proxy = "http://" .. proxy.http })
      end)
    end)

    it("carries many requests at once", function()
      run(function()
        for _, address in ipairs { target, secure } do
          curlew.map({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 }, function()
            assert.equal(200, ok(session:get(address, through("http://" .. proxy.http))).status)
          end)
        end
      end)
    end)
  end)

  describe("for socks5", function()
    it("goes through it, with the password of its URL", function()
      run(function()
        for _, scheme in ipairs { "socks5", "socks5h" } do
          for _, address in ipairs { target, secure } do
            local res = ok(session:get(address, through(("%s://%s"):format(scheme, proxy.socks))))
            assert.equal("Hello from nginx\n", res.body)
            local url = ("%s://user:secret@%s"):format(scheme, proxy.socks_auth)
            assert.equal(200, ok(session:get(address, through(url))).status)
          end
        end
      end)
    end)

    it("without the right password is refused", function()
      run(function()
        for _, scheme in ipairs { "socks5", "socks5h" } do
          for _, address in ipairs { target, secure } do
            local err = fails("proxy", "PROXY", address,
              through(("%s://%s"):format(scheme, proxy.socks_auth)))
            assert.is_false(err.retryable)
            err = fails("proxy", "PROXY", address,
              through(("%s://user:hidden@%s"):format(scheme, proxy.socks_auth)))
            assert.matches("rejected", err.message)
          end
        end
      end)
    end)

    it("looks names up itself, and with socks5h has the proxy do so", function()
      run(function()
        local address = ("http://known-here.invalid:%d/1k"):format(web.port)
        local given = {
          resolve = { ("known-here.invalid:%d:127.0.0.1"):format(web.port) },
          proxy = "socks5://" .. proxy.socks,
        }
        proxy.forget_socks()
        assert.equal(200, ok(session:get(address, given)).status)
        assert.matches("connected to 127.0.0.1:" .. web.port, proxy.socks_log(), 1, true)
        given.proxy = "socks5h://" .. proxy.socks
        fails("proxy", "PROXY", address, given)
        proxy.forget_socks()
        local named = ("http://localhost:%d/1k"):format(web.port)
        assert.equal(200, ok(session:get(named, given)).status)
        assert.matches("connected to localhost:" .. web.port, proxy.socks_log(), 1, true)
      end)
    end)

    it("takes what the proxy says of a server that it cannot reach", function()
      run(function()
        for _, scheme in ipairs { "socks5", "socks5h" } do
          local given = through(("%s://%s"):format(scheme, proxy.socks))
          fails("proxy", "PROXY", "http://127.0.0.1:1/", given)
          fails("proxy", "PROXY", "http://nosuch.invalid/", given)
        end
      end)
    end)
  end)

  describe("that is no good", function()
    it("says whom it could not reach", function()
      run(function()
        for _, scheme in ipairs { "http", "socks5", "socks5h" } do
          for _, address in ipairs { target, secure } do
            local err = fails("connect", "COULDNT_CONNECT", address,
              through(scheme .. "://user:hidden@127.0.0.1:1"))
            assert.equal("127.0.0.1:1 refused the connection", err.message)
            assert.is_true(err.retryable)
          end
        end
        local err = fails("connect", "COULDNT_CONNECT", target, through("http://u:hidden@[::1]:1"))
        assert.matches("[::1]:1", err.message, 1, true)
      end)
    end)

    it("says whose name has no address", function()
      run(function()
        for _, scheme in ipairs { "http", "socks5", "socks5h" } do
          local value, err = session:get(target, through(scheme .. "://u:hidden@nosuch.invalid:1"))
          assert.is_nil(value)
          assert.equal("proxy", err.kind)
          -- For SOCKS, libcurl takes now the one, now the other.
          assert.truthy(err.code == "CURLE_COULDNT_RESOLVE_PROXY"
            or err.code == "CURLE_COULDNT_RESOLVE_HOST" and scheme ~= "http", err.code)
          assert.matches("nosuch.invalid", err.message, 1, true)
          assert.not_matches("hidden", tostring(err))
          assert.equal("resolve", err.phase)
        end
      end)
    end)

    it("says that its URL is wrong, without showing it", function()
      run(function()
        for _, url in ipairs {
          "http://user:hidden@:99999", "http://user:hidden@h:99999/", "http://user:hid hidden@h:1",
          "http://user:hidden'@h'@h:99999/", "http://user:" .. ("hidden"):rep(100) .. "@h:99999",
        } do
          local err = fails("proxy", "COULDNT_RESOLVE_PROXY", target, through(url))
          assert.is_false(err.retryable)
        end
        local err = fails("proxy", "COULDNT_CONNECT", target, through("foo://user:hidden@h:1"))
        assert.is_false(err.retryable)
      end)
    end)

    it("says that it is not of the protocol that it was taken for", function()
      run(function()
        fails("proxy", "RECV_ERROR", secure, through("http://user:hidden@" .. proxy.socks))
        fails("protocol", "UNSUPPORTED_PROTOCOL", target,
          through("http://user:hidden@" .. proxy.socks))
      end)
    end)

    it("is not waited for longer than the time to connect", function()
      run(function()
        local deaf = server.new(function() end, { raw = true })
        for _, scheme in ipairs { "http", "socks5" } do
          local err = fails("timeout", "OPERATION_TIMEDOUT", secure, {
            proxy = deaf.url:gsub("^http", scheme):gsub("//", "//user:hidden@"),
            timeout = { connect = 0.1 },
          })
          assert.equal("connect", err.phase)
        end
        deaf:close()
      end)
    end)
  end)

  describe("of the environment", function()
    local GONE = "http://user:hidden@127.0.0.1:1"
    local script

    setup(function()
      script = shell.scratch() .. "/fetch.lua"
      shell.write_file(script, [[
        local curlew = require "curlew"
        local ca, proxy = arg[1], arg[2]
        curlew.run(function()
          for i = 3, #arg do
            local given = { verify = ca }
            if proxy == "false" then
              given.proxy = false
            elseif proxy:find("^/") then
              given.unix_socket = proxy
            elseif proxy ~= "nil" then
              given.proxy = proxy
            end
            local res, err = curlew.fetch(arg[i], given)
            print(res and res.status or tostring(err))
          end
        end)
      ]])
    end)

    -- What becomes of requests for `target` and `secure` with this environment, as
    -- "status or kind, status or kind".
    local function fetch(variables, option)
      local env = {
        http_proxy = false, https_proxy = false, all_proxy = false, no_proxy = false,
        HTTP_PROXY = false, HTTPS_PROXY = false, ALL_PROXY = false, NO_PROXY = false,
      }
      for name, value in pairs(variables) do
        env[name] = value
      end
      local result = process.run {
        process.lua, script, web.ca, option or "nil", target, secure, env = env,
      }
      assert.equal(0, result.status, result.stderr)
      assert.not_matches("hidden", result.stdout)
      local first, second = result.stdout:match("^(%w+)[^\n]*\n(%w+)")
      return ("%s, %s"):format(tostring(first), tostring(second))
    end

    it("is used for its scheme, or for all", function()
      assert.equal("200, 200", fetch {})
      assert.equal("connect, 200", fetch { http_proxy = GONE })
      assert.equal("200, connect", fetch { https_proxy = GONE })
      assert.equal("200, connect", fetch { HTTPS_PROXY = GONE })
      assert.equal("connect, connect", fetch { all_proxy = GONE })
      local url = ("http://user:secret@%s"):format(proxy.http_auth)
      assert.equal("200, 200", fetch { http_proxy = url, https_proxy = url })
    end)

    -- A CGI program gets a client's "Proxy" header under that name.
    it("is not HTTP_PROXY in capital letters", function()
      assert.equal("200, 200", fetch { HTTP_PROXY = GONE })
    end)

    it("is not used for what no_proxy names", function()
      assert.equal("connect, 200", fetch { all_proxy = GONE, no_proxy = "localhost" })
      assert.equal("200, connect", fetch { all_proxy = GONE, NO_PROXY = "other, 127.0.0.1" })
      assert.equal("200, 200", fetch { all_proxy = GONE, no_proxy = "*" })
    end)

    it("is not used when the option says another, or none", function()
      assert.equal("200, 200", fetch({ all_proxy = GONE }, "false"))
      assert.equal("200, 200", fetch({ all_proxy = GONE }, "http://" .. proxy.http))
    end)

    it("is not used for a Unix socket", function()
      assert.equal("200, tls", fetch({ all_proxy = GONE }, web.socket))
    end)
  end)
end)
