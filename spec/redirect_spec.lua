local options = require "curlew.options"
local redirect = require "curlew.redirect"
local request = require "curlew.request"
local response = require "curlew.response"
local setup = require "curlew.setup"

local function new(given, method, address)
  return assert(request.new(options.for_session(), method, address or "http://a/dir/x", given))
end

-- What becomes of `wanted` when the server answers with this status and these header lines.
local function answer(wanted, status, fields, hops)
  local head = ("HTTP/1.1 %d Reason\r\n%s\r\n"):format(status, fields or "")
  local res = response.new(wanted, { status = status, head = head }, {})
  return redirect.follow(wanted, res, hops or 0)
end

local function to(wanted, location, status)
  return answer(wanted, status or 302, "Location: " .. location .. "\r\n")
end

local function refusal(...)
  local wanted, err = ...
  assert.is_nil(wanted)
  assert.equal("redirect", err.kind)
  assert.is_false(err.retryable)
  return err
end

describe("a redirect", function()
  it("is 301, 302, 303, 307 or 308 with a Location (RFC 9110 section 15.4)", function()
    for _, status in ipairs { 301, 302, 303, 307, 308 } do
      assert.equal("http://a/y", to(new(), "/y", status).target.url)
    end
    for _, status in ipairs { 200, 201, 300, 304, 305, 306, 400, 503 } do
      assert.is_nil(to(new(), "/y", status))
    end
    for _, status in ipairs { 301, 302, 303, 307, 308 } do
      local wanted, err = answer(new(), status)
      assert.is_nil(wanted)
      assert.is_nil(err)
    end
  end)

  it("is resolved against the URL that redirected", function()
    for location, expected in pairs {
      ["y"] = "http://a/dir/y", ["../y"] = "http://a/y", ["?q"] = "http://a/dir/x?q",
      ["//b/z"] = "http://b/z", ["http://c:81/"] = "http://c:81/",
    } do
      assert.equal(expected, to(new(), location).target.url)
    end
  end)

  it("does not add the params again", function()
    local wanted = new { params = { a = 1 } }
    assert.equal("http://a/y", to(wanted, "/y").target.url)
  end)

  it("turns POST into GET for 301, 302 and 303, and all but HEAD for 303", function()
    local expected = {
      [301] = { POST = "GET", PUT = "PUT", DELETE = "DELETE", GET = "GET", HEAD = "HEAD" },
      [302] = { POST = "GET", PUT = "PUT", DELETE = "DELETE", GET = "GET", HEAD = "HEAD" },
      [303] = { POST = "GET", PUT = "GET", DELETE = "GET", GET = "GET", HEAD = "HEAD" },
      [307] = { POST = "POST", PUT = "PUT", DELETE = "DELETE", GET = "GET", HEAD = "HEAD" },
      [308] = { POST = "POST", PUT = "PUT", DELETE = "DELETE", GET = "GET", HEAD = "HEAD" },
    }
    for status, methods in pairs(expected) do
      for method, becomes in pairs(methods) do
        assert.equal(becomes, to(new(nil, method), "/y", status).method)
      end
    end
  end)

  it("drops the body and what describes it, when it becomes a GET", function()
    local next_one = to(new {
      json = { 1 },
      headers = { ["Content-Type"] = "x/y", ["Content-Language"] = "en", Accept = "z" },
    }, "/y", 303)
    assert.is_nil(next_one.body)
    assert.is_nil(next_one.content_type)
    assert.is_nil(next_one.options.headers["content-type"])
    assert.is_nil(next_one.options.headers["content-language"])
    assert.same({ "z" }, next_one.options.headers.accept.values)
    assert.is_nil(setup.of(next_one).options.POST)
  end)

  it("sends the body again with 307 and 308", function()
    local next_one = to(new { json = { 1 } }, "/y", 308)
    assert.equal("[1]", next_one.body)
    assert.equal("application/json", next_one.content_type)
  end)

  it("keeps credentials within the origin", function()
    local wanted = new({
      auth = { user = "u", password = "p" },
      headers = { Cookie = "c", Host = "virtual", ["X-Api-Key"] = "k" },
    }, nil, "http://a/")
    for _, location in ipairs { "/y", "http://a/y", "http://A:80/y", "//a/y" } do
      local next_one = to(wanted, location)
      assert.equal("u", next_one.options.auth.user)
      for _, name in ipairs { "cookie", "host", "x-api-key" } do
        assert.is_not_nil(next_one.options.headers[name])
      end
    end
    assert.equal("u", to(new(nil, nil, "http://u:p@a/"), "/y").target.user)
    assert.equal("p", to(new(nil, nil, "http://u:p@a/"), "/y").target.password)
    assert.equal("other", to(new(nil, nil, "http://u:p@a/"), "http://other@a/").target.user)
  end)

  it("takes no secret to another origin, be it another host, port or scheme", function()
    local wanted = new({
      auth = { bearer = "t" },
      cert = "c",
      key = "k",
      curl = { USERPWD = "u:p" },
      headers = {
        Authorization = "s", Cookie = "s", Host = "virtual", ["X-Api-Key"] = "s", Accept = "z",
        ["Proxy-Authorization"] = "s", ["X-Auth-Token"] = "s",
      },
    }, nil, "http://u:p@a/")
    for _, location in ipairs {
      "http://b/", "http://a:81/", "https://a/", "//a.b/", "http://x.a/",
    } do
      local next_one = to(wanted, location)
      for _, name in ipairs { "auth", "cert", "key", "curl" } do
        assert.is_nil(next_one.options[name])
      end
      local names = {}
      for name in pairs(next_one.options.headers) do
        names[#names + 1] = name
      end
      assert.same({ "accept" }, names)
      assert.is_nil(next_one.target.user)
      assert.is_nil(setup.of(next_one).options.USERNAME)
    end
  end)

  it("leaves the first request as it was", function()
    local wanted = new({ auth = { bearer = "t" }, headers = { Cookie = "c" }, body = "x" })
    to(wanted, "http://b/", 303)
    assert.equal("t", wanted.options.auth.bearer)
    assert.is_not_nil(wanted.options.headers.cookie)
    assert.equal("x", wanted.body)
    assert.equal("POST", wanted.method)
  end)

  it("is handed to the user when redirect is \"manual\"", function()
    local wanted, err = to(new { redirect = "manual" }, "ftp://nowhere/")
    assert.is_nil(wanted)
    assert.is_nil(err)
  end)

  it("is a failure when redirect is \"error\"", function()
    assert.matches("forbids", refusal(to(new { redirect = "error" }, "/y")).message)
    local wanted, err = to(new { redirect = "error" }, "/y", 200)
    assert.is_nil(wanted)
    assert.is_nil(err)
  end)

  it("is followed max_redirects times", function()
    local location = "Location: /y\r\n"
    assert.is_not_nil(answer(new(), 302, location, 9))
    assert.equal("more than 10 redirects", refusal(answer(new(), 302, location, 10)).message)
    refusal(answer(new { max_redirects = 0 }, 302, location, 0))
    assert.is_not_nil(answer(new { max_redirects = math.huge }, 302, location, 1e6))
  end)

  it("never leads from https to http", function()
    local wanted = new(nil, nil, "https://a/")
    for _, location in ipairs { "http://a/", "http://b/", "HTTP://A/" } do
      assert.matches("from https to http", refusal(to(wanted, location)).message, 1, true)
    end
    assert.is_not_nil(to(wanted, "https://b/"))
    assert.is_not_nil(to(wanted, "//b/"))
  end)

  it("leads to http and https only", function()
    for _, location in ipairs { "ftp://a/", "file:///etc/passwd", "gopher://a/", "javascript:x" } do
      refusal(to(new(), location))
    end
  end)

  it("to nonsense is a failure that stays on one line and shows no password", function()
    for _, location in ipairs {
      "http://u:secret@h:x/", "http://", "http://[/", "http://u:secret@[x",
    } do
      local text = tostring(refusal(to(new(), location)))
      assert.is_nil(text:find("secret", 1, true))
      assert.is_nil(text:find("%c"))
    end
  end)

  it("hands its fragment on to a Location without one (RFC 9110 section 10.2.2)", function()
    assert.equal("http://a/y#frag", to(new(nil, nil, "http://a/x#frag"), "/y").target.url)
    assert.equal("http://a/y#own", to(new(nil, nil, "http://a/x#frag"), "/y#own").target.url)
  end)

  it("drops Transfer-Encoding with the body", function()
    local next_one = to(new { body = "x", headers = { ["Transfer-Encoding"] = "chunked" } }, "/y")
    assert.is_nil(next_one.options.headers["transfer-encoding"])
  end)

  it("with two Locations leads to no third place made of both", function()
    local wanted = answer(new(), 302, "Location: /y\r\nLocation: /z\r\n")
    local url = wanted and wanted.target.url
    assert.is_true(url == nil or url == "http://a/y" or url == "http://a/z", url)
  end)

  it("to a relative Location with a password shows it nowhere", function()
    local err = refusal(to(new(), "//u:secret@h h/"))
    assert.is_nil(tostring(err):find("secret", 1, true))
  end)
end)
