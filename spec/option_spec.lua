-- src/option.c, as curlew.core shows it: what libcurl's options take, and what is refused.

local core = require "curlew.core"

local NAN = 0 / 0
local URL = "http://127.0.0.1:1/"

describe("option_type", function()
  it("tells the kind of value that an option takes", function()
    for name, kind in pairs {
      URL = "string", USERAGENT = "string", TIMEOUT_MS = "number", VERBOSE = "number",
      HTTP_VERSION = "number", MAX_RECV_SPEED_LARGE = "number", HTTPHEADER = "list",
      RESOLVE = "list", WRITEFUNCTION = "pointer", WRITEDATA = "pointer",
      PRIVATE = "pointer", ERRORBUFFER = "pointer", SHARE = "pointer", POSTFIELDS = "pointer",
      COPYPOSTFIELDS = "pointer", XFERINFOFUNCTION = "pointer",
    } do
      assert.equal(kind, core.option_type(name), name)
    end
  end)

  it("tells which options take bytes, where libcurl has them #blob", function()
    assert.equal("blob", core.option_type("SSLCERT_BLOB"))
  end)

  it("finds the first and the last of all names, and old names", function()
    assert.equal("number", core.option_type("ACCEPTTIMEOUT_MS"))
    assert.equal("string", core.option_type("XOAUTH2_BEARER"))
    assert.equal("string", core.option_type("ENCODING"))
  end)

  it("knows no other names", function()
    for _, name in ipairs { "", "NOPE", "url", "CURLOPT_URL", "URL ", " URL", "UR", "URLS" } do
      assert.is_nil(core.option_type(name))
    end
    assert.is_nil(core.option_type(("X"):rep(100000)))
  end)

  it("takes a string", function()
    for _, name in ipairs { {}, true, print } do
      assert.has_error(function()
        core.option_type(name)
      end)
    end
    assert.has_error(function()
      core.option_type()
    end)
  end)
end)

describe("client:start", function()
  local client

  before_each(function()
    client = core.client(10)
  end)

  after_each(function()
    client:close()
  end)

  -- The refusal of one option: its name, and what is wrong with the value.
  local function refusal(name, value)
    local id, option, problem = client:start({ options = { [name] = value } }, URL)
    assert.is_nil(id)
    assert.equal(name, option)
    return problem
  end

  local function accepts(name, value)
    local id, option, problem = client:start({ options = { [name] = value } }, URL)
    assert.equal("number", type(id), tostring(option) .. ": " .. tostring(problem))
    client:cancel(id)
  end

  it("takes whole numbers, floats or not, and booleans, for a number", function()
    for _, value in ipairs { 0, 1, 5000, 10 / 2, 2 ^ 31 - 1, true, false } do
      accepts("TIMEOUT_MS", value)
    end
    accepts("MAX_RECV_SPEED_LARGE", 2 ^ 40)
    accepts("MAX_RECV_SPEED_LARGE", 2 ^ 53)
  end)

  it("refuses all else for a number", function()
    for _, value in ipairs {
      "5", "", 1.5, NAN, math.huge, -math.huge, 2 ^ 32, 1e300, {}, print,
    } do
      assert.equal("takes a whole number or a boolean", refusal("TIMEOUT_MS", value))
    end
    for _, value in ipairs { "5", 1.5, NAN, math.huge, 2 ^ 53 + 2, -2 ^ 60, {} } do
      assert.equal("takes a whole number", refusal("MAX_RECV_SPEED_LARGE", value))
    end
  end)

  it("says what libcurl says to a number that it does not take", function()
    for name, value in pairs { IPRESOLVE = 99, SSLVERSION = 99, HTTP_VERSION = 77 } do
      local problem = refusal(name, value)
      assert.equal("string", type(problem))
      assert.not_equal("", problem)
    end
  end)

  it("takes a string for a string, and false to take it back", function()
    accepts("USERAGENT", "x")
    accepts("USERAGENT", "")
    accepts("USERAGENT", "\195\169\255\t")
    accepts("USERAGENT", false)
  end)

  it("refuses all else for a string", function()
    for _, value in ipairs { 5, true, {}, print } do
      assert.equal("takes a string", refusal("USERAGENT", value))
    end
  end)

  it("refuses CR, LF and NUL in every string", function()
    for _, name in ipairs {
      "URL", "USERAGENT", "CUSTOMREQUEST", "REFERER", "COOKIE", "PROXY", "USERNAME", "RANGE",
      "ACCEPT_ENCODING", "UNIX_SOCKET_PATH",
    } do
      for _, value in ipairs { "a\rb", "a\nb", "a\r\nX-Evil: 1", "\n", "a\0b", "\0", "a\0" } do
        assert.equal("takes a string without CR, LF and NUL", refusal(name, value))
      end
    end
  end)

  it("refuses a string that is too long for libcurl", function()
    assert.equal("string", type(refusal("URL", ("x"):rep(9000000))))
  end)

  it("takes a list of strings for a list", function()
    accepts("HTTPHEADER", {})
    accepts("HTTPHEADER", { "A: b", "C;", "D:" })
    accepts("RESOLVE", { "h:80:127.0.0.1" })
    local many = {}
    for i = 1, 5000 do
      many[i] = "X: " .. i
    end
    accepts("HTTPHEADER", many)
  end)

  it("refuses all else for a list", function()
    for _, value in ipairs { "A: b", 5, true, false, print } do
      assert.equal("takes a list of strings", refusal("HTTPHEADER", value))
    end
    for _, value in ipairs {
      { 5 }, { true }, { {} }, { "A: b", "C: d\r\nE: f" }, { "\0" }, { "A: b\n" }, { "x", 5, "y" },
    } do
      assert.equal("takes a list of strings without CR, LF and NUL", refusal("HTTPHEADER", value))
    end
  end)

  it("keeps its own copy of what it was given", function()
    local list = { "A: b" }
    local id = client:start({ options = { HTTPHEADER = list } }, URL)
    list[1] = nil
    collectgarbage()
    collectgarbage()
    client:step(false, {})
    client:cancel(id)
  end)

  it("takes any bytes for a blob, and nothing but a string #blob", function()
    accepts("SSLCERT_BLOB", "a\0b\r\n")
    for _, value in ipairs { 5, true, false, {} } do
      assert.equal("takes a string", refusal("SSLCERT_BLOB", value))
    end
  end)

  it("never takes a pointer or a function", function()
    for _, name in ipairs {
      "WRITEFUNCTION", "WRITEDATA", "PRIVATE", "ERRORBUFFER", "POSTFIELDS",
    } do
      for _, value in ipairs { print, 5, "x", true, {} } do
        assert.equal("takes a C pointer or function, which Lua does not have", refusal(name, value))
      end
    end
  end)

  it("refuses names that libcurl does not know", function()
    for _, name in ipairs { "NOPE", "", "url", "CURLOPT_URL", ("X"):rep(100000) } do
      assert.equal("is not an option of this libcurl", refusal(name, 1))
    end
    for _, key in ipairs { 1, 10002, 1.5, true, print } do
      local id, _, problem = client:start({ options = { [key] = 1 } }, URL)
      assert.is_nil(id)
      assert.equal("is not an option of this libcurl", problem)
    end
  end)

  it("raises for arguments of the wrong kind", function()
    for _, options in ipairs { 5, "x", true } do
      assert.has_error(function()
        client:start(options)
      end)
    end
    assert.has_error(function()
      client:start({}, URL, "all")
    end)
    assert.has_error(function()
      client.start({}, {})
    end)
  end)

  it("can go on after any number of refusals, and loses no id by them", function()
    local first = client:start({}, URL)
    client:cancel(first)
    for _ = 1, 1000 do
      refusal("HTTPHEADER", { "fine", "not\nfine" })
      refusal("NOPE", 1)
    end
    local id = client:start({}, URL)
    assert.equal("number", type(id))
    assert.not_equal(first, id)
    assert.has_error(function()
      client:take(first)
    end, "no transfer of this id has ended")
  end)

  it("is over once the client is closed, which may be closed again", function()
    local id = client:start({}, URL)
    client:close()
    client:close()
    for _, call in ipairs {
      function()
        client:start {}
      end,
      function()
        client:step(false, {})
      end,
      function()
        client:fd()
      end,
    } do
      assert.has_error(call, "the client is closed")
    end
    client:cancel(id)
    assert.has_error(function()
      client:take(id)
    end, "no transfer of this id has ended")
  end)

  it("gives ids that no wrong number can stand for", function()
    local id = client:start({}, URL)
    for _, wrong in ipairs { -1, 0, 1, id + 1, -id, id + 2 ^ 20, 2 ^ 31 - 1, -2 ^ 31 } do
      client:cancel(wrong)
      assert.has_error(function()
        client:take(wrong)
      end)
    end
    client:cancel(id)
  end)

  it("does not take a name with a NUL in it for the name before the NUL", function()
    assert.is_nil(core.option_type("URL\0x"))
    assert.is_nil((client:start({ options = { ["URL\0x"] = URL } }, URL)))
  end)
end)
