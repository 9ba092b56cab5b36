local events = require "curlew.events"

local BOM = "\239\187\191"

-- The events of a stream that comes in the given pieces, and the parser.
local function parse(pieces, largest)
  local parser, all = events.parser(largest), {}
  for _, piece in ipairs(pieces) do
    local complete, problem = parser:feed(piece)
    if not complete then
      return nil, problem
    end
    for _, event in ipairs(complete) do
      all[#all + 1] = event
    end
  end
  return all, parser
end

-- The data of the events of a stream, each in brackets.
local function data_of(...)
  local texts = {}
  for i, event in ipairs((parse { ... })) do
    texts[i] = "[" .. event.data .. "]"
  end
  return table.concat(texts)
end

local function bytes_of(text)
  local pieces = {}
  for i = 1, #text do
    pieces[i] = text:sub(i, i)
  end
  return pieces
end

local function message(data, id)
  return { type = "message", data = data, id = id or "" }
end

describe("an event", function()
  it("is a message unless it is named", function()
    assert.same({ message("a"), { type = "add", data = "b", id = "" }, message("c") },
      (parse { "data: a\n\nevent: add\ndata: b\n\ndata: c\n\n" }))
  end)

  it("is a message when its name is empty", function()
    assert.same({ message("a") }, (parse { "event: add\nevent\ndata: a\n\n" }))
  end)

  it("has the last of several names", function()
    assert.equal("b", parse({ "event: a\ndata\nevent: b\n\n" })[1].type)
  end)

  it("has its lines of data joined by LF", function()
    assert.equal("[YHOO\n+2\n10]", data_of("data: YHOO\ndata: +2\ndata: 10\n\n"))
  end)

  it("has empty data when a line says so (the examples of the standard)", function()
    assert.equal("[][\n]", data_of("data\n\ndata\ndata\n\ndata:"))
    assert.equal("[test][test]", data_of("data:test\n\ndata: test\n\n"))
  end)

  it("keeps empty lines of data at both ends", function()
    assert.equal("[\n\na\n\n]", data_of("data\ndata:\ndata:a\ndata: \ndata\n\n"))
  end)

  it("loses one space after the colon, and no more", function()
    assert.equal("[ a ][\ta][a:b: c][ ]", data_of("data:  a \n\ndata:\ta\n\ndata: a:b: c\n\n"
      .. "data:  \n\n"))
  end)

  it("without data is none, and its name does not go to the next", function()
    assert.same({ message("b") }, (parse { "event: add\n\ndata: b\n\n\n\n" }))
  end)

  it("that no blank line ends is dropped", function()
    assert.equal("[a]", data_of("data: a\n\ndata: b\n"))
    assert.equal("[a]", data_of("data: a\n\ndata: b"))
  end)

  it("comes with its blank line, which needs nothing after it", function()
    for _, ending in ipairs { "\n", "\r", "\r\n" } do
      local parser = events.parser()
      assert.same({}, parser:feed("data: a" .. ending))
      assert.same({ message("a") }, parser:feed(ending))
      assert.same({}, parser:feed(ending))
    end
  end)

  it("may have thousands of lines", function()
    for _, count in ipairs { 255, 256, 257, 512, 513, 3000 } do
      local data = {}
      for i = 1, count do
        data[i] = i % 3 == 0 and "" or tostring(i)
      end
      local expected = table.concat(data, "\n")
      local stream = "data:" .. expected:gsub("\n", "\ndata:") .. "\n\n"
      assert.same({ message(expected), message("x") }, (parse { stream, "data:x\n\n" }))
    end
  end)
end)

describe("a line of a stream of events", function()
  it("ends with LF, CR or CRLF", function()
    assert.equal("[a\nb\nc][d]", data_of("data:a\ndata:b\rdata:c\r\n\r\ndata:d\r\r"))
    assert.equal("[a][b]", data_of("data:a\n\rdata:b\r\n\n"))
  end)

  it("ends once with a CRLF that comes in two pieces", function()
    assert.equal("[a\nb]", data_of("data:a\r", "\ndata:b\r", "", "\n\r", "\n"))
    assert.equal("[a\nb]", data_of("data:a\r", "", "", "\ndata:b\n\n"))
  end)

  it("ends twice with CR and CR, and with LF and CR", function()
    assert.equal("[a][b]", data_of("data:a\r", "\rdata:b\n", "\r"))
    assert.equal("[a]", data_of("data:a\r\n", "\n"))
  end)

  it("is a comment when it starts with a colon", function()
    assert.equal("[a\nb]", data_of(":\n: hi\ndata:a\n:data:x\ndata:b\n\n"))
    assert.equal("", data_of(": one\n\n:\n\n"))
  end)

  it("is the name of a field when it has no colon", function()
    assert.equal("[]", data_of("data x\ndata\ndata y: z\n\n"))
  end)

  it("says nothing when its field is unknown, or has blanks or other letters", function()
    assert.equal("[a]", data_of("datum: x\n data: x\ndata : x\nData: x\nDATA: x\n__index: x\n"
      .. "type: x\nlast_event_id: x\n\0data: x\ndata:a\n\n"))
  end)

  it("keeps NUL, and bytes that are not UTF-8", function()
    assert.equal("[\0a\255\195]", data_of("data:\0a\255\195\n\n"))
  end)
end)

describe("the mark of byte order", function()
  it("is dropped at the start, in however many pieces it comes", function()
    local stream = BOM .. "data: a\n\n"
    for at = 0, #stream do
      assert.equal("[a]", data_of(stream:sub(1, at), stream:sub(at + 1)))
    end
    assert.equal("[a]", data_of("", "\239", "", "\187", "\191", "", "data: a\n\n"))
  end)

  it("is dropped once, and nowhere else", function()
    assert.equal("", data_of(BOM .. BOM .. "data: a\n\n"))
    assert.equal("", data_of("\n" .. BOM .. "data: a\n\n"))
    assert.equal("[b]", data_of("data: b\n\n" .. BOM .. "data: a\n\n"))
    assert.equal("[" .. BOM .. "]", data_of("data:" .. BOM .. "\n\n"))
  end)

  it("is not there when only its first bytes are", function()
    for _, start in ipairs { "\239", "\239\187" } do
      assert.equal("", data_of(start .. "data: a\n\n"))
      assert.equal("", data_of(start, "data: a\n\n"))
      assert.equal("[a]", data_of(start, "\ndata: a\n\n"))
    end
  end)
end)

describe("the id", function()
  it("stays for the events after it, until there is another", function()
    assert.same({ message("a"), message("b", "1"), message("c", "1"), message("d", "x y") },
      (parse { "data:a\n\nid: 1\ndata:b\n\ndata:c\n\nid:x y\ndata:d\n\n" }))
  end)

  it("is taken back by an empty one", function()
    for _, line in ipairs { "id", "id:", "id: " } do
      local all, parser = parse { "id: 1\ndata:a\n\n" .. line .. "\ndata:b\n\n" }
      assert.same({ message("a", "1"), message("b") }, all)
      assert.equal("", parser.last_event_id)
    end
  end)

  it("is ignored when it has a NUL", function()
    local all, parser = parse { "id: 1\ndata:a\n\nid: 2\0\ndata:b\n\nid:\0\n\n" }
    assert.same({ message("a", "1"), message("b", "1") }, all)
    assert.equal("1", parser.last_event_id)
  end)

  it("counts without an event, too", function()
    local all, parser = parse { "id: 7\n\n" }
    assert.same({}, all)
    assert.equal("7", parser.last_event_id)
    assert.same({ message("a", "7") }, parser:feed("data:a\n\n"))
  end)

  it("counts from the blank line on: what was cut off has to be sent again", function()
    local _, parser = parse { "id: 1\ndata:a\n\nid: 2\ndata:b\n" }
    assert.equal("1", parser.last_event_id)
    parser:feed("\n")
    assert.equal("2", parser.last_event_id)
  end)

  it("is empty at first, or what the stream before has left", function()
    local parser = events.parser()
    assert.equal("", parser.last_event_id)
    parser.last_event_id = "5"
    assert.same({ message("a", "5"), message("b", "6") },
      parser:feed("data:a\n\nid:6\ndata:b\n\n"))
  end)
end)

describe("the time to wait before connecting again", function()
  it("is unknown until it is said, in milliseconds", function()
    local parser = events.parser()
    assert.is_nil(parser.retry)
    parser:feed("retry: 2500\n")
    assert.equal(2500, parser.retry)
    parser:feed("retry:0\n\n")
    assert.equal(0, parser.retry)
    parser:feed("retry: 0100\r")
    assert.equal(100, parser.retry)
  end)

  it("is said in ASCII digits and nothing else", function()
    for _, value in ipairs {
      "", " ", "-1", "+1", "1.5", "1e3", "0x10", " 10", "10 ", "10ms", "\217\161", "1\0", "nan",
    } do
      local _, parser = parse { "retry: 7\nretry: " .. value .. "\n\n" }
      assert.equal(7, parser.retry)
    end
    assert.equal(7, select(2, parse { "retry: 7\nretry\n\n" }).retry)
  end)

  it("is a number, however many digits it has", function()
    local _, parser = parse { "retry: " .. ("9"):rep(500) .. "\n" }
    assert.equal("number", type(parser.retry))
    assert.is_true(parser.retry > 1e15)
  end)
end)

describe("a stream of events", function()
  local STREAM = BOM .. ": hello\r\nretry: 10\nevent: \195\169\226\130\172\r"
    .. "data: \240\159\152\128\r\ndata\rdata: x \rid: 1\r\n\r\n"
    .. "id\ndata\n\nevent: y\n\ndata:z\r\rid:2\rdata: cut off\r\n"
  local EXPECTED = {
    { type = "\195\169\226\130\172", data = "\240\159\152\128\n\nx ", id = "1" },
    message(""),
    message("z"),
  }

  it("gives the same for every way to split it in two", function()
    for at = 0, #STREAM do
      local all, parser = parse { STREAM:sub(1, at), STREAM:sub(at + 1) }
      assert.same(EXPECTED, all)
      assert.equal(10, parser.retry)
      assert.equal("", parser.last_event_id)
    end
  end)

  it("gives the same byte by byte, and with empty pieces in between", function()
    local pieces = { "" }
    for i = 1, #STREAM do
      pieces[2 * i], pieces[2 * i + 1] = STREAM:sub(i, i), ""
    end
    assert.same(EXPECTED, (parse(bytes_of(STREAM))))
    assert.same(EXPECTED, (parse(pieces)))
  end)

  it("gives the same for every way to split it in three", function()
    local stream = BOM .. "id:1\r\ndata:a\r\r\n\ndata\n\r"
    for first = 0, #stream do
      for second = first, #stream do
        assert.same({ message("a", "1"), message("", "1") }, (parse {
          stream:sub(1, first), stream:sub(first + 1, second), stream:sub(second + 1),
        }))
      end
    end
  end)

  it("takes a long line byte by byte in linear time", function()
    local parser, start = events.parser(), os.clock()
    parser:feed("data:")
    for _ = 1, 500000 do
      parser:feed("x")
    end
    assert.equal(500000, #parser:feed("\n\n")[1].data)
    assert.is_true(os.clock() - start < 5)
  end)

  it("takes an event of many lines in linear time", function()
    local start = os.clock()
    assert.equal(799999, #parse({ ("data:abc\n"):rep(200000) .. "\n" })[1].data)
    assert.is_true(os.clock() - start < 5)
  end)
end)

describe("the limit of an event", function()
  local function refuses(stream, largest)
    for _, pieces in ipairs { { stream }, bytes_of(stream) } do
      local all, problem = parse(pieces, largest)
      assert.is_nil(all)
      assert.equal(("an event is larger than %d bytes"):format(largest), problem)
    end
  end

  local function takes(stream, largest)
    for _, pieces in ipairs { { stream }, bytes_of(stream) } do
      assert.is_table((parse(pieces, largest)))
    end
  end

  it("is about the line under way", function()
    takes("data:abcde\n\n", 10)
    refuses("data:abcdef\n\n", 10)
    refuses("data:abcdef", 10)
    refuses(":abcdefghij", 10)
  end)

  it("is about the data that has come, with an LF for each line", function()
    takes("data:abc\ndata:d\n\n", 10)
    refuses("data:abc\ndata:de\n\n", 10)
    takes(("data\n"):rep(7) .. "\n", 10)
    refuses(("data\n"):rep(8), 10)
  end)

  it("is about the name and the id, but only those that stay", function()
    refuses("event:abc\ndata:abc\n", 10)
    refuses("id:abcd\ndata:ab\n", 10)
    takes("event:abc\nevent:d\ndata:abc\n", 10)
    takes("id:abcd\nid:a\nid:b\ndata:abc\n", 10)
  end)

  it("is not about comments, fields that are unknown, and repeated ones", function()
    takes((":abcdef\nx:abcdef\nretry:10\nevent:a\nid:a\n"):rep(100), 11)
  end)

  it("starts anew with each event", function()
    takes(("data:abcde\n\n"):rep(100) .. ("id:abcde\r\r"):rep(100), 10)
  end)

  it("is 16 MiB unless it is said otherwise", function()
    local parser, mebibyte = events.parser(), ("x"):rep(1024 * 1024)
    for _ = 1, 16 do
      assert.same({}, parser:feed(mebibyte))
    end
    local all, problem = parser:feed("x")
    assert.is_nil(all)
    assert.equal("an event is larger than 16777216 bytes", problem)
  end)

  it("ends the stream: no event comes after it", function()
    local parser = events.parser(10)
    assert.is_nil(parser:feed("data:abcdef"))
    local all, problem = parser:feed("\n\ndata:a\n\n")
    assert.is_nil(all)
    assert.equal("an event is larger than 10 bytes", problem)
  end)
end)
