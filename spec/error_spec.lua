local errors = require "curlew.error"
local here = require "support.here"

local function at_line(line)
  return "error_spec%.lua:" .. line .. ": "
end

describe("error", function()
  it("makes an object of the given fields", function()
    local err = errors.new { kind = "connect", message = "refused", code = "CURLE_COULDNT_CONNECT" }
    assert.equal("connect", err.kind)
    assert.equal("refused", err.message)
    assert.equal("CURLE_COULDNT_CONNECT", err.code)
  end)

  it("reads as one line: kind and message", function()
    assert.equal("timeout: not done within 1 s",
      tostring(errors.new { kind = "timeout", message = "not done within 1 s" }))
  end)

  it("names method and url when there are any", function()
    assert.equal("connect: refused (POST http://a/b)", tostring(errors.new {
      kind = "connect", message = "refused", method = "POST", url = "http://a/b" }))
    assert.equal("connect: refused (GET http://a/b)", tostring(errors.new {
      kind = "connect", message = "refused", url = "http://a/b" }))
  end)

  it("reads even without kind and message", function()
    assert.equal("nil: nil", tostring(errors.new {}))
  end)

  it("tells its own objects, of one kind or of any, from everything else", function()
    local err = errors.new { kind = "timeout" }
    assert.is_true(errors.is(err))
    assert.is_true(errors.is(err, "timeout"))
    assert.is_false(errors.is(err, "connect"))
    for _, other in ipairs { "timeout", 5, true, false, { kind = "timeout" }, io.stdout, print } do
      assert.is_false(errors.is(other))
    end
    assert.is_false(errors.is(nil))
  end)

  it("carries the name of its class in the metatable", function()
    assert.equal("curlew.Error", getmetatable(errors.new {}).__name)
  end)

  describe("describe", function()
    it("says what tostring says", function()
      assert.equal("text", errors.describe("text"))
      assert.equal("false", errors.describe(false))
      assert.equal("nil", errors.describe(nil))
      assert.equal("io: x", errors.describe(errors.new { kind = "io", message = "x" }))
    end)

    it("survives a __tostring that raises or returns no string", function()
      local raising = setmetatable({}, { __tostring = function() error("no") end })
      local wrong = setmetatable({}, { __tostring = function() return {} end })
      assert.equal("(error object is a table whose __tostring failed)", errors.describe(raising))
      assert.equal("(error object is a table whose __tostring failed)", errors.describe(wrong))
    end)
  end)

  describe("blame", function()
    it("puts the line of its caller outside curlew in front", function()
      local line
      local ok, message = pcall(function()
        line = here() + 1
        errors.blame("%d is not %s", 5, "six")
      end)
      assert.is_false(ok)
      assert.matches(at_line(line) .. "5 is not six$", message)
    end)

    it("passes over C functions", function()
      local line
      local ok, message = pcall(function()
        line = here() + 1
        assert(select(2, pcall(errors.blame, "wrong")):find("wrong"))
        error(select(2, pcall(errors.blame, "wrong")), 0)
      end)
      assert.is_false(ok)
      assert.matches(at_line(line + 1) .. "wrong$", message)
    end)

    it("gives the bare message where no frame is the user's", function()
      local co = coroutine.create(errors.blame)
      assert.same({ false, "bare" }, { coroutine.resume(co, "bare") })
    end)
  end)

  describe("the checks of arguments", function()
    -- Calls check(what, value) through a function and returns the message it raises, if any.
    local function refusal(check, ...)
      local ok, message = pcall(check, "the thing", ...)
      return not ok and message:gsub("^.-:%d+: ", "") or nil
    end

    it("let the right type pass, and name the wrong one", function()
      assert.is_nil(refusal(errors.check_type, {}, "table"))
      assert.equal("the thing must be a table, got string",
        refusal(errors.check_type, "x", "table"))
      assert.equal("the thing must be a string, got nothing",
        refusal(errors.check_type, nil, "string"))
    end)

    it("take functions and objects with __call for callable", function()
      assert.is_nil(refusal(errors.check_callable, print))
      assert.is_nil(refusal(errors.check_callable, setmetatable({}, { __call = print })))
      for _, value in ipairs { "print", 5, true, {}, setmetatable({}, {}), io.stdout } do
        assert.equal("the thing must be a function, got " .. type(value),
          refusal(errors.check_callable, value))
      end
      assert.equal("the thing must be a function, got nothing", refusal(errors.check_callable))
    end)

    it("do not stumble over a hidden metatable", function()
      local hidden = setmetatable({}, { __metatable = "hidden" })
      assert.equal("the thing must be a function, got table",
        refusal(errors.check_callable, hidden))
    end)

    it("take every number but NaN for seconds", function()
      for _, value in ipairs { 0, -1, 0.5, math.huge, -math.huge } do
        assert.is_nil(refusal(errors.check_seconds, value))
      end
      assert.equal("the thing must be a number of seconds, got NaN",
        refusal(errors.check_seconds, 0 / 0))
      assert.equal("the thing must be a number of seconds, got string",
        refusal(errors.check_seconds, "1"))
      assert.equal("the thing must be a number of seconds, got nothing",
        refusal(errors.check_seconds))
    end)
  end)
end)
