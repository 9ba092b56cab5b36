local url = require "curlew.url"

local function parse(...)
  return assert(url.parse(...))
end

local function problem(...)
  local parts, err = url.parse(...)
  assert.is_nil(parts)
  return err
end

describe("url.parse", function()
  it("takes a URL apart", function()
    local parts = parse("https://us%20er:p%40ss@Example.org:8443/a/b?x=1&y#frag")
    assert.equal("https", parts.scheme)
    assert.equal("us er", parts.user)
    assert.equal("p@ss", parts.password)
    assert.equal("Example.org", parts.host)
    assert.equal("8443", parts.port)
    assert.equal("/a/b", parts.path)
    assert.equal("x=1&y", parts.query)
    assert.equal("frag", parts.fragment)
    assert.equal("https://example.org:8443", parts.origin)
  end)

  it("leaves user and password out of the URL that is sent", function()
    assert.equal("http://h/", parse("http://user:secret@h/").url)
    assert.equal("http://h:81/x?y", parse("http://user@h:81/x?y").url)
  end)

  it("leaves fields nil that the URL does not have", function()
    local parts = parse("http://h")
    assert.equal("/", parts.path)
    for _, name in ipairs { "user", "password", "query", "fragment" } do
      assert.is_nil(parts[name])
    end
  end)

  it("knows the default ports, so that origins compare", function()
    assert.equal(parse("http://H/").origin, parse("HTTP://h:80/x").origin)
    assert.equal(parse("https://h/").origin, parse("https://h:443/").origin)
    assert.not_equal(parse("http://h/").origin, parse("https://h/").origin)
    assert.not_equal(parse("http://h/").origin, parse("http://h:8080/").origin)
    assert.not_equal(parse("http://h/").origin, parse("http://h.x/").origin)
  end)

  it("sees through spellings of one host", function()
    assert.equal("http://127.0.0.1:80", parse("http://127.1/").origin)
    assert.equal("http://example.org:80", parse("http://ex%61mple.org/").origin)
    assert.equal("http://[::1]:8080", parse("http://[::1]:8080/").origin)
  end)

  it("sees through an address that is written in escapes, and keeps the user", function()
    local parts = url.parse("http://u%40:p@%31%32%37.1:80/a%20b")
    assert.same({ "127.0.0.1", "http://127.0.0.1:80/a%20b", "u@", "p" },
      { parts.host, parts.url, parts.user, parts.password })
    assert.equal("http://127.0.0.1:80", parts.origin)
    assert.is_true(parts.is_address)
  end)

  it("encodes blanks and bytes that are not ASCII", function()
    assert.equal("http://h/a%20b/%c3%a9", parse("http://h/a b/\195\169").url)
  end)

  it("does not encode twice", function()
    assert.equal("http://h/a%20b?x=%26", parse("http://h/a%20b?x=%26").url)
  end)

  it("adds a query in front of the fragment", function()
    local cases = {
      { "http://h", "http://h/?a=1" },
      { "http://h/x", "http://h/x?a=1" },
      { "http://h/x?b=2", "http://h/x?b=2&a=1" },
      { "http://h/x?", "http://h/x?a=1" },
      { "http://h/x?b&", "http://h/x?b&a=1" },
      { "http://h/x#f", "http://h/x?a=1#f" },
      { "http://h/x?b#f?g", "http://h/x?b&a=1#f?g" },
    }
    for _, case in ipairs(cases) do
      assert.equal(case[2], parse(case[1], nil, "a=1").url)
    end
    assert.equal("http://h/x", parse("http://h/x", nil, "").url)
    assert.equal("http://h/v1/x?a=1", parse("x", "http://h/v1/", "a=1").url)
  end)

  -- RFC 3986 section 5.4, without the two references that stand alone below.
  local REFERENCES = {
    ["g"] = "/b/c/g", ["./g"] = "/b/c/g", ["g/"] = "/b/c/g/", ["/g"] = "/g", ["?y"] = "/b/c/d;p?y",
    ["g?y"] = "/b/c/g?y", ["g#s"] = "/b/c/g#s", ["g?y#s"] = "/b/c/g?y#s", [";x"] = "/b/c/;x",
    ["g;x"] = "/b/c/g;x", ["g;x?y#s"] = "/b/c/g;x?y#s", ["."] = "/b/c/", ["./"] = "/b/c/",
    [".."] = "/b/", ["../"] = "/b/", ["../g"] = "/b/g", ["../.."] = "/", ["../../"] = "/",
    ["../../g"] = "/g", ["../../../g"] = "/g", ["../../../../g"] = "/g", ["/./g"] = "/g",
    ["/../g"] = "/g", ["g."] = "/b/c/g.", [".g"] = "/b/c/.g", ["g.."] = "/b/c/g..",
    ["..g"] = "/b/c/..g", ["./../g"] = "/b/g", ["./g/."] = "/b/c/g/", ["g/./h"] = "/b/c/g/h",
    ["g/../h"] = "/b/c/h", ["g;x=1/./y"] = "/b/c/g;x=1/y", ["g;x=1/../y"] = "/b/c/y",
    ["g?y/./x"] = "/b/c/g?y/./x", ["g?y/../x"] = "/b/c/g?y/../x", ["g#s/../x"] = "/b/c/g#s/../x",
  }

  it("resolves references as RFC 3986 section 5.4 lists them", function()
    for reference, expected in pairs(REFERENCES) do
      assert.equal("http://a" .. expected, parse(reference, "http://a/b/c/d;p?q").url)
    end
    assert.equal("http://g/", parse("//g", "http://a/b").url)
    assert.equal("https://x/y", parse("https://x/y", "http://a/b").url)
  end)

  it("keeps the user of the base for its own host only", function()
    assert.equal("u", parse("/x", "http://u:p@a/").user)
    assert.equal("p", parse("/x", "http://u:p@a/").password)
    assert.is_nil(parse("http://b/x", "http://u:p@a/").user)
    assert.is_nil(parse("//b/x", "http://u:p@a/").user)
  end)

  it("refuses what is no URL, with kind invalid_url", function()
    for _, text in ipairs {
      "", "example.org", "/path", "//h/", "http:/h/", "mailto:a@b", "http://", "http://:80/",
      "http://h:99999/", "http://h:-1/", "http://h:x/", "http://[::1/", "http://exa mple/",
      "http://h/\r\nX: 1", "http://h/\0", "http://h\n/", "://h/",
    } do
      local err = problem(text, nil, nil, "GET")
      assert.equal("invalid_url", err.kind)
      assert.equal("GET", err.method)
      assert.is_nil(tostring(err):find("[%c]"))
    end
  end)

  it("says what to do about a missing scheme", function()
    assert.matches("write http:// or https:// in front", problem("example.org/x").message, 1, true)
  end)

  it("refuses other schemes, with kind unsupported", function()
    for _, scheme in ipairs { "ftp", "gopher", "foo", "ws", "dict" } do
      local err = problem(scheme .. "://h/x")
      assert.equal("unsupported", err.kind)
      assert.matches(scheme, err.message, 1, true)
    end
    assert.equal("unsupported", problem("file:///etc/passwd").kind)
    assert.equal("unsupported", problem("ftp://h/", "http://a/").kind)
  end)

  it("takes a URL of a million bytes or says no, but does not fail otherwise", function()
    local parts, err = url.parse("http://h/" .. ("x"):rep(1000000))
    assert.is_true(parts ~= nil or err.kind == "invalid_url")
  end)

  it("keeps nothing of one call for the next, also after a failure", function()
    problem("http://u:p@h:x/")
    assert.is_nil(parse("http://h/").user)
  end)

  it("resolves the empty reference and a lone fragment (RFC 3986 section 5.4.1)", function()
    assert.equal("http://a/b/c/d;p?q", parse("", "http://a/b/c/d;p?q").url)
    assert.equal("http://a/b/c/d;p?q#s", parse("#s", "http://a/b/c/d;p?q").url)
  end)

  it("does not drop a user that holds control characters without a word", function()
    assert.equal("invalid_url", problem("http://us%0Aer:pw@h/").kind)
  end)
end)

describe("url.redact", function()
  it("leaves out user, password and fragment", function()
    assert.equal("***@h/x", url.redact("http://user:secret@h/x#access_token=secret"))
    assert.equal("***@h:8/", url.redact("https://secret@h:8/"))
    assert.equal("***@h/", url.redact("http://user:se@cret@h/"))
  end)

  it("shows no password of a URL that is written wrongly either", function()
    for _, text in ipairs {
      "user:secret@example.org/", "//user:secret@h/", " http://user:secret@h/",
      "http:/user:secret@h/", "http:user:secret@h", "http:\\\\user:secret@h\\",
      "http://user:secret/x@h/", "http://user:secret?x@h/", "http://user:secret#x@h/",
    } do
      assert.is_nil(url.redact(text):find("secret", 1, true), text)
      local _, err = url.parse(text)
      assert.is_nil(err and tostring(err):find("secret", 1, true), text)
    end
  end)
end)

describe("url.printable", function()
  it("leaves out the fragment", function()
    assert.equal("http://h/x", url.printable("http://h/x#access_token=secret"))
  end)

  it("hides the values of parameters that look like secrets", function()
    assert.equal("http://h/?a=1&token=***&b=2&api_key=***",
      url.printable("http://h/?a=1&token=abc&b=2&api_key=x=y"))
  end)

  it("shows the rest as it is", function()
    assert.equal("http://h/a%20b?q=x@y&n", url.printable("http://h/a%20b?q=x@y&n"))
  end)

  it("has no control characters, so that it stays on its line", function()
    assert.is_nil(url.printable("http://h/\r\n\27[31m\0"):find("%c"))
  end)

  it("is at most 300 bytes long", function()
    assert.equal(300, #url.printable("http://h/" .. ("x"):rep(100000)))
    local short = "http://h/" .. ("x"):rep(291)
    assert.equal(short, url.printable(short))
  end)
end)
