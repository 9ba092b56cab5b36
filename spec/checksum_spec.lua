local blamed = require "support.blamed"
local checksum = require "curlew.checksum"
local curl = require "curlew.curl"

local SUMS = { -- of "abc": RFC 1321, FIPS 180-4
  md5 = "900150983cd24fb0d6963f7d28e17f72",
  sha1 = "a9993e364706816aba3e25717850c26c9cd0d89d",
  sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  sha512 = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    .. "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
}

describe("checksums", function()
  it("are taken of bytes as they come", function()
    local sums = checksum.sums { "md5", "sha1", "sha256", "sha512" }
    sums:update("a")
    sums:update("")
    sums:update("bc")
    assert.same(SUMS, sums:finish())
    assert.same(SUMS, sums:finish())
  end)

  it("leave out what is not known here", function()
    assert.is_true(checksum.can("sha256"))
    assert.is_false(checksum.can("crc32"))
    assert.same({}, checksum.sums({ "crc32" }):finish())
    local digest = curl.digest
    curl.digest = nil
    local can, sums = checksum.can("sha256"), checksum.sums { "sha256" }
    curl.digest = digest
    sums:update("abc")
    assert.is_false(can)
    assert.same({}, sums:finish())
  end)

  it("are written as algorithm and digits, in whatever case", function()
    for algorithm, sum in pairs(SUMS) do
      local wanted = { algorithm = algorithm, sum = sum }
      assert.same(wanted, checksum.check("checksum", algorithm .. ":" .. sum))
      assert.same(wanted, checksum.check("checksum", (algorithm .. ":" .. sum):upper()))
    end
  end)

  it("blame the caller for others", function()
    for _, wrong in ipairs {
      "sha256=" .. SUMS.sha256, SUMS.sha256, "sha256:", "sha256", "sha3:" .. SUMS.sha256, "", 5,
      true, "sha256:" .. SUMS.sha256:gsub("b", "g"),
    } do
      assert.matches('option "checksum" must be such as "sha256:..."',
        blamed(function()
          checksum.check("checksum", wrong)
        end), 1, true)
    end
    assert.matches("a sum of sha1 has 40 hexadecimal digits, got 32",
      blamed(function()
        checksum.check("checksum", "sha1:" .. SUMS.md5)
      end), 1, true)
  end)
end)
