local core = require "curlew.core"
local process = require "support.process"

describe("the C module", function()
  it("tells which libcurl is in use, and what it can do", function()
    local features = core.features()
    assert.truthy(features.libcurl:find("^%d+%.%d+%.%d+"))
    assert.is_string(features.tls_library)
    for _, name in ipairs {
      "http2", "http3", "brotli", "gzip", "zstd", "tls", "ipv6", "psl", "unix_sockets", "async_dns",
    } do
      assert.is_boolean(features[name], name)
    end
    local found = {}
    for _, protocol in ipairs(features.protocols) do
      found[protocol] = true
    end
    assert.is_true(found.http)
    assert.is_true(found.https)
  end)

  it("gives each caller a table of features of its own", function()
    core.features().http2 = "changed"
    assert.is_boolean(core.features().http2)
  end)

  it("tells the type of libcurl's options", function()
    assert.equal("number", core.option_type("TIMEOUT_MS"))
    assert.equal("number", core.option_type("MAX_RECV_SPEED_LARGE"))
    assert.equal("number", core.option_type("HTTPAUTH"))
    assert.equal("string", core.option_type("URL"))
    assert.equal("list", core.option_type("HTTPHEADER"))
    assert.equal("pointer", core.option_type("WRITEFUNCTION"))
    assert.equal("pointer", core.option_type("WRITEDATA"))
    assert.is_nil(core.option_type("NO_SUCH_OPTION"))
    assert.is_nil(core.option_type(""))
    assert.has_error(function()
      core.option_type()
    end)
  end)

  it("can be loaded twice; the clients of the first load go on", function()
    local client = core.client()
    package.loaded["curlew.core"] = nil
    local again = require "curlew.core"
    local other = again.client()
    assert.equal(getmetatable(client), getmetatable(other))
    assert.is_number(client:fd())
    assert.is_number(other:fd())
    assert.not_equal(client:fd(), other:fd())
    assert.equal(0, (client:step(false, {})))
    assert.equal("http", core.parse_url("http://a/").scheme)
    assert.equal("http", again.parse_url("http://a/").scheme)
    client:close()
    other:close()
    package.loaded["curlew.core"] = core
  end)

  it("is safe to load in a coroutine that is collected afterwards", function()
    local script = [[
      local client
      local co = coroutine.wrap(function() client = require("curlew.core").client() end)
      co()
      co = nil
      collectgarbage() collectgarbage()
      local function garbage()
        local t = {}
        for i = 1, 50 do t[i] = {} end
      end
      for _ = 1, 100 do coroutine.wrap(garbage)() end
      assert(client:step(false, {}) == 0)
      client:close()
      print(require("curlew.core").parse_url("http://host/").host)
    ]]
    local child = process.run { process.lua, "-e", script }
    assert.equal("host\n", child.stdout, child.stderr)
    assert.equal(0, child.status)
    assert.equal("", child.stderr)
  end)

  it("lets a program end with clients open, closed and in use", function()
    local script = [[
      local core = require "curlew.core"
      a, b, c = core.client(), core.client(), core.client()
      b:close()
      c:start({}, "http://127.0.0.1:1/")
      c:step(true, {})
      c:start({}, "http://nosuch.invalid/")
      c:step(true, {})
    ]]
    local child = process.run { process.lua, "-e", script }
    assert.equal("", child.stderr)
    assert.equal(0, child.status)
  end)

  describe("reads a date", function()
    local NOVEMBER = 784111777 -- Sun, 06 Nov 1994 08:49:37 GMT

    it("in each form that HTTP knows (RFC 9110 section 5.6.7)", function()
      for _, text in ipairs {
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
      } do
        assert.equal(NOVEMBER, core.parse_date(text))
      end
    end)

    it("in another zone, and without a day of the week", function()
      assert.equal(NOVEMBER, core.parse_date("Sun, 06 Nov 1994 09:49:37 +0100"))
      assert.equal(NOVEMBER, core.parse_date("06 Nov 1994 08:49:37 GMT"))
      assert.equal(NOVEMBER, core.parse_date("06 Nov 1994 08:49:37"))
    end)

    it("from the first second to years far away", function()
      assert.equal(0, core.parse_date("Thu, 01 Jan 1970 00:00:00 GMT"))
      assert.equal(951782400, core.parse_date("Tue, 29 Feb 2000 00:00:00 GMT"))
      assert.equal(4102444799, core.parse_date("Thu, 31 Dec 2099 23:59:59 GMT"))
      assert.equal(253402300799, core.parse_date("Fri, 31 Dec 9999 23:59:59 GMT"))
    end)

    it("only from what is one", function()
      for _, text in ipairs {
        "", " ", "soon", "12", "Sun", "Sun, 06 Nov 1994 25:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT\0", "\0", ("x"):rep(10000),
      } do
        assert.is_nil(core.parse_date(text))
        assert.equal(1, select("#", core.parse_date(text)))
      end
    end)

    it("only from a string", function()
      for _, value in ipairs { true, {}, print } do
        assert.has_error(function()
          core.parse_date(value)
        end)
      end
      assert.has_error(function()
        core.parse_date()
      end)
    end)
  end)
end)
