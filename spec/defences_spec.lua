-- What docs/security.md promises and no other spec has for its subject.

local curlew = require "curlew"
local nginx = require "support.nginx"
local process = require "support.process"
local proxies = require "support.proxies"
local sessions = require "support.sessions"
local shell = require "support.shell"
local tls = require "support.tls"
local uv = require "curlew.uv"

local failed, ok = sessions.failed, sessions.ok

local CLOSES = { Connection = "close" }

describe("a session defends", function()
  local site, session

  local run = sessions.runner(function(...)
    site, session = ...
  end)

  describe("its trust: a TLS session that was made", function()
    local web, resumed, given

    lazy_setup(function()
      web = nginx.start()
    end)

    before_each(function()
      resumed, given = false, nil
    end)

    -- Asks over a connection of its own, as `trusting` says.
    local function get(trusting)
      resumed = false
      given = { headers = CLOSES, http = "1.1", verbose = function(line)
        resumed = resumed or line:find("re-using session ID", 1, true) ~= nil
      end }
      for name, value in pairs(trusting) do
        given[name] = value
      end
      return session:get(web.https .. "/echo", given)
    end

    it("without verifying is not taken up by a request that verifies", function()
      run(function()
        ok(get { verify = false })
        ok(get { verify = false })
        assert.is_true(resumed, "no session is taken up here, so that nothing is tried")
        assert.equal("tls", failed(get { verify = true }).kind)
        assert.equal("tls", failed(get { verify = tls.start().stranger }).kind)
        ok(get { verify = web.ca })
        assert.is_false(resumed)
      end)
    end)

    it("with any key is not taken up by a request that has one pinned", function()
      run(function()
        ok(get { verify = web.ca })
        local err = failed(get {
          verify = web.ca, pinned_key = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        })
        assert.equal("tls", err.kind)
      end)
    end)

    it("with a client's certificate is not taken up by a request without", function()
      run(function()
        local mine = { verify = web.ca, cert = web.cert, key = web.key }
        assert.matches("client%-cert: SUCCESS", ok(get(mine)).body)
        assert.matches("client%-cert: SUCCESS", ok(get(mine)).body)
        assert.is_true(resumed)
        assert.matches("client%-cert: NONE", ok(get { verify = web.ca }).body)
      end)
    end)
  end)

  it("a proxy's password: a tunnel made with it is not for a request without", function()
    local web, proxy = nginx.start(), proxies.start()
    run(function()
      local address = web.https .. "/hello.txt"
      local with = ("http://%s:%s@%s"):format(proxy.user, proxy.password, proxy.http_auth)
      ok(session:get(address, { proxy = with, verify = web.ca }))
      local err = failed(session:get(address, {
        proxy = "http://" .. proxy.http_auth, verify = web.ca,
      }))
      assert.equal("proxy", err.kind)
      assert.is_true(ok(session:get(address, { proxy = with, verify = web.ca })).reused)
    end)
  end)

  it("the sites below a public suffix from each other's cookies", function()
    if not curlew.features().psl then
      return
    end
    run(function()
      local port = site.port
      local function get(host, path)
        return ok(session:get(("http://%s:%d/%s"):format(host, port, path), {
          resolve = { ("%s:%d:127.0.0.1"):format(host, port) },
        }))
      end
      get("evil.co.uk", "set")
      get("bank.co.uk", "")
      assert.is_nil(site:last().headers.cookie)
      get("evil.co.uk", "own")
      get("www.evil.co.uk", "")
      assert.equal("b=2", site:last().headers.cookie)
    end, { cookies = true, proxy = false }, {
      ["/set"] = function(conn)
        conn:respond { headers = { { "Set-Cookie", "a=1; Domain=co.uk" },
          { "Set-Cookie", "c=1; Domain=uk" } } }
      end,
      ["/own"] = function(conn)
        conn:respond { headers = { { "Set-Cookie", "b=2; Domain=evil.co.uk" } } }
      end,
    })
  end)

  it("the file of its cookies: nobody else may read it", function()
    local path = shell.scratch() .. "/jar"
    run(function()
      ok(session:get(site.url .. "/set"))
      assert.is_true(session:save_cookies())
      assert.equal(tonumber("600", 8), uv.fs_stat(path).mode % 512)
    end, { cookies = path, proxy = false }, {
      ["/set"] = function(conn)
        conn:respond { headers = { { "Set-Cookie", "a=1; Max-Age=1000" } } }
      end,
    })
  end)

  it("forms: their boundaries are long, random and new each time", function()
    run(function()
      local seen = {}
      for _ = 1, 50 do
        ok(session:post(site.url .. "/form", { multipart = { name = "value" } }))
        local boundary = site:last().headers["content-type"]:match "boundary=%-*(%w+)$"
        assert.is_nil(seen[boundary])
        assert.is_true(#boundary >= 16)
        seen[boundary] = true
      end
    end, { proxy = false }, {
      ["/form"] = function(conn)
        conn:respond {}
      end,
    })
  end)

  it("itself against nobody's issuers that the environment names", function()
    local web = nginx.start()
    local result = process.run {
      process.lua, "-e", ([[
        local curlew = require "curlew"
        curlew.run(function()
          local _, err = curlew.fetch(%q, { proxy = false })
          print(err and err.kind)
        end)]]):format(web.https .. "/hello.txt"),
      env = { SSL_CERT_FILE = web.ca, CURL_CA_BUNDLE = web.ca, SSL_CERT_DIR = shell.scratch() },
    }
    assert.equal("tls\n", result.stdout)
  end)
end)
