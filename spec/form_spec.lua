local blamed = require "support.blamed"
local form = require "curlew.form"

local function encode(fields)
  return form.encode("the fields", fields)
end

local function refusal(fields)
  return blamed(function()
    form.encode("the fields", fields)
  end)
end

describe("form.encode", function()
  it("writes name=value, joined by &", function()
    assert.equal("a=1&b=x", encode { a = 1, b = "x" })
    assert.equal("a=1", encode { a = 1 })
    assert.equal("", encode {})
  end)

  it("sorts a table by its names, so that the result is always the same", function()
    assert.equal("A=4&a=3&b=2&c=1", encode { c = 1, b = 2, a = 3, A = 4 })
  end)

  it("keeps the order of a list of pairs, and repeated names", function()
    assert.equal("b=1&a=2&b=3", encode { { "b", 1 }, { "a", 2 }, { "b", 3 } })
  end)

  it("repeats the name for a list as value", function()
    assert.equal("a=1&a=x&a=true", encode { a = { 1, "x", true } })
    assert.equal("a=1&a=2", encode { { "a", { 1, 2 } } })
    assert.equal("", encode { a = {} })
  end)

  it("leaves exactly A-Z a-z 0-9 * - . _ as they are (WHATWG URL, section 1.3)", function()
    for byte = 0, 255 do
      local char = string.char(byte)
      local expected = ("%%%02X"):format(byte)
      if char:find("^[A-Za-z0-9*._-]$") then
        expected = char
      elseif char == " " then
        expected = "+"
      end
      assert.equal("n=" .. expected, encode { n = char })
      assert.equal(expected .. "=v", encode { [char] = "v" })
    end
  end)

  it("writes UTF-8 byte by byte", function()
    assert.equal("%C3%A9=%E2%82%AC", encode { ["\195\169"] = "\226\130\172" })
  end)

  it("encodes what would end a value or a line", function()
    assert.equal("a=1%26b%3D2%2B3%0D%0AX%3A+1%00", encode { a = "1&b=2+3\r\nX: 1\0" })
  end)

  it("takes empty names and values", function()
    assert.equal("=&a=", encode { [""] = "", a = "" })
  end)

  it("writes booleans as words", function()
    assert.equal("a=true&b=false", encode { a = true, b = false })
  end)

  it("writes whole numbers without a point, on every Lua", function()
    assert.equal("a=1&b=-2&c=1000000000000000&d=0&e=9007199254740991",
      encode { a = 2 / 2, b = -4 / 2, c = 1e15, d = 0 * -1, e = 2 ^ 53 - 1 })
  end)

  it("writes fractions", function()
    assert.equal("a=0.5&b=-2.25&c=1e%2B100", encode { a = 0.5, b = -2.25, c = 1e100 })
  end)

  it("takes a name that is a number in a list of pairs", function()
    assert.equal("1=2", encode { { 1, 2 } })
  end)

  it("encodes a long text in a moment", function()
    local start = os.clock()
    assert.equal(2 + 3 * 300000, #encode { a = ("/"):rep(300000) })
    assert.is_true(os.clock() - start < 1)
  end)

  it("blames the caller for what is no table", function()
    assert.equal("the fields must be a table, got nothing", refusal(nil))
    assert.equal("the fields must be a table, got string", refusal("a=1"))
  end)

  it("blames the caller for values that have no text", function()
    assert.matches("^the fields must be a string, number or boolean, .* got function$",
      refusal { a = print })
    assert.matches("got table$", refusal { a = { { 1 } } })
    assert.matches("list of {name, value} pairs", refusal { {} }, 1, true)
    assert.matches("got table$", refusal { { {}, 1 } })
  end)

  it("blames the caller for names that are no strings", function()
    for _, key in ipairs { true, 1.5, 7, print } do
      assert.equal("the fields must be a table by name, or a list of {name, value} pairs",
        refusal { [key] = "x" })
    end
  end)

  it("does not change what it is given", function()
    local fields = { b = { 1, 2 }, a = 1 }
    encode(fields)
    assert.same({ b = { 1, 2 }, a = 1 }, fields)
  end)

  it("refuses NaN and infinity, which have no text", function()
    refusal { a = 0 / 0 }
    refusal { a = math.huge }
  end)

  it("writes whole numbers beyond 2^53 in digits, as far as the Lua has them", function()
    assert.equal("a=9007199254740992", encode { a = 2 ^ 53 })
  end)

  it("refuses a table by name as a value, instead of leaving it out", function()
    refusal { a = { x = 1 } }
  end)

  it("refuses names beside a list of pairs, instead of leaving them out", function()
    refusal { { "a", 1 }, b = 2 }
  end)

  it("refuses a pair without a value, instead of leaving it out", function()
    refusal { { "a" }, { "b", 1 } }
  end)

  it("blames the caller for a list with something else than pairs", function()
    refusal { { "a", 1 }, 5 }
  end)
end)
