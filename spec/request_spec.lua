local blamed = require "support.blamed"
local curl = require "curlew.curl"
local options = require "curlew.options"
local request = require "curlew.request"
local setup = require "curlew.setup"
local version = require "curlew.version"

local function new(given, of, method, address)
  return assert(request.new(options.for_session(of), method, address or "http://h/", given))
end

local function curl_options(...)
  return setup.of(new(...)).options
end

-- The header lines for libcurl, by lower-case name; a name that comes twice fails.
local function lines(...)
  local found = {}
  for _, line in ipairs(curl_options(...).HTTPHEADER) do
    local name = line:match("^[^:;]+"):lower()
    assert.is_nil(found[name])
    found[name] = line
  end
  return found
end

local function refusal(given, method, address)
  return blamed(function()
    request.new(options.for_session(), method, address or "http://h/", given)
  end)
end

describe("a request", function()
  it("is a GET, or a POST when it has a body", function()
    assert.equal("GET", new().method)
    assert.equal("POST", new({ body = "" }).method)
    assert.equal("POST", new({ json = false }).method)
    assert.equal("POST", new({ form = {} }).method)
    assert.equal("PUT", new({ method = "PUT", body = "x" }).method)
    assert.equal("DELETE", new(nil, nil, "DELETE").method)
  end)

  it("has one body at most", function()
    assert.equal('options "body" and "json" exclude each other: a request has one body',
      refusal { body = "x", json = 1 })
    assert.equal('options "body" and "form" exclude each other: a request has one body',
      refusal { body = "", form = {} })
    refusal { json = false, form = {} }
  end)

  it("encodes form and json, and says which it is", function()
    local form = new { form = { a = "x y", b = { 1, 2 } } }
    assert.equal("a=x+y&b=1&b=2", form.body)
    assert.equal("application/x-www-form-urlencoded", form.content_type)
    local json = new { json = { a = true } }
    assert.equal('{"a":true}', json.body)
    assert.equal("application/json", json.content_type)
    assert.equal("false", new({ json = false }).body)
    local plain = new { body = "a\0b" }
    assert.equal("a\0b", plain.body)
    assert.is_nil(plain.content_type)
  end)

  it("blames the caller for a value that JSON has no form for", function()
    assert.matches('^option "json" cannot be encoded: .', refusal { json = print })
    assert.matches('^option "json" cannot be encoded: .', refusal { json = { x = print } })
  end)

  it("blames the caller for params and forms with wrong values", function()
    assert.matches('^option "params" must be ', refusal { params = { a = print } })
    assert.matches('^option "form" must be ', refusal { form = { a = print } })
  end)

  it("blames the caller for an address that is no string", function()
    for _, address in ipairs { 5, true, {} } do
      assert.equal("the URL must be a string, got " .. type(address), refusal(nil, nil, address))
    end
    assert.equal("the URL must be a string, got nothing", blamed(function()
      request.new(options.for_session(), nil, nil)
    end))
  end)

  it("blames the caller for a method that is no token", function()
    for _, method in ipairs { "", "A B", "GET\r\n", 5 } do
      assert.matches('option "method" must be a token', refusal(nil, method), 1, true)
    end
  end)

  it("adds params to the query", function()
    assert.equal("http://h/?a=1&b=x+y#f",
      new({ params = { b = "x y" } }, nil, nil, "http://h/?a=1#f").target.url)
    assert.equal("http://h/?t=1&t=2", new({ params = { t = { 1, 2 } } }).target.url)
    assert.equal("http://h/", new({ params = {} }).target.url)
    assert.equal("http://h/?s=1", new(nil, { params = { s = 1 } }).target.url)
  end)

  it("is resolved against base_url", function()
    local of = { base_url = "http://h/v1/" }
    assert.equal("http://h/v1/items", new(nil, of, nil, "items").target.url)
    assert.equal("http://x/", new(nil, of, nil, "http://x/").target.url)
  end)

  it("returns an error for an address that cannot be used", function()
    local wanted, err = request.new(options.for_session(), nil, "h/path")
    assert.is_nil(wanted)
    assert.equal("invalid_url", err.kind)
    wanted, err = request.new(options.for_session(), nil, "ftp://h/")
    assert.is_nil(wanted)
    assert.equal("unsupported", err.kind)
  end)
end)

describe("the header lines", function()
  it("name curlew as user agent, unless another is named", function()
    assert.equal("User-Agent: curlew/" .. version, lines()["user-agent"])
    assert.equal("User-Agent: me/1", lines({ user_agent = "me/1" })["user-agent"])
    assert.equal("USER-AGENT: x", lines({ headers = { ["USER-AGENT"] = "x" } })["user-agent"])
  end)

  it("leave out what is false, also what libcurl would add by itself", function()
    local found = lines { headers = { ["User-Agent"] = false, Accept = false, Host = false } }
    assert.equal("User-Agent:", found["user-agent"])
    assert.equal("Accept:", found.accept)
    assert.equal("Host:", found.host)
  end)

  it("write an empty value as libcurl wants it", function()
    assert.equal("X-A;", lines({ headers = { ["X-A"] = "" } })["x-a"])
    assert.equal("X-A;", lines({ headers = { ["X-A"] = " " } })["x-a"])
  end)

  it("repeat a name for each value of a list, in order", function()
    local found = {}
    for _, line in ipairs(curl_options({ headers = { A = { "2", "1", "" } } }).HTTPHEADER) do
      found[#found + 1] = line:find("^A[:;]") and line or nil
    end
    assert.same({ "A: 2", "A: 1", "A;" }, found)
  end)

  it("never wait for a 100, unless the user asks for it", function()
    assert.equal("Expect:", lines({ body = "x" }).expect)
    assert.equal("Expect: 100-continue", lines({ headers = { Expect = "100-continue" } }).expect)
  end)

  it("give a body its type, or none, but never libcurl's guess", function()
    assert.equal("Content-Type: application/json", lines({ json = {} })["content-type"])
    assert.equal("Content-Type:", lines({ body = "x" })["content-type"])
    assert.equal("content-type: text/x",
      lines({ json = {}, headers = { ["content-type"] = "text/x" } })["content-type"])
    assert.is_nil(lines()["content-type"])
  end)

  it("carry a bearer token, unless Authorization is given", function()
    assert.equal("Authorization: Bearer t", lines({ auth = { bearer = "t" } }).authorization)
    assert.equal("Authorization: x",
      lines({ auth = { bearer = "t" }, headers = { Authorization = "x" } }).authorization)
  end)

  it("do not change the session's headers", function()
    local of = options.for_session { headers = { A = "1" } }
    setup.of(assert(request.new(of, nil, "http://h/", { body = "x" })))
    local names = {}
    for name in pairs(of.headers) do
      names[#names + 1] = name
    end
    assert.same({ "a" }, names)
  end)
end)

describe("what libcurl is told", function()
  it("is known to libcurl, name by name, and of the right type", function()
    local types = { string = "string", table = "list", number = "number", boolean = "number" }
    local set = curl_options({
      auth = { user = "u", password = "p" }, cert = "c", key = "k", pinned_key = "p",
      interface = "i", ip = "6", max_speed = 5, proxy = "http://p", unix_socket = "/s",
      verify = "/ca", resolve = { "a:1:b" }, http = "2", tls_min = "1.3", body = "x",
    })
    for name, value in pairs(set) do
      local known = curl.option_type(name)
      assert.is_true(known == types[type(value)] or (value == false and known == "string"), name)
    end
  end)

  it("maps words to libcurl's numbers (curl.h)", function()
    for word, number in pairs {
      auto = 4, ["1.1"] = 2, ["2"] = 3, ["2-prior-knowledge"] = 5, ["3"] = 30,
    } do
      assert.equal(number, curl_options({ http = word }).HTTP_VERSION)
    end
    for word, number in pairs { ["1.0"] = 4, ["1.1"] = 5, ["1.2"] = 6, ["1.3"] = 7 } do
      assert.equal(number, curl_options({ tls_min = word }, nil, nil, "https://h/").SSLVERSION)
    end
    assert.equal(1, curl_options({ ip = "4" }).IPRESOLVE)
    assert.equal(2, curl_options({ ip = "6" }).IPRESOLVE)
    for word, number in pairs { basic = 1, digest = 2, any = 3 } do
      assert.equal(number, curl_options({ auth = { user = "u", type = word } }).HTTPAUTH)
    end
  end)

  it("asks for a HEAD as such, so that no body is awaited", function()
    local set = curl_options(nil, nil, "HEAD")
    assert.is_true(set.NOBODY)
    assert.is_nil(set.CUSTOMREQUEST)
  end)

  it("names every other method", function()
    assert.is_nil(curl_options().CUSTOMREQUEST)
    assert.equal("DELETE", curl_options(nil, nil, "DELETE").CUSTOMREQUEST)
    local set = curl_options({ body = "x" }, nil, "GET")
    assert.equal("GET", set.CUSTOMREQUEST)
    assert.is_true(set.POST)
  end)

  it("turns verification off only when asked", function()
    local set = curl_options(nil, nil, nil, "https://h/")
    assert.is_nil(set.SSL_VERIFYPEER)
    assert.is_nil(set.SSL_VERIFYHOST)
    set = curl_options({ verify = false }, nil, nil, "https://h/")
    assert.equal(false, set.SSL_VERIFYPEER)
    assert.equal(0, set.SSL_VERIFYHOST)
    set = curl_options({ verify = "/ca.pem" }, nil, nil, "https://h/")
    assert.equal("/ca.pem", set.CAINFO)
    assert.equal(false, set.CAPATH)
    assert.is_nil(set.SSL_VERIFYPEER)
  end)

  it("takes user and password of the URL, unless auth is given", function()
    local set = curl_options(nil, nil, nil, "http://u:p%40@h/")
    assert.equal("u", set.USERNAME)
    assert.equal("p@", set.PASSWORD)
    set = curl_options({ auth = { user = "x" } }, nil, nil, "http://u:p@h/")
    assert.equal("x", set.USERNAME)
    assert.equal("", set.PASSWORD)
    assert.is_nil(curl_options({ auth = { bearer = "t" } }, nil, nil, "http://u:p@h/").USERNAME)
  end)

  it("lets the escape hatch have the last word", function()
    assert.equal(7, curl_options({ curl = { HTTP_VERSION = 7 } }).HTTP_VERSION)
    assert.equal("x", curl_options({ curl = { CURLOPT_DOH_URL = "x" } }).DOH_URL)
  end)

  it("decompresses unless told not to", function()
    assert.equal("", curl_options().ACCEPT_ENCODING)
    assert.is_nil(curl_options({ decompress = false }).ACCEPT_ENCODING)
  end)

  it("connects within whole milliseconds that a C long can hold", function()
    assert.equal(10000, curl_options().CONNECTTIMEOUT_MS)
    assert.equal(1, curl_options({ timeout = { connect = 0.0001 } }).CONNECTTIMEOUT_MS)
    assert.equal(1501, curl_options({ timeout = { connect = 1.5005 } }).CONNECTTIMEOUT_MS)
    assert.equal(2000, curl_options({ timeout = 2 }).CONNECTTIMEOUT_MS)
    for _, long in ipairs { 1e9, 1e300, math.huge } do
      local timeout = { connect = long, total = long }
      assert.equal(2 ^ 31 - 1, curl_options({ timeout = timeout }).CONNECTTIMEOUT_MS)
    end
  end)

  it("follows no redirect by itself", function()
    assert.is_nil(curl_options().FOLLOWLOCATION)
  end)

  it("awaits no body of a HEAD that has one itself, or refuses it", function()
    local ok, set = pcall(curl_options, { body = "x" }, nil, "HEAD")
    assert.is_true(not ok or set.NOBODY == true)
  end)

  it("sends Content-Length: 0 with a POST or PUT without body (RFC 9110, 8.6)", function()
    for _, method in ipairs { "POST", "PUT" } do
      local set = curl_options(nil, nil, method)
      local sent = table.concat(set.HTTPHEADER, "\n")
      assert.is_true(set.POST == true or sent:lower():find("content-length: 0", 1, true) ~= nil)
    end
  end)
end)

describe("the frame of a body", function()
  local function length(value, given)
    given = given or {}
    given.headers = { ["content-Length"] = value }
    return given
  end

  local function coding(value, given)
    given = given or {}
    given.headers = { ["Transfer-Encoding"] = value }
    return given
  end

  it("may be said, where it is what it would be anyway", function()
    new(length(3, { body = "abc" }))
    new(length("3", { body = "abc" }))
    new(length(0))
    new(length(0, { body = "" }))
    new(length(false))
    new(coding("chunked", { body = "abc" }))
    new(coding("Chunked", { body = function() end }))
    new(coding(false))
  end)

  it("is no other than that of the body, the rest of which would be a request", function()
    for _, value in ipairs { 2, 4, "+3", "0x3", "03", "3, 3", "3.0", "", "three", false,
      { "3", "3" }, { "2", "3" }, {} } do
      assert.matches('header "content%-Length" is not the length of the body',
        refusal(length(value, { body = "abc" })))
    end
    for _, given in ipairs {
      {}, { body = "" }, { method = "POST" }, { body = function() end },
      { multipart = { name = "value" } },
    } do
      assert.matches("is not the length of the body", refusal(length(1, given)))
    end
    for _, value in ipairs {
      "gzip", "xchunked", "chunked, gzip", "gzip, chunked", "identity", "", false,
      { "chunked", "chunked" }, {},
    } do
      assert.matches('header "Transfer%-Encoding" can only be "chunked"',
        refusal(coding(value, { body = "abc" })))
    end
    assert.matches("is for a body without a length", refusal(coding "chunked"))
    assert.matches("is for a body without a length", refusal(coding("chunked", { body = "" })))
    assert.matches("is for a body without a length", refusal {
      body = "abc", headers = { ["Content-Length"] = 3, ["Transfer-Encoding"] = "chunked" },
    })
  end)
end)
