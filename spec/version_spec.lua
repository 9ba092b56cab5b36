local version = require "curlew.version"

describe("the version", function()
  it("is a semantic version (semver.org)", function()
    local core, rest = version:match("^(%d+%.%d+%.%d+)(.*)$")
    assert.is_not_nil(core)
    assert.is_true(rest == "" or rest:find("^%-[%w.-]+$") ~= nil)
    for part in core:gmatch("%d+") do
      assert.is_nil(part:match("^0%d"))
    end
  end)

  it("can stand in a User-Agent as a token (RFC 9110 section 10.1.5)", function()
    assert.is_not_nil(version:find("^[%w!#$%%&'*+%-.^_`|~]+$"))
  end)

  it("is what curlew says of itself", function()
    local curlew = require "curlew"
    assert.equal(version, curlew.version)
    assert.equal(version, curlew.features().version)
  end)
end)
