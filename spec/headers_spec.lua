local headers = require "curlew.headers"

local function pairs_of(fields)
  local list = {}
  for name, value in fields:each() do
    list[#list + 1] = { name, value }
  end
  return list
end

describe("headers", function()
  local HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nSet-Cookie: a=1\r\nX-Empty:\r\n"
    .. "set-cookie: b=2, c\r\n\r\n"

  it("are found whatever the case of the name", function()
    local fields = headers.parse(HEAD)
    for _, name in ipairs { "content-type", "Content-Type", "CONTENT-TYPE" } do
      assert.equal("text/html", fields[name])
      assert.same({ "text/html" }, fields:all(name))
    end
  end)

  it("join repeated fields by a comma, and keep them apart in all()", function()
    local fields = headers.parse(HEAD)
    assert.equal("a=1, b=2, c", fields["Set-Cookie"])
    assert.same({ "a=1", "b=2, c" }, fields:all("SET-COOKIE"))
  end)

  it("tell an empty field from one that is missing", function()
    local fields = headers.parse(HEAD)
    assert.equal("", fields["x-empty"])
    assert.is_nil(fields["x-missing"])
    assert.same({}, fields:all("x-missing"))
  end)

  it("come in the order and the case in which they were sent", function()
    assert.same({
      { "Content-Type", "text/html" },
      { "Set-Cookie", "a=1" },
      { "X-Empty", "" },
      { "set-cookie", "b=2, c" },
    }, pairs_of(headers.parse(HEAD)))
  end)

  it("can be walked twice, and by two loops at once", function()
    local fields = headers.parse("A: 1\r\nB: 2\r\n")
    local seen = {}
    for outer in fields:each() do
      for inner in fields:each() do
        seen[#seen + 1] = outer .. inner
      end
    end
    assert.same({ "AA", "AB", "BA", "BB" }, seen)
  end)

  it("take pairs() where the Lua has __pairs", function()
    local honoured = false
    pairs(setmetatable({}, { __pairs = function()
      honoured = true
      return next, {}
    end }))
    if honoured then
      local seen = {}
      for name, value in pairs(headers.parse(HEAD)) do
        seen[#seen + 1] = name .. "=" .. value
      end
      assert.same({ "Content-Type=text/html", "Set-Cookie=a=1", "X-Empty=", "set-cookie=b=2, c" },
        seen)
    end
  end)

  it("pass over the status line, also when its reason has a colon", function()
    assert.same({ { "A", "b" } }, pairs_of(headers.parse("HTTP/1.1 200 Fine: really\r\nA: b\r\n")))
  end)

  it("drop the blanks around a value, and keep those within (RFC 9110 section 5.5)", function()
    local fields = headers.parse("A: \t  x  y \t \r\nB:z\r\n")
    assert.equal("x  y", fields.a)
    assert.equal("z", fields.b)
  end)

  it("keep colons, quotes and bytes that are not ASCII in a value", function()
    local fields = headers.parse("A: \"x:y\": \195\169\255\r\n")
    assert.equal("\"x:y\": \195\169\255", fields.a)
  end)

  it("join a folded line by one space (RFC 9112 section 5.2)", function()
    local fields = headers.parse("A: one\r\n \t two\r\n\tthree\r\nB: c\r\n")
    assert.equal("one two three", fields.a)
    assert.equal("c", fields.b)
  end)

  it("survive a folded line without a field in front of it", function()
    assert.same({ { "A", "b" } }, pairs_of(headers.parse("HTTP/1.1 200 OK\r\n folded\r\nA: b\r\n")))
  end)

  it("leave out lines without a name or a colon", function()
    assert.same({ { "A", "1" } }, pairs_of(headers.parse(": x\r\nnonsense\r\nA: 1\r\n")))
  end)

  it("understand lines that end with LF alone", function()
    assert.same({ { "A", "1" }, { "B", "2" } }, pairs_of(headers.parse("A: 1\nB: 2\n\n")))
  end)

  it("are empty for an empty block", function()
    assert.same({}, pairs_of(headers.parse("")))
    assert.equal("", tostring(headers.parse("")))
  end)

  it("cannot be changed, and say so at the caller's line", function()
    local fields = headers.parse(HEAD)
    local function change()
      fields.accept = "x"
    end
    local ok, message = pcall(change)
    assert.is_false(ok)
    local info = debug.getinfo(change, "S")
    assert.equal(("%s:%d: the headers of a response cannot be changed")
      :format(info.short_src, info.linedefined + 1), message)
  end)

  it("answer nil to keys that are no strings", function()
    local fields = headers.parse(HEAD)
    assert.is_nil(fields[1])
    assert.is_nil(fields[true])
    assert.is_nil(fields[fields])
  end)

  it("read as their lines", function()
    assert.equal("A: 1\nB: 2", tostring(headers.parse("HTTP/1.1 200 OK\r\nA: 1\r\nB:  2\r\n\r\n")))
  end)

  it("hold thousands of fields", function()
    local lines = {}
    for i = 1, 5000 do
      lines[i] = ("X-%d: %d\r\n"):format(i, i)
    end
    local fields = headers.parse(table.concat(lines))
    assert.equal("5000", fields["x-5000"])
    assert.equal(5000, #pairs_of(fields))
  end)

  it("take a value of many blanks in a moment (a server could stop the program)", function()
    local start = os.clock()
    local fields = headers.parse("A: b" .. (" "):rep(20000) .. "c\r\n")
    assert.equal(20002, #fields.a)
    assert.is_true(os.clock() - start < 0.2)
  end)

  it("do not take a bare CR for the end of a line (RFC 9112 section 2.2)", function()
    local fields = headers.parse("A: x\rSet-Cookie: evil=1\r\n")
    assert.is_nil(fields["set-cookie"])
  end)

  it("drop the blanks that a folded empty line leaves at the end", function()
    assert.equal("b", headers.parse("A: b\r\n \r\n").a)
  end)

  it("blame the caller for a name that is no string", function()
    local fields = headers.parse(HEAD)
    local ok, message = pcall(function()
      fields:all(nil)
    end)
    assert.is_false(ok)
    assert.matches("headers_spec%.lua:%d+: ", message)
  end)
end)
