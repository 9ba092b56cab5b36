local answers = require "support.answers"
local curlew = require "curlew"
local nginx = require "support.nginx"
local sessions = require "support.sessions"
local shell = require "support.shell"

local ok = sessions.ok
local BASIC = "Basic realm=\"r\""
local DIGEST = "Digest realm=\"r\", nonce=\"n0\", qop=\"auth\", algorithm=MD5"
local SHA = "Digest realm=\"r\", nonce=\"n0\", qop=\"auth\", algorithm=SHA-256"

describe("a session with credentials", function()
  local site, session, web, directory

  setup(function()
    web = nginx.start()
    directory = shell.scratch()
  end)

  local run = sessions.runner(function(...)
    site, session = ...
  end)

  -- Asks with each request that has no credentials, and for each with ?wrong.
  local function asking(...)
    local challenges = { ... }
    return function(conn, request)
      if not request.headers.authorization or request.query == "wrong" then
        conn:respond {
          status = 401, body = "who are you?", headers = { ["WWW-Authenticate"] = challenges },
        }
      else
        conn:respond { body = "welcome" }
      end
    end
  end

  local ASKING = {
    ["/basic"] = asking(BASIC),
    ["/digest"] = asking(DIGEST),
    ["/sha"] = asking(SHA),
    ["/both"] = asking(BASIC, DIGEST),
    ["/moved"] = function(conn)
      conn:respond { status = 307, headers = { Location = "/digest" } }
    end,
  }

  local function of_type(kind)
    return { user = "user", password = "secret", type = kind }
  end

  -- The scheme of each request that came, "-" for none.
  local function schemes()
    local seen = {}
    for i, request in ipairs(site.requests) do
      seen[i] = (request.headers.authorization or "-"):match("^%S+")
    end
    site.requests = {}
    return table.concat(seen, " ")
  end

  local function netrc(name, text)
    local path = directory .. "/" .. name
    shell.write_file(path, text)
    return { auth = "netrc", curl = { NETRC_FILE = path } }
  end

  describe("of basic authentication", function()
    it("gets in with the right password, and with a wrong one a 401, which is an answer", function()
      run(function()
        local res = ok(session:get(web.url .. "/auth", { auth = of_type() }))
        assert.equal("Hello from nginx\n", res.body)
        res = ok(session:get(web.url .. "/auth", { auth = { user = "user", password = "no" } }))
        assert.equal(401, res.status)
        assert.matches("^Basic ", res.headers["www-authenticate"])
        res = ok(session:get(web.url .. "/auth"))
        assert.equal(401, res.status)
        local _, err = session:get(web.url .. "/auth", {
          auth = { user = "user", password = "hidden" }, check = true,
        })
        assert.equal("status", err.kind)
        assert.not_matches("hidden", tostring(err))
      end)
    end)

    it("sends them unasked, in one request", function()
      run(function()
        assert.equal("welcome", ok(session:get(site.url .. "/basic", { auth = of_type() })).body)
        assert.equal("Basic", schemes())
        local res = ok(session:get(site.url .. "/basic?wrong", { auth = of_type("basic") }))
        assert.equal("who are you?", res.body)
        assert.equal("Basic", schemes())
      end, nil, ASKING)
    end)

    it("takes any bytes but a line's end, an empty password and no password", function()
      run(function()
        for _, one in ipairs {
          { "u", "p:q", "dTpwOnE=" }, { "u", "", "dTo=" }, { "u", nil, "dTo=" },
          { "", "p", "OnA=" },
          { "\195\188", "\255 \"@/", "w7w6/yAiQC8=" },
        } do
          ok(session:get(site.url .. "/", { auth = { user = one[1], password = one[2] } }))
          assert.equal("Basic " .. one[3], site:last().headers.authorization)
        end
      end)
    end)

    it("takes user and password out of the URL, decoded", function()
      run(function()
        local address = site.url:gsub("//", "//us%%40er:p%%3Aq%%2F%%20@") .. "/basic"
        local res = ok(session:get(address))
        assert.equal("Basic dXNAZXI6cDpxLyA=", site:last().headers.authorization)
        assert.equal(site.url .. "/basic", res.url)
        res = ok(session:get((web.url:gsub("//", "//user:secret@")) .. "/auth"))
        assert.equal(200, res.status)
      end, nil, ASKING)
    end)

    it("prefers the option to the URL", function()
      run(function()
        local address = site.url:gsub("//", "//other:password@") .. "/basic"
        ok(session:get(address, { auth = { user = "u", password = "p" } }))
        assert.equal("Basic dTpw", site:last().headers.authorization)
        ok(session:get(address, { auth = { bearer = "token" } }))
        assert.equal("Bearer token", site:last().headers.authorization)
      end, nil, ASKING)
    end)
  end)

  describe("of digest authentication", function()
    it("answers the challenge, and never sends the password", function()
      run(function()
        for _, path in ipairs { "/digest", "/sha" } do
          local res = ok(session:get(site.url .. path, { auth = of_type("digest") }))
          assert.equal("welcome", res.body)
          assert.equal(200, res.status)
          local sent = site:last().headers.authorization
          assert.matches('username="user"', sent, 1, true)
          assert.matches(('uri="%s"'):format(path), sent, 1, true)
          assert.not_matches("secret", sent)
          assert.equal("- Digest", schemes())
        end
      end, nil, ASKING)
    end)

    it("gets a 401 with a wrong password, once", function()
      run(function()
        for _, stream in ipairs { false, true } do
          local given = { auth = of_type("digest"), stream = stream, timeout = 5 }
          local res = ok(session:get(site.url .. "/digest?wrong", given))
          assert.equal(401, res.status)
          assert.equal("who are you?", stream and res:read() or res.body)
          assert.equal("- Digest", schemes())
        end
      end, nil, ASKING)
    end)

    it("sends no password where only basic is offered", function()
      run(function()
        local res = ok(session:get(site.url .. "/basic", { auth = of_type("digest") }))
        assert.equal(401, res.status)
        assert.equal("-", schemes())
      end, nil, ASKING)
    end)

    it("sends a body with the answer to the challenge, also one made piece by piece", function()
      run(function()
        local left = { "one ", "two" }
        for _, body in ipairs {
          "one two",
          function()
            return table.remove(left, 1)
          end,
        } do
          local given = { auth = of_type("digest"), body = body }
          assert.equal("welcome", ok(session:post(site.url .. "/digest", given)).body)
          assert.equal("one two", site:last().body)
          assert.equal("- Digest", schemes())
        end
      end, nil, ASKING)
    end)

    it("gives the streamed body of the answer, not of the challenge", function()
      run(function()
        local res = ok(session:get(site.url .. "/digest", {
          auth = of_type("digest"), stream = true,
        }))
        assert.equal(200, res.status)
        assert.equal("welcome", res:read())
        assert.is_nil((res:read()))
      end, nil, ASKING)
    end)

    it("answers after a redirect within the origin", function()
      run(function()
        local res = ok(session:get(site.url .. "/moved", { auth = of_type("digest") }))
        assert.equal("welcome", res.body)
        assert.equal("- - Digest", schemes())
      end, nil, ASKING)
    end)
  end)

  it("of any type take the strongest that is offered, and send none unasked", function()
    run(function()
      for path, expected in pairs {
        ["/"] = "-", ["/basic"] = "- Basic", ["/digest"] = "- Digest", ["/both"] = "- Digest",
      } do
        assert.equal(200, ok(session:get(site.url .. path, { auth = of_type("any") })).status)
        assert.equal(expected, schemes())
      end
    end, nil, ASKING)
  end)

  it("sends a bearer token, under a header that says otherwise", function()
    run(function()
      ok(session:get(site.url .. "/", { auth = { bearer = "a.b-c" } }))
      assert.equal("Bearer a.b-c", site:last().headers.authorization)
      ok(session:get(site.url .. "/", {
        auth = { bearer = "a" }, headers = { authorization = "Token b" },
      }))
      assert.equal("Token b", site:last().headers.authorization)
    end)
  end)

  it("has those of the session for all requests, but where one has its own", function()
    run(function()
      ok(session:get(site.url .. "/"))
      assert.equal("Bearer shared", site:last().headers.authorization)
      ok(session:get(site.url .. "/", { auth = { user = "u", password = "p" } }))
      assert.equal("Basic dTpw", site:last().headers.authorization)
    end, { auth = { bearer = "shared" } })
  end)

  describe("of a netrc file", function()
    it("finds those of the host, and none of another", function()
      run(function()
        local given = netrc("mine", "machine 127.0.0.1 login user password secret\n")
        assert.equal(200, ok(session:get(web.url .. "/auth", given)).status)
        given = netrc("other", "machine example.org login user password secret\n")
        assert.equal(401, ok(session:get(web.url .. "/auth", given)).status)
        given = netrc("default", "default login user password secret\n")
        assert.equal(200, ok(session:get(web.url .. "/auth", given)).status)
      end)
    end)

    it("is not looked at unless it is asked for, nor missed when it is not there", function()
      run(function()
        local given = netrc("unasked", "machine 127.0.0.1 login user password secret\n")
        given.auth = nil
        assert.equal(401, ok(session:get(web.url .. "/auth", given)).status)
        given = { auth = "netrc", curl = { NETRC_FILE = directory .. "/none" } }
        assert.equal(401, ok(session:get(web.url .. "/auth", given)).status)
      end)
    end)

    it("is not looked at for the place that a redirect leads to", function()
      run(function()
        local elsewhere = answers.new()
        site.handler = function(conn)
          local there = elsewhere.url:gsub("127.0.0.1", "localhost")
          conn:respond { status = 302, headers = { Location = there .. "/" } }
        end
        local given = netrc("both", "machine 127.0.0.1 login u password p\n"
          .. "machine localhost login user password secret\n")
        ok(session:get(site.url .. "/", given))
        assert.equal("Basic dTpw", site:last().headers.authorization)
        assert.is_nil(elsewhere:last().headers.authorization)
        elsewhere:close()
      end)
    end)
  end)

  describe("and a redirect", function()
    -- Runs with a site that redirects from / to `/there` of itself, or of another origin.
    local function run_away(is_other, fn, given)
      run(function()
        local elsewhere = is_other and answers.new { ["/there"] = asking(BASIC, DIGEST) }
        site.handler = function(conn, request)
          if request.path == "/there" then
            return conn:respond { body = "home" }
          end
          conn:respond {
            status = 302,
            headers = {
              Location = (elsewhere or site).url .. "/there", ["Set-Cookie"] = "id=secret",
            },
          }
        end
        local good, err = curlew.pcall(fn, elsewhere)
        if elsewhere then
          elsewhere:close()
        end
        if not good then
          error(err, 0)
        end
      end, given)
    end

    it("to another origin are not given away when that asks for them", function()
      run_away(true, function(elsewhere)
        for _, kind in ipairs { "basic", "digest", "any" } do
          local res = ok(session:get(site.url .. "/", { auth = of_type(kind) }))
          assert.equal(401, res.status)
          assert.equal("who are you?", res.body)
        end
        for _, request in ipairs(elsewhere.requests) do
          assert.is_nil(request.headers.authorization)
        end
        assert.equal(3, #elsewhere.requests)
      end)
    end)

    it("to another origin leave the session's own behind, too", function()
      run_away(true, function(elsewhere)
        assert.equal(401, ok(session:get(site.url .. "/")).status)
        assert.matches("^Bearer", site:last().headers.authorization)
        assert.equal("secret", site:last().headers["x-api-key"])
        assert.equal("v", site:last().headers["x-plain"])
        local request = elsewhere:last()
        assert.is_nil(request.raw:find("secret", 1, true))
        assert.equal("v", request.headers["x-plain"])
      end, {
        auth = { bearer = "secret" },
        headers = { ["X-Api-Key"] = "secret", Cookie = "mine=secret", ["X-Plain"] = "v" },
      })
    end)

    it("within the origin go along, and so do a jar's cookies", function()
      run_away(false, function()
        assert.equal("home", ok(session:get(site.url .. "/", { auth = { bearer = "t" } })).body)
        assert.equal("Bearer t", site:last().headers.authorization)
        assert.equal("id=secret", site:last().headers.cookie)
      end, { cookies = true })
    end)

    it("never go from https to http", function()
      run(function()
        web.forget()
        local value, err = session:get(web.https .. "/to-http", { auth = of_type() })
        assert.is_nil(value)
        assert.equal("redirect", err.kind)
        assert.equal(1, #web.log(1))
      end, { verify = web.ca })
    end)
  end)
end)
