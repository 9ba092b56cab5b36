local saved = {}

-- Loads curlew.json anew, with only the codecs that are named.
local function json_with(...)
  local allowed = {}
  for _, name in ipairs { ... } do
    allowed[name] = true
  end
  package.loaded["curlew.json"] = nil
  for _, name in ipairs { "cjson", "dkjson" } do
    package.loaded[name] = nil
    package.preload[name] = not allowed[name] and function()
      error("not installed", 0)
    end or nil
  end
  return require "curlew.json"
end

describe("json", function()
  before_each(function()
    for _, name in ipairs { "cjson", "dkjson", "curlew.json" } do
      saved[name] = package.loaded[name]
    end
    saved.vim = rawget(_G, "vim")
    rawset(_G, "vim", nil)
  end)

  after_each(function()
    for _, name in ipairs { "cjson", "dkjson", "curlew.json" } do
      package.loaded[name], package.preload[name] = saved[name], nil
    end
    rawset(_G, "vim", saved.vim)
  end)

  for _, codec in ipairs { "cjson", "dkjson" } do
    describe("through " .. codec, function()
      it("gives back what it was given", function()
        local json = json_with(codec)
        local value = {
          list = { 1, 2.5, -3, "x" },
          nested = { yes = true, no = false },
          text = "\195\169 \"quoted\" \\ / \n\t\0",
        }
        assert.same(value, json.decode(json.encode(value)))
      end)

      it("reads every kind of value at the top (RFC 8259)", function()
        local json = json_with(codec)
        assert.equal(1, json.decode("1"))
        assert.equal(-0.5, json.decode(" -5e-1 "))
        assert.equal("a", json.decode('"a"'))
        assert.equal(true, json.decode("true"))
        assert.same({}, json.decode("[]"))
        assert.same({ a = { 1 } }, json.decode('{"a":[1]}'))
      end)

      it("reads false as false, without a problem", function()
        local value, problem = json_with(codec).decode("false")
        assert.equal(false, value)
        assert.is_nil(problem)
      end)

      it("reads null as the codec's null, also at the top, and writes it so", function()
        local json = json_with(codec)
        local value, problem = json.decode("null")
        assert.is_nil(problem)
        assert.is_not_nil(value)
        assert.equal(json.codec.null, value)
        assert.equal(json.codec.null, json.decode('{"a":null}').a)
        assert.equal('{"a":null}', json.encode { a = value })
      end)

      it("reads surrogate pairs", function()
        assert.equal("\240\159\152\128", json_with(codec).decode('"\\ud83d\\ude00"'))
      end)

      it("tells what is wrong with a text that is no JSON, and raises nothing", function()
        local json = json_with(codec)
        for _, text in ipairs { "", " ", "{", "[1,2", "{}x", "1 2", "nul", "'a'", "\255" } do
          local value, problem = json.decode(text)
          assert.is_nil(value)
          assert.equal("string", type(problem))
        end
      end)

      it("tells of nesting too deep, instead of dying of it", function()
        local value, problem = json_with(codec).decode(("["):rep(200000))
        assert.is_nil(value)
        assert.equal("string", type(problem))
      end)

      it("raises for what JSON has no form for", function()
        local json = json_with(codec)
        for _, value in ipairs { print, coroutine.create(function() end), { x = print } } do
          assert.has_error(function()
            json.encode(value)
          end)
        end
      end)

      it("raises for a table that contains itself", function()
        local json = json_with(codec)
        local loop = {}
        loop.loop = loop
        assert.has_error(function()
          json.encode(loop)
        end)
      end)
    end)
  end

  it("prefers cjson to dkjson", function()
    local json = json_with("cjson", "dkjson")
    json.encode(1)
    assert.equal(require("cjson").null, json.codec.null)
  end)

  it("takes Neovim's codec where it is", function()
    local null = {}
    rawset(_G, "vim", {
      NIL = null,
      json = {
        encode = function()
          return "encoded by vim"
        end,
        decode = function()
          return "decoded by vim"
        end,
      },
    })
    local json = json_with()
    assert.equal("encoded by vim", json.encode {})
    assert.equal("decoded by vim", json.decode("{}"))
    assert.equal(null, json.codec.null)
  end)

  it("takes the codec that it is given, from then on", function()
    local json = json_with("cjson")
    assert.equal(require("cjson").null, json.null())
    local codec = { encode = tostring, decode = tonumber, null = {} }
    json.use(codec)
    assert.equal("5", json.encode(5))
    assert.equal(16, json.decode("0x10"))
    assert.equal(codec.null, json.null())
  end)

  it("refuses a codec without its functions", function()
    local json = json_with("cjson")
    for _, codec in ipairs { {}, { encode = tostring }, { encode = tostring, decode = 1 } } do
      local ok, message = pcall(function()
        json.use(codec)
      end)
      assert.is_false(ok)
      assert.matches('json_spec.lua:%d+: field "%l+" of the codec must be', message)
    end
    assert.equal("5", json.encode(5))
  end)

  it("says what to install where there is none", function()
    local json = json_with()
    local ok, message = pcall(json.encode, {})
    assert.is_false(ok)
    assert.equal("no JSON codec was found: install lua-cjson or dkjson", message)
  end)

  it("can be given another codec", function()
    local json = json_with()
    json.codec = {
      encode = function(value)
        return "<" .. value .. ">"
      end,
      decode = function(text)
        return text:upper()
      end,
    }
    assert.equal("<a>", json.encode("a"))
    assert.equal("B", json.decode("b"))
  end)

  it("turns whatever a codec raises into a text", function()
    local json = json_with()
    json.codec = {
      decode = function()
        error({ reason = "x" })
      end,
    }
    local value, problem = json.decode("1")
    assert.is_nil(value)
    assert.equal("string", type(problem))
  end)

  it("refuses NaN, Infinity and hexadecimal numbers in a text (RFC 8259 section 6)", function()
    local json = json_with("cjson")
    for _, text in ipairs { "[NaN]", "Infinity", "0x10", "[-Infinity]", "01" } do
      assert.is_nil((json.decode(text)))
    end
  end)
end)
