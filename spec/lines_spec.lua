local lines = require "curlew.lines"

-- The lines of a stream that comes in the given pieces, the last one included.
local function split(pieces, longest)
  local splitter, all = lines.splitter(longest), {}
  for _, piece in ipairs(pieces) do
    local complete, problem = splitter:feed(piece)
    if not complete then
      return nil, problem
    end
    for _, line in ipairs(complete) do
      all[#all + 1] = line
    end
  end
  all[#all + 1] = splitter:finish()
  return all
end

local function bytes_of(text)
  local pieces = {}
  for i = 1, #text do
    pieces[i] = text:sub(i, i)
  end
  return pieces
end

describe("a splitter of lines", function()
  it("returns lines without their ends, LF or CRLF", function()
    assert.same({ "a", "b", "c" }, split { "a\nb\r\nc\n" })
  end)

  it("keeps empty lines", function()
    assert.same({ "", "", "a", "", "" }, split { "\n\r\na\n\n\r\n" })
  end)

  it("returns the last line from finish, when no end follows it", function()
    local splitter = lines.splitter()
    assert.same({ "a" }, splitter:feed("a\nb"))
    assert.equal("b", splitter:finish())
    assert.is_nil(splitter:finish())
  end)

  it("has no last line after an end, nor in an empty stream", function()
    assert.same({ "a" }, split { "a\n" })
    assert.same({}, split {})
    assert.same({}, split { "", "" })
  end)

  it("returns each line as soon as its end has come", function()
    local splitter = lines.splitter()
    assert.same({}, splitter:feed("a"))
    assert.same({}, splitter:feed("b"))
    assert.same({ "abc", "d" }, splitter:feed("c\nd\ne"))
    assert.same({}, splitter:feed(""))
    assert.same({ "e" }, splitter:feed("\n"))
  end)

  it("takes a CR without LF for a part of the line", function()
    assert.same({ "a\rb", "\rc", "d\r" }, split { "a\rb\n\rc\nd\r\r\n" })
    assert.same({ "a\r" }, split { "a\r" })
    assert.same({ "a\r", "b" }, split { "a\r\r", "\nb" })
  end)

  it("knows CRLF when CR and LF come in different pieces", function()
    assert.same({ "a", "b" }, split { "a\r", "\nb\r", "", "\n" })
    assert.same({ "a", "" }, split { "a\r\n\r", "\n" })
  end)

  it("gives the same for every way to split a stream in two, and byte by byte", function()
    local stream = "one\r\ntwo\rtwo\n\n\r\n\195\169\0\255\r\r\n \t\nlast\r"
    local expected = { "one", "two\rtwo", "", "", "\195\169\0\255\r", " \t", "last\r" }
    for at = 0, #stream do
      assert.same(expected, split { stream:sub(1, at), stream:sub(at + 1) })
    end
    assert.same(expected, split(bytes_of(stream)))
  end)

  it("takes a line of just the longest length, whatever its end", function()
    for _, ending in ipairs { "\n", "\r\n", "" } do
      local stream = "abcd" .. ending
      assert.same({ "abcd" }, split({ stream }, 4))
      assert.same({ "abcd" }, split(bytes_of(stream), 4))
    end
    assert.same({ "", "" }, split({ "\n\r\n" }, 0))
  end)

  it("refuses a longer one, however it comes", function()
    for _, ending in ipairs { "\n", "\r\n", "\r\r\n", "" } do
      local stream = "ab\nabcde" .. ending
      for at = 0, #stream do
        local all, problem = split({ stream:sub(1, at), stream:sub(at + 1) }, 4)
        assert.is_nil(all)
        assert.equal("a line is longer than 4 bytes", problem)
      end
    end
    assert.is_nil(split({ "abcd\r\r\n" }, 4))
    assert.is_nil(split({ "abcd\r", "x" }, 4))
  end)

  it("refuses a last line that only the LF would have made short enough", function()
    local splitter = lines.splitter(4)
    assert.same({}, splitter:feed("abcd\r"))
    local line, problem = splitter:finish()
    assert.is_nil(line)
    assert.equal("a line is longer than 4 bytes", problem)
  end)

  it("goes on refusing once it has", function()
    local splitter = lines.splitter(4)
    assert.is_nil(splitter:feed("abcde"))
    local all, problem = splitter:feed("\na\n")
    assert.is_nil(all)
    assert.equal("a line is longer than 4 bytes", problem)
    assert.is_nil(splitter:finish())
  end)

  it("takes lines of 16 MiB unless it is told otherwise", function()
    local splitter, mebibyte = lines.splitter(), ("x"):rep(1024 * 1024)
    for _ = 1, 16 do
      assert.same({}, splitter:feed(mebibyte))
    end
    local all, problem = splitter:feed("x")
    assert.is_nil(all)
    assert.equal("a line is longer than 16777216 bytes", problem)
  end)

  it("has no limit for all lines together", function()
    assert.equal(1000, #split({ ("abcd\n"):rep(1000) }, 4))
  end)

  it("takes a long line byte by byte in linear time", function()
    local splitter, start = lines.splitter(), os.clock()
    for _ = 1, 500000 do
      splitter:feed("x")
    end
    assert.equal(500000, #splitter:feed("\n")[1])
    assert.is_true(os.clock() - start < 5)
  end)

  it("takes a line of many CRs in linear time", function()
    local start = os.clock()
    assert.same({ ("\r"):rep(500000) }, split { ("\r"):rep(500001) .. "\n" })
    assert.is_true(os.clock() - start < 1)
  end)
end)
