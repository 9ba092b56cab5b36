local nearest = require "curlew.nearest"

local function set(...)
  local known = {}
  for _, word in ipairs { ... } do
    known[word] = true
  end
  return known
end

describe("nearest.find", function()
  local OPTIONS = set("timeout", "headers", "max_body", "max_speed", "http", "ip", "json", "verify")

  it("finds a word with a letter too few, too many, wrong, or two exchanged", function()
    assert.equal("timeout", nearest.find("timout", OPTIONS))
    assert.equal("timeout", nearest.find("timeoout", OPTIONS))
    assert.equal("timeout", nearest.find("timeaut", OPTIONS))
    assert.equal("timeout", nearest.find("tiemout", OPTIONS))
    assert.equal("headers", nearest.find("header", OPTIONS))
  end)

  it("does not mind the case", function()
    assert.equal("timeout", nearest.find("TimeOut", OPTIONS))
    assert.equal("max_body", nearest.find("MAX_BODY", OPTIONS))
  end)

  it("finds the word itself", function()
    for word in pairs(OPTIONS) do
      assert.equal(word, nearest.find(word, OPTIONS))
    end
  end)

  it("finds short words only when one letter differs", function()
    assert.equal("ip", nearest.find("i", OPTIONS))
    assert.equal("ip", nearest.find("ipp", OPTIONS))
    assert.is_nil(nearest.find("xy", OPTIONS))
    assert.equal("http", nearest.find("htp", OPTIONS))
  end)

  it("finds nothing when nothing is near", function()
    assert.is_nil(nearest.find("colour", OPTIONS))
    assert.is_nil(nearest.find("", OPTIONS))
    assert.is_nil(nearest.find("\255\0\n", OPTIONS))
    assert.is_nil(nearest.find("timeout", {}))
  end)

  it("takes the first in the alphabet of two that are as near", function()
    for _ = 1, 20 do
      assert.equal("bat", nearest.find("at", set("cat", "bat", "hat", "eat")))
    end
  end)

  it("prefers the nearer of two", function()
    assert.equal("max_body", nearest.find("max_bod", set("max_body", "max_bo_y_")))
  end)

  it("counts bytes, so also words that are not ASCII", function()
    assert.is_nil(nearest.find("cafe", set("caf\195\169")))
    local word = "na\195\175vet\195\169"
    assert.equal(word, nearest.find("na\195\175vet", set(word)))
  end)

  it("does not compute for seconds over a word that is long", function()
    local start = os.clock()
    assert.is_nil(nearest.find(("x"):rep(100000), OPTIONS))
    assert.is_true(os.clock() - start < 0.05)
  end)
end)
