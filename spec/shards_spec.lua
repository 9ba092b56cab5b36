local shards = require "curlew.shards"

describe("shards", function()
  it("give each version of HTTP its own multi handles, the same each time", function()
    local numbers = shards.new()
    assert.equal(0, numbers:number("auto", 0))
    assert.equal(1, numbers:number("1.1", 0))
    assert.equal(2, numbers:number("auto", 1))
    assert.equal(0, numbers:number("auto", 0))
    assert.equal(1, numbers:number("1.1", 0))
    assert.equal(2, numbers:number("auto", 1))
  end)

  it("are 64 at most, of which no two versions have the same", function()
    local numbers, owners = shards.new(), {}
    for _, http in ipairs { "auto", "1.1", "2", "2-prior-knowledge", "3" } do
      for shard = 0, 99 do
        local number = numbers:number(http, shard)
        assert.is_true(number < 64)
        assert.equal(owners[number] or http, http)
        owners[number] = http
      end
    end
  end)
end)
