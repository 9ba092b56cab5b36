local curlew = require "curlew"
local nginx = require "support.nginx"
local sessions = require "support.sessions"

local ok = sessions.ok

-- Stands for whatever must not be told.
local SECRET = "sesame"

-- The base64 of "user:sesame".
local ENCODED = "dXNlcjpzZXNhbWU="

describe("the option verbose", function()
  local site, session, lines, heard

  local run = sessions.runner(function(...)
    site, session = ...
  end)

  before_each(function()
    lines = {}
    function heard(line)
      lines[#lines + 1] = line
    end
  end)

  local function tells(line)
    for _, told in ipairs(lines) do
      if told == line then
        return
      end
    end
    error(("%q is not in:\n%s"):format(line, table.concat(lines, "\n")), 2)
  end

  local function tells_no_secret()
    for _, line in ipairs(lines) do
      if line:find(SECRET, 1, true) or line:find(ENCODED, 1, true) then
        error("a secret is told: " .. line, 2)
      end
    end
    assert.is_true(#lines > 0)
  end

  it("is called with each line of what libcurl tells #valgrind", function()
    run(function()
      ok(session:post(site.url .. "/path?a=b", {
        verbose = heard, body = "the body", headers = { ["X-Empty"] = "", ["X-Mine"] = "yes" },
      }))
      tells "> POST /path?a=b HTTP/1.1"
      tells("> Host: 127.0.0.1:" .. site.port)
      tells "> X-Mine: yes"
      tells "> X-Empty:"
      tells "> "
      tells "< HTTP/1.1 200 OK"
      tells "< Content-Length: 9"
      tells "< "
      local text = table.concat(lines, "\n")
      assert.not_matches("the body", text)
      assert.not_matches("an answer", text)
      for _, line in ipairs(lines) do
        assert.matches("^[<>*] [^\r\n]*$", line)
      end
    end, nil, {
      ["/path"] = function(conn)
        conn:respond { body = "an answer" }
      end,
    })
  end)

  it("is told in order, and nothing of other requests", function()
    run(function()
      local others = {}
      curlew.gather {
        function()
          ok(session:get(site.url .. "/?mine", { verbose = heard }))
        end,
        function()
          ok(session:get(site.url .. "/?other", {
            verbose = function(line)
              others[#others + 1] = line
            end,
          }))
        end,
        function()
          ok(session:get(site.url .. "/?silent"))
        end,
      }
      local heads = {}
      for _, line in ipairs(lines) do
        if line:find("HTTP/1.1", 1, true) and not line:find("^%*") then
          heads[#heads + 1] = line
        end
      end
      assert.same({ "> GET /?mine HTTP/1.1", "< HTTP/1.1 200 OK" }, heads)
      assert.matches("> GET /?other HTTP/1.1", table.concat(others, "\n"), 1, true)
    end)
  end)

  it("may be a session's, for all its requests and redirects", function()
    run(function()
      ok(session:get(site.url .. "/start"))
      tells "> GET /start HTTP/1.1"
      tells "< HTTP/1.1 302 Found"
      tells "> GET / HTTP/1.1"
      tells "< HTTP/1.1 200 OK"
    end, {
      verbose = function(line)
        heard(line)
      end,
    }, {
      ["/start"] = function(conn)
        conn:respond { status = 302, headers = { Location = "/" } }
      end,
    })
  end)

  it("tells of a request that fails, too", function()
    run(function()
      assert.is_nil((session:get("http://127.0.0.1:1/", { verbose = heard })))
      assert.matches("^%* .*Connection refused", table.concat(lines, "\n", 1, #lines):match(
        "[^\n]*refused[^\n]*"))
      lines = {}
      assert.is_nil((session:get(site.url .. "/closed", { verbose = heard })))
      tells "> GET /closed HTTP/1.1"
    end)
  end)

  it("tells of a stream while it lasts", function()
    run(function()
      local res = ok(session:get(site.url .. "/half", { verbose = heard, stream = true }))
      tells "< HTTP/1.1 200 OK"
      res:close()
    end)
  end)

  it("hides the secrets of header fields, in both directions", function()
    run(function()
      ok(session:get(site.url .. "/fields", {
        verbose = heard,
        headers = {
          Authorization = "Bearer " .. SECRET,
          Cookie = "mine=" .. SECRET,
          ["X-Api-Key"] = SECRET,
          ["x-auth-token"] = { SECRET, SECRET },
          ["X-Plain"] = "plain",
        },
      }))
      tells_no_secret()
      for _, line in ipairs {
        "> Authorization: ***", "> Cookie: ***", "> X-Api-Key: ***", "> x-auth-token: ***",
        "> X-Plain: plain", "< Set-Cookie: ***", "< X-Session-Id: ***", "< X-Plain: plain",
      } do
        tells(line)
      end
    end, nil, {
      ["/fields"] = function(conn)
        conn:respond { headers = {
          ["Set-Cookie"] = { "a=" .. SECRET, "b=" .. SECRET .. "; HttpOnly" },
          ["X-Session-Id"] = SECRET,
          ["X-Plain"] = "plain",
        } }
      end,
    })
  end)

  it("hides a field that is written in an odd way", function()
    run(function()
      ok(session:get(site.url .. "/odd", { verbose = heard }))
      tells_no_secret()
      tells "< X-Plain: plain"
    end, nil, {
      ["/odd"] = function(conn)
        conn:send(("HTTP/1.1 200 OK\r\nSet-Cookie: a=1;\r\n  b=%s\r\nSET-COOKIE:%s\r\n"
          .. "X-Token :%s\r\nX-Plain: plain\r\nContent-Length: 0\r\n\r\n")
          :format(SECRET, SECRET, SECRET))
      end,
    })
  end)

  it("hides user and password, however they are given", function()
    run(function()
      local address = site.url:gsub("//", "//user:" .. SECRET .. "@")
      ok(session:get(address .. "/", { verbose = heard }))
      tells "> Authorization: ***"
      ok(session:get(site.url .. "/", {
        verbose = heard, auth = { user = "user", password = SECRET },
      }))
      ok(session:get(site.url .. "/", { verbose = heard, auth = { bearer = SECRET } }))
      tells_no_secret()
      assert.is_nil((session:get("http://user:" .. SECRET .. "@127.0.0.1:1/", {
        verbose = heard,
      })))
      tells_no_secret()
    end)
  end)

  it("hides the proxy's password", function()
    run(function()
      local proxy = site.url:gsub("//", "//user:" .. SECRET .. "@")
      local address = "http://user:" .. SECRET .. "@elsewhere.test/"
      ok(session:get(address, { verbose = heard, proxy = proxy }))
      tells "> Proxy-Authorization: ***"
      tells "> GET http://elsewhere.test/ HTTP/1.1"
      local secure = address:gsub("http", "https")
      assert.is_nil((session:get(secure, { verbose = heard, proxy = proxy })))
      tells_no_secret()
    end)
  end)

  it("hides parameters that look like secrets, and passwords in other URLs", function()
    run(function()
      ok(session:get(site.url .. "/urls?page=2&access_token=" .. SECRET, {
        verbose = heard, redirect = "manual",
      }))
      tells_no_secret()
      tells "> GET /urls?page=2&access_token=*** HTTP/1.1"
      tells "< Location: http://***@host/?key=***&page=3"
    end, nil, {
      ["/urls"] = function(conn)
        conn:respond { status = 302, headers = {
          Location = ("http://user:%s@host/?key=%s&page=3"):format(SECRET, SECRET),
        } }
      end,
    })
  end)

  it("hides the cookies of a jar", function()
    run(function()
      for _ = 1, 2 do
        ok(session:get(site.url .. "/set", { verbose = heard }))
      end
      tells_no_secret()
      tells "> Cookie: ***"
      tells "< Set-Cookie: ***"
    end, { cookies = true }, {
      ["/set"] = function(conn)
        conn:respond { headers = { ["Set-Cookie"] = {
          'a="' .. SECRET .. '" for x; Path=/', "long=" .. SECRET:rep(500),
        } } }
      end,
    })
  end)

  it("hides all of that over HTTP/2", function()
    run(function()
      local web = nginx.start()
      ok(session:get(web.https .. "/headers?token=" .. SECRET, {
        verbose = heard, verify = web.ca, auth = { user = "user", password = SECRET },
        headers = { Cookie = "mine=" .. SECRET, ["X-Api-Key"] = SECRET },
      }))
      tells_no_secret()
      tells "> authorization: ***"
      tells "< set-cookie: ***"
    end)
  end)

  it("hides fields larger than what is sent at once", function()
    run(function()
      local web = nginx.start()
      for _, version in ipairs { "1.1", "2" } do
        session:get(web.https .. "/echo", {
          verbose = heard, verify = web.ca, http = version, auth = { bearer = SECRET:rep(20000) },
        })
      end
      tells_no_secret()
    end)
  end)

  it("raises in the request what it raises, and others go on", function()
    run(function()
      local object = {}
      local other = curlew.spawn(function()
        return ok(session:get(site.url .. "/")).body
      end)
      for _, given in ipairs { {}, { stream = true } } do
        given.verbose = function()
          error(object, 0)
        end
        local good, err = curlew.pcall(session.get, session, site.url .. "/", given)
        assert.is_false(good)
        assert.equal(object, err)
      end
      assert.equal("hello", other:await())
      assert.equal(0, session:stats().in_flight)
      assert.equal("hello", ok(session:get(site.url .. "/")).body)
    end)
  end)

  it("may close the session", function()
    run(function()
      local _, err = session:get(site.url .. "/", {
        verbose = function()
          session:close()
        end,
      })
      assert.equal("closed_session", err.kind)
    end)
  end)

  it("has to be a function", function()
    run(function()
      local good, err = curlew.pcall(function()
        session:get(site.url .. "/", { verbose = true })
      end)
      assert.is_false(good)
      assert.matches('verbose_spec.lua:%d+: option "verbose" must be a function, got boolean', err)
    end)
  end)

  it("may cancel its task, even as the transfer ends", function()
    run(function()
      local one
      one = curlew.spawn(function()
        session:get(site.url .. "/", {
          verbose = function(line)
            if line:find("left intact", 1, true) then
              one:cancel()
            end
          end,
        })
        curlew.yield()
      end)
      assert.is_false((curlew.pcall(one.await, one)))
      assert.equal("cancelled", one:status())
      assert.equal(0, session:stats().queued)
      assert.equal(0, session:stats().in_flight)
    end)
  end)
end)
