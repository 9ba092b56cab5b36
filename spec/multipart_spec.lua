local blamed = require "support.blamed"
local multipart = require "curlew.multipart"

local function check(given)
  return multipart.check("multipart", given)
end

describe("the parts of a form", function()
  it("are those of a list, in its order", function()
    assert.same({
      { name = "b", value = "1" },
      { name = "a", file = "/f", filename = "n", type = "text/plain" },
      { name = "b", value = "" },
    }, check {
      { name = "b", value = "1" },
      { name = "a", file = "/f", filename = "n", type = "text/plain" },
      { name = "b", value = "" },
    })
  end)

  it("are those of a table by name, in the order of the names", function()
    assert.same({
      { name = "a", value = "1" }, { name = "b", file = "/f" }, { name = "c", value = "3" },
    }, check { c = 3, a = "1", b = { file = "/f" } })
  end)

  it("may be given in both ways at once, those of the list first", function()
    assert.same({ { name = "z", value = "1" }, { name = "a", value = "2" } },
      check { { name = "z", value = "1" }, a = "2" })
  end)

  it("have numbers as text, the same on each Lua", function()
    assert.equal("3", check({ n = 3 })[1].value)
    assert.equal("3", check({ n = 3.0 })[1].value)
    assert.equal("0.5", check({ n = 0.5 })[1].value)
    assert.matches("multipart.n.value.* must be a finite number", blamed(function()
      check { n = 0 / 0 }
    end))
  end)

  it("keep any bytes in a value, and no line ends elsewhere", function()
    assert.equal("a\r\n\0b", check({ a = "a\r\n\0b" })[1].value)
    for _, field in ipairs { "file", "filename", "type" } do
      local message = blamed(function() check { { name = "a", value = "b", [field] = "x\ny" } } end)
      assert.matches(("multipart[1].%s"):format(field), message, 1, true)
    end
    assert.matches("name", blamed(function() check { { name = "a\0", value = "b" } } end))
  end)

  it("have headers as sorted lines", function()
    assert.same({ "X-A: 1", "X-B: 2", "X-B: 3" }, check {
      { name = "a", value = "v", headers = { ["X-B"] = { "2", "3" }, ["X-A"] = 1 } },
    }[1].headers)
    assert.matches("CR, LF", blamed(function()
      check { { name = "a", value = "v", headers = { ["X-B"] = "2\r\nX-C: 3" } } }
    end))
  end)

  it("leave what they were given as it was", function()
    local file = { file = "/f" }
    local given = { f = file }
    check(given)
    assert.same({ f = { file = "/f" } }, given)
    assert.is_true(given.f == file)
  end)

  it("are refused when they make no form", function()
    for _, case in ipairs {
      { "text", "must be a table" },
      { {}, "at least one part" },
      { { "text" }, '"multipart%[1%]" must be a table' },
      { { { value = "v" } }, "must have a name" },
      { { { name = "a" } }, "either a value or a file" },
      { { { name = "a", value = "v", file = "/f" } }, "either a value or a file" },
      { { a = {} }, '"multipart.a" must have' },
      { { a = true }, '"multipart.a.value" must be' },
      { { { name = "a", value = "v", vale = 1 } }, 'field .* "vale": did you mean "value"' },
      { { a = { 1 } }, "names are strings" },
    } do
      assert.matches(case[2], blamed(function() check(case[1]) end))
    end
  end)
end)
