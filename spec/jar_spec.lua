local blamed = require "support.blamed"
local jar = require "curlew.jar"

local FULL = {
  name = "id",
  value = "a=b; c",
  domain = "example.org",
  path = "/app",
  secure = true,
  http_only = true,
  subdomains = true,
  expires = 2000000000,
}

local FULL_LINE = "#HttpOnly_.example.org\tTRUE\t/app\tTRUE\t2000000000\tid\ta=b; c"

describe("a line of the Netscape format", function()
  it("is read", function()
    assert.same(FULL, jar.parse(FULL_LINE))
    assert.same({
      name = "n", value = "v", domain = "host", path = "/", secure = false, http_only = false,
      subdomains = false,
    }, jar.parse("host\tFALSE\t/\tFALSE\t0\tn\tv"))
  end)

  it("may have an empty value, or one with tabs", function()
    assert.equal("", jar.parse("host\tFALSE\t/\tFALSE\t0\tn\t").value)
    assert.equal("a\tb", jar.parse("host\tFALSE\t/\tFALSE\t0\tn\ta\tb").value)
  end)

  it("is none with fewer than seven fields", function()
    for _, line in ipairs { "", "# a comment", "host\tFALSE\t/\tFALSE\t0\tn", "a b c d e f g" } do
      assert.is_nil(jar.parse(line))
    end
  end)

  it("is written", function()
    assert.equal(FULL_LINE, jar.format(FULL))
    assert.equal("host\tFALSE\t/\tFALSE\t0\tn\tv",
      jar.format { name = "n", value = "v", domain = "host" })
    assert.equal("host\tFALSE\t/\tFALSE\t0\tn\t",
      jar.format { name = "n", value = "", domain = "host" })
  end)

  it("has a time in whole seconds, however late", function()
    for expires, text in pairs { [1e10] = "10000000000", [1.6e9 + 0.2] = "1600000000" } do
      assert.matches("\t" .. text .. "\t",
        jar.format { name = "n", value = "v", domain = "host", expires = expires }, 1, true)
    end
  end)

  it("comes back as it was", function()
    assert.same(FULL, jar.parse(jar.format(FULL)))
  end)
end)

describe("a cookie that is no cookie", function()
  local function refusal(changes)
    local cookie = { name = "n", value = "v", domain = "host" }
    for field, value in pairs(changes) do
      cookie[field] = value
    end
    return blamed(function()
      jar.format(cookie)
    end)
  end

  it("is refused at the caller's line", function()
    for _, value in ipairs { "a=b", 5, true } do
      assert.matches("the cookie must be a table, got ", blamed(function()
        jar.format(value)
      end))
    end
    assert.equal("the cookie must be a table, got nothing", blamed(function()
      jar.format()
    end))
  end)

  it("needs its name, value and domain", function()
    for field, message in pairs {
      name = 'field "name" of the cookie must be a string, got nothing',
      value = 'field "value" of the cookie must be a string, got nothing',
      domain = 'field "domain" of the cookie must be a string, got nothing',
    } do
      assert.equal(message, blamed(function()
        local cookie = { name = "n", value = "v", domain = "host" }
        cookie[field] = nil
        jar.format(cookie)
      end))
    end
  end)

  it("has fields of the wrong type, or unknown ones", function()
    assert.matches('"secure" must be a boolean', refusal { secure = "yes" })
    assert.matches('"expires" must be a number', refusal { expires = "tomorrow" })
    assert.matches('"value" must be a string', refusal { value = 5 })
    assert.matches('unknown option "max_age"', refusal { max_age = 5 })
  end)

  it("has control characters, which would make other fields or lines of it", function()
    for _, field in ipairs { "name", "value", "domain", "path" } do
      for _, byte in ipairs { "\r", "\n", "\t", "\0", "\27", "\127", "\1" } do
        assert.equal(("field %q of the cookie must not contain control characters"):format(field),
          refusal { [field] = "a" .. byte .. "b" })
      end
    end
  end)

  it("has no name", function()
    assert.equal('field "name" of the cookie must not be empty', refusal { name = "" })
  end)

  it("has a domain that is none, or would make its line a comment", function()
    for _, domain in ipairs { "", ".", "..", "..host", "#host", ".#host" } do
      assert.equal('field "domain" of the cookie must be the name of a host',
        refusal { domain = domain })
    end
  end)

  it("has a path that does not start with a slash", function()
    for _, path in ipairs { "", "a/b", "TRUE" } do
      assert.equal('field "path" of the cookie must start with "/"', refusal { path = path })
    end
  end)

  it("has a time that is none", function()
    for _, expires in ipairs { math.huge, -math.huge, 0 / 0 } do
      assert.equal('field "expires" of the cookie must be a finite number',
        refusal { expires = expires })
    end
  end)
end)
