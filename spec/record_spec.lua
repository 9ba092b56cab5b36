local json = require "curlew.json"
local record = require "curlew.record"

describe("a record", function()
  local fields = {
    etag = '"a\\b"',
    name = "gr\195\188n, \"x\": 1\n}\0\127",
    size = 2 ^ 53,
    empty = "",
    zero = 0,
  }

  it("is read as it was written", function()
    assert.same(fields, record.decode(record.encode(fields)))
    assert.same({ a = "x" }, record.decode(record.encode { a = "x" }))
  end)

  it("is JSON", function()
    assert.same(fields, json.decode(record.encode(fields)))
  end)

  it("is nothing else, and never half of one", function()
    local text = record.encode(fields)
    for length = 0, #text - 1 do
      assert.is_nil(record.decode(text:sub(1, length)))
    end
    for _, other in ipairs {
      "{}", "[]", "{\n}\n", "{\n  \"a\": true\n}\n", "{\n  \"a\": {}\n}\n", "{\n  \"a\": -1\n}\n",
      "{\n\n}\n", text .. " ", '{\n  "a": "x" "y"\n}\n',
    } do
      assert.is_nil(record.decode(other), other)
    end
  end)
end)
