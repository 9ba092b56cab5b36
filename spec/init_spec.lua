-- The globals before curlew is loaded; those of the specs themselves live elsewhere.
local before = {}
for name in pairs(package.loaded._G) do
  before[name] = true
end

local curlew = require "curlew"
local errors = require "curlew.error"
local task = require "curlew.task"

describe("curlew", function()
  it("has the names of design.md section 4, all functions", function()
    for _, name in ipairs {
      "fetch", "session", "features", "run", "spawn", "sleep", "group", "timeout", "map", "yield",
      "current", "shield", "async", "await", "call", "on_unhandled",
    } do
      assert.equal("function", type(curlew[name]), name)
    end
  end)

  it("is the same runtime as curlew.task", function()
    for _, name in ipairs { "run", "spawn", "sleep", "group", "timeout", "shield", "map" } do
      assert.equal(task[name], curlew[name])
    end
  end)

  it("knows no other names", function()
    assert.is_nil(curlew.nope)
    assert.is_nil(curlew[1])
    assert.is_nil(curlew[true])
  end)

  it("tells what it is made of", function()
    local features = curlew.features()
    assert.equal(curlew.version, features.version)
    for _, name in ipairs { "version", "libcurl", "tls_library", "luv" } do
      assert.equal("string", type(features[name]), name)
    end
    assert.equal("table", type(features.protocols))
    for _, name in ipairs { "http2", "http3", "brotli", "zstd" } do
      assert.equal("boolean", type(features[name]), name)
    end
    features.luv = nil
    assert.is_not_nil(curlew.features().luv)
  end)

  it("tells its errors from other values", function()
    local err = errors.new { kind = "connect", message = "x" }
    assert.is_true(curlew.is_error(err))
    assert.is_true(curlew.is_error(err, "connect"))
    assert.is_false(curlew.is_error(err, "timeout"))
    for _, value in ipairs { "connect: x", 5, true, {}, { kind = "connect" } } do
      assert.is_false(curlew.is_error(value))
    end
    assert.is_false(curlew.is_error(nil))
  end)

  it("makes no globals", function()
    for name in pairs(package.loaded._G) do
      assert.is_true(before[name], tostring(name))
    end
  end)

  it("blames the caller for a fetch outside of a task", function()
    local function wrong()
      local res = curlew.fetch("http://127.0.0.1:1/")
      return res
    end
    local ok, message = pcall(wrong)
    assert.is_false(ok)
    local info = debug.getinfo(wrong, "S")
    assert.matches(("%s:%d: "):format(info.short_src, info.linedefined + 1), message, 1, true)
    assert.matches("must be called inside a task", message, 1, true)
  end)

  it("blames the caller for wrong options of a session", function()
    local function wrong()
      local session = curlew.session { max_conections = 5 }
      return session
    end
    local ok, message = pcall(wrong)
    assert.is_false(ok)
    local info = debug.getinfo(wrong, "S")
    assert.equal(('%s:%d: unknown option "max_conections": did you mean "max_connections"?')
      :format(info.short_src, info.linedefined + 1), message)
  end)

  it("gives a session all the methods of HTTP, and may close it twice", function()
    local session = curlew.session()
    for _, name in ipairs {
      "request", "get", "head", "post", "put", "patch", "delete", "options", "close",
    } do
      assert.equal("function", type(getmetatable(session).__index[name]), name)
    end
    session:close()
    session:close()
  end)

  it("has a null for JSON, which is the one of the codec in use", function()
    local json = require "curlew.json"
    assert.equal(curlew.null, json.decode("[null]")[1])
    local found, mine = json.codec, {}
    curlew.use_json { encode = tostring, decode = tonumber, null = mine }
    local null = curlew.null
    json.use(found)
    assert.equal(mine, null)
    assert.is_nil(curlew.nothing_of_the_kind)
  end)

  it("lets session:options be the method OPTIONS, as its other verbs", function()
    local session = curlew.session()
    assert.equal("function", type(session.options))
    session:close()
  end)
end)
