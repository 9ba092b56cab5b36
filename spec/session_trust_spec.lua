local curlew = require "curlew"
local forwarder = require "support.forwarder"
local process = require "support.process"
local sessions = require "support.sessions"
local shell = require "support.shell"
local tls = require "support.tls"

local ok = sessions.ok

describe("a session over TLS", function()
  local session, servers

  setup(function()
    servers = tls.start()
  end)

  local run = sessions.runner(function(_, one)
    session = one
  end)

  local function file(name)
    return ("%s/%s"):format(servers.dir, name)
  end

  -- Asserts that the handshake fails, and that the message says why. Returns the error.
  local function refused(code, reason, address, given)
    local value, err = session:get(address, given)
    assert.is_nil(value)
    assert.same({ "tls", "CURLE_" .. code }, { err.kind, err.code })
    assert.matches(reason, err.message)
    assert.is_false(err.retryable)
    assert.equal(address, err.url)
    assert.not_matches("[\r\n]", tostring(err))
    return err
  end

  local function unverified(...)
    local err = refused("PEER_FAILED_VERIFICATION", ...)
    assert.equal("tls", err.phase)
  end

  local function answers(expected, address, given)
    local res = ok(session:get(address, given))
    assert.equal(expected, (res.body:gsub("%s+$", "")))
  end

  describe("verifies", function()
    it("by default against the system's issuers, which know none of these", function()
      run(function()
        for _, given in ipairs { {}, { verify = true } } do
          unverified("local issuer", servers.good, given)
          unverified("local issuer", servers.tls12, given)
          unverified("self%-signed", servers.self, given)
        end
      end)
    end)

    it("against the issuer in a file, by name and by address", function()
      run(function()
        answers("good", servers.good)
        answers("good", (servers.good:gsub("localhost", "127.0.0.1")))
        answers("self", servers.self, { verify = file("self.pem") })
      end, { verify = servers.ca })
    end)

    it("the issuer", function()
      run(function()
        unverified("local issuer", servers.good)
        unverified("self%-signed", servers.self)
      end, { verify = servers.stranger })
    end)

    it("the time", function()
      run(function()
        unverified("expired", servers.expired)
      end, { verify = servers.ca })
    end)

    it("the name", function()
      run(function()
        unverified("subject name.*'localhost'", servers.other)
        local port = servers.other:match(":(%d+)/")
        answers("other", ("https://other.invalid:%s/"):format(port), {
          resolve = { ("other.invalid:%s:127.0.0.1"):format(port) },
        })
      end, { verify = servers.ca })
    end)

    it("nothing when it is told so, and again when it is not", function()
      run(function()
        for _, name in ipairs { "good", "expired", "other", "self" } do
          answers(name, servers[name], { verify = false })
          assert.equal("tls", select(2, session:get(servers[name])).kind)
        end
      end)
    end)

    it("for each request as it says, though connections are open", function()
      run(function()
        answers("good", servers.good)
        unverified("local issuer", servers.good, { verify = servers.stranger })
        unverified("local issuer", servers.good, { verify = true })
        answers("good", servers.good)
      end, { verify = servers.ca })
    end)

    it("what lies behind a redirect", function()
      local site
      sessions.runner(function(one, two)
        site, session = one, two
      end)(function()
        site.handler = function(conn)
          conn:respond { status = 302, headers = { Location = servers.expired } }
        end
        local value, err = session:get(site.url .. "/")
        assert.is_nil(value)
        assert.equal("tls", err.kind)
        assert.equal(servers.expired, err.url)
        assert.matches("expired", err.message)
      end, { verify = servers.ca })
    end)

    it("with no file that holds no certificate", function()
      run(function()
        refused("SSL_CACERT_BADFILE", "nginx.conf", servers.good, { verify = file("nginx.conf") })
      end)
    end)
  end)

  describe("shows a certificate of its own", function()
    local function mine(given)
      given = given or {}
      given.cert, given.key = given.cert or file("client.pem"), given.key or file("client.key")
      return given
    end

    it("where it is wanted", function()
      run(function()
        for _, address in ipairs { servers.strict, servers.strict12 } do
          assert.equal(200, ok(session:get(address, mine())).status)
        end
        answers("good", servers.good, mine())
      end, { verify = servers.ca })
    end)

    -- With TLS 1.3 the server refuses after the handshake, when the answer is awaited.
    it("or is refused, and is told why", function()
      run(function()
        refused("RECV_ERROR", "certificate required", servers.strict)
        refused("SSL_CONNECT_ERROR", "handshake failure", servers.strict12)
        local others = { cert = file("self.pem"), key = file("self.key") }
        refused("RECV_ERROR", "unknown ca", servers.strict, others)
        refused("SSL_CONNECT_ERROR", "unknown ca", servers.strict12, others)
      end, { verify = servers.ca })
    end)

    it("not to those who have seen none on another connection", function()
      run(function()
        ok(session:get(servers.strict12, mine()))
        assert.equal("tls", select(2, session:get(servers.strict12)).kind)
      end, { verify = servers.ca })
    end)

    it("and says which of its files is no good", function()
      run(function()
        refused("SSL_CERTPROBLEM", "none.pem", servers.strict, mine { cert = file("none.pem") })
        refused("SSL_CERTPROBLEM", "none.key", servers.strict, mine { key = file("none.key") })
        refused("SSL_CERTPROBLEM", "self.key", servers.strict, mine { key = file("self.key") })
        refused("SSL_CERTPROBLEM", "client.pem", servers.strict, { cert = file("client.pem") })
      end, { verify = servers.ca })
    end)

    it("with a key behind a password, which curl's option has", function()
      run(function()
        local given = mine { key = file("locked.key"), curl = { KEYPASSWD = "sesame" } }
        assert.equal(200, ok(session:get(servers.strict, given)).status)
        given.curl = { KEYPASSWD = "hidden" }
        local err = refused("SSL_CERTPROBLEM", "locked.key", servers.strict, given)
        assert.not_matches("hidden", tostring(err))
      end, { verify = servers.ca })
    end)

    it("and never asks for such a password, which would stop the program", function()
      shell.write_file(file("locked.lua"), [[
        local curlew = require "curlew"
        local address, cert, key = ...
        curlew.run(function()
          local _, err = curlew.fetch(address, { verify = false, cert = cert, key = key })
          print(err.kind)
        end)
      ]])
      local result = process.run {
        process.lua, file("locked.lua"), servers.strict, file("client.pem"), file("locked.key"),
        timeout = 10,
      }
      assert.equal("tls\n", result.stdout)
      assert.equal("", result.stderr)
    end)
  end)

  describe("pins a key", function()
    it("beside what else it verifies", function()
      run(function()
        answers("good", servers.good, { pinned_key = servers.pin })
        local given = { pinned_key = servers.pin, verify = servers.stranger }
        unverified("local issuer", servers.good, given)
      end, { verify = servers.ca })
    end)

    it("or instead of it", function()
      run(function()
        answers("good", servers.good, { pinned_key = servers.pin })
        for _, address in ipairs { servers.self, servers.expired } do
          refused("SSL_PINNEDPUBKEYNOTMATCH", "pinned", address, { pinned_key = servers.pin })
        end
        refused("SSL_PINNEDPUBKEYNOTMATCH", "pinned", servers.good, { pinned_key = "garbage" })
      end, { verify = false })
    end)

    it("one of several", function()
      run(function()
        local other = "sha256//" .. ("A"):rep(43) .. "="
        answers("good", servers.good, { pinned_key = other .. ";" .. servers.pin })
      end, { verify = servers.ca })
    end)

    it("on a connection that is open already", function()
      run(function()
        answers("good", servers.good)
        local wrong = { pinned_key = "sha256//" .. ("A"):rep(43) .. "=" }
        refused("SSL_PINNEDPUBKEYNOTMATCH", "pinned", servers.good, wrong)
      end, { verify = servers.ca })
    end)
  end)

  describe("speaks", function()
    it("no version older than tls_min", function()
      run(function()
        local err = refused("SSL_CONNECT_ERROR", "version", servers.tls12, { tls_min = "1.3" })
        assert.equal("tls", err.phase)
        answers("tls13", servers.tls13, { tls_min = "1.3" })
        answers("tls12", servers.tls12, { tls_min = "1.2" })
        answers("tls13", servers.tls13, { tls_min = "1.0" })
        answers("tls12", servers.tls12)
      end, { verify = servers.ca })
    end)

    it("to each server by itself in one group", function()
      run(function()
        local results = curlew.map({ "good", "expired", "self", "tls12" }, function(name)
          local res, err = session:get(servers[name])
          return res and res.status or err.kind
        end)
        assert.same({ 200, "tls", "tls", 200, n = 4 }, results)
      end, { verify = servers.ca })
    end)
  end)

  describe("takes a body that lasts until its connection ends", function()
    local address

    before_each(function()
      address = servers.tls12 .. "unsized"
    end)

    it("for whole when the server has said close_notify", function()
      run(function()
        for _ = 1, 2 do
          local res = ok(session:get(address))
          assert.is_nil(res.headers["content-length"])
          assert.equal("all of it", res.body)
        end
        assert.equal("", ok(session:head(address)).body)
      end, { verify = servers.ca })
    end)

    it("for cut when it has not", function()
      run(function()
        local between = forwarder.start(tonumber(address:match(":(%d+)")))
        local cut = address:gsub(":%d+", ":" .. between.port)
        local res, err = session:get(cut)
        assert.same({ nil, "closed", true }, { res, err.kind, err.retryable })
        assert.matches("without TLS's close_notify", err.message)
        res = ok(session:get(cut, { stream = true }))
        assert.equal("all of it", res:read())
        res, err = res:read()
        assert.same({ nil, "closed" }, { res, err.kind })
        assert.equal("", ok(session:head(cut)).body)
        assert.equal("tls12", (ok(session:get(cut:gsub("unsized", ""), {})).body:gsub("%s", "")))
        between.close()
      end, { verify = servers.ca })
    end)
  end)
end)
