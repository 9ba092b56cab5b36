local text = require "curlew.text"

describe("text.trim", function()
  it("takes spaces and tabs off both ends, and nothing else", function()
    for given, expected in pairs {
      [""] = "", [" "] = "", ["\t \t"] = "", ["a"] = "a", [" a b\t"] = "a b", ["\na\n"] = "\na\n",
    } do
      assert.equal(expected, text.trim(given))
    end
  end)
end)

describe("text.of_number", function()
  it("writes whole numbers without a point, on every Lua", function()
    for number, expected in pairs {
      [0] = "0", [-1] = "-1", [10 / 2] = "5", [1e15] = "1000000000000000",
      [2 ^ 53] = "9007199254740992", [1.5] = "1.5",
    } do
      assert.equal(expected, text.of_number("it", number))
    end
    assert.equal("0", text.of_number("it", -0.0))
  end)

  it("refuses what is no finite number, at the caller's line", function()
    for _, number in ipairs { 0 / 0, math.huge, -math.huge } do
      local ok, err = pcall(function()
        text.of_number("the size", number)
      end)
      assert.is_false(ok)
      assert.matches("text_spec.lua:%d+: the size must be a finite number, got ", err)
    end
  end)
end)
