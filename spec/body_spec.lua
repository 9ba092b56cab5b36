local core_client = require "support.core_client"
local server = require "support.server"

local LENGTHS = { 0, 1, 2, 1023, 1024, 1025, 65535, 65536, 65537, 1048576, 1048577, 3000001 }

-- A text of this length in which a shift, a gap or a repetition shows.
local function pattern(length)
  local parts, size, i = {}, 0, 0
  while size < length do
    i = i + 1
    parts[i] = ("%d\0\r\n\255,"):format(i)
    size = size + #parts[i]
  end
  return table.concat(parts):sub(1, length)
end

describe("bodies", function()
  local client, site, answer

  before_each(function()
    client = core_client.new()
    site = server.new(function(conn, request)
      answer(conn, request)
    end)
  end)

  after_each(function()
    client:close()
    site:close()
    site:check()
  end)

  local function with_length(body)
    return function(conn)
      conn:send(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(#body) .. body)
    end
  end

  local function chunked(body, size)
    return function(conn)
      conn:respond_chunked()
      for from = 1, #body, size do
        local piece = body:sub(from, from + size - 1)
        conn:send(("%x\r\n"):format(#piece) .. piece .. "\r\n")
      end
      conn:chunk()
    end
  end

  local function until_close(body)
    return function(conn)
      conn:send("HTTP/1.1 200 OK\r\n\r\n" .. body)
      conn:close()
    end
  end

  it("come back byte for byte, with a length, in chunks or up to the end #valgrind", function()
    for _, length in ipairs(LENGTHS) do
      local body = pattern(length)
      for _, way in ipairs { with_length(body), chunked(body, 7001), until_close(body) } do
        answer = way
        local outcome = client:get(site.url)
        assert.equal(0, outcome.result)
        assert.equal(length, #outcome.body)
        assert.is_true(outcome.body == body)
      end
    end
  end)

  it("may come in chunks of one byte, and with chunk extensions", function()
    answer = chunked(pattern(300), 1)
    assert.equal(pattern(300), client:get(site.url).body)
    answer = function(conn)
      conn:send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n00\r\n\r\n")
    end
    assert.equal("abc", client:get(site.url).body)
  end)

  it("of one transfer leave nothing in the next", function()
    answer = with_length(pattern(5000))
    client:get(site.url)
    answer = with_length("short")
    assert.equal("short", client:get(site.url).body)
    answer = with_length("")
    assert.equal("", client:get(site.url).body)
  end)

  it("are taken up to the limit, and refused one byte above it", function()
    for _, length in ipairs { 1, 1000, 65536, 100000 } do
      local body = pattern(length)
      for _, way in ipairs { with_length(body), chunked(body, 999), until_close(body) } do
        answer = way
        assert.is_true(client:get(site.url, { max_body = length }).body == body)
        local outcome = client:get(site.url, { max_body = length - 1 })
        assert.equal("body_too_large", outcome.verdict)
        assert.not_equal(0, outcome.result)
        assert.is_nil(outcome.body)
      end
    end
  end)

  it("may be empty under a limit of nothing", function()
    answer = with_length("")
    assert.equal(0, client:get(site.url, { max_body = 0 }).result)
    answer = with_length("x")
    assert.equal("body_too_large", client:get(site.url, { max_body = 0 }).verdict)
  end)

  it("are not believed to be as long as they are announced", function()
    answer = function(conn)
      conn:send("HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000\r\n\r\nabc")
      conn:close()
    end
    local before = collectgarbage("count")
    local outcome = client:get(site.url)
    assert.equal(18, outcome.result)
    assert.equal("abc", outcome.body)
    assert.is_true(collectgarbage("count") < before + 10000)
  end)

  it("cut short fail, however they were announced", function()
    answer = function(conn)
      conn:send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
      conn:close()
    end
    assert.equal(18, client:get(site.url).result)
    answer = function(conn)
      conn:respond_chunked()
      conn:send("5\r\nabc")
      conn:close()
    end
    assert.equal(18, client:get(site.url).result)
    answer = function(conn)
      conn:respond_chunked()
      conn:chunk("abc")
      conn:close()
    end
    assert.equal(18, client:get(site.url).result)
  end)

  it("end where their length says, whatever follows", function()
    answer = function(conn)
      conn:send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdefgh")
    end
    local outcome = client:get(site.url)
    assert.equal(0, outcome.result)
    assert.equal("abc", outcome.body)
    answer = with_length("next")
    assert.equal("next", client:get(site.url).body)
  end)

  it("of requests are sent byte for byte #valgrind", function()
    answer = with_length("")
    for _, length in ipairs(LENGTHS) do
      local body = pattern(length)
      client:get(site.url, { body = body, POST = true })
      local request = site:last()
      assert.equal("POST", request.method)
      assert.equal(tostring(length), request.headers["content-length"])
      assert.is_true(request.body == body)
    end
  end)

  it("of requests are copied: the string may be collected meanwhile", function()
    answer = with_length("")
    local ids = {}
    for i = 1, 20 do
      ids[i] = client:start { url = site.url, POST = true, body = ("%d "):format(i):rep(50000) }
    end
    collectgarbage()
    collectgarbage()
    for i = 1, 20 do
      client:finish(ids[i])
    end
    local seen = {}
    for _, request in ipairs(site.requests) do
      local number = request.body:match("^%d+")
      assert.is_true(request.body == (number .. " "):rep(50000))
      seen[number] = true
    end
    for i = 1, 20 do
      assert.is_true(seen[tostring(i)])
    end
  end)

  it("of requests of one transfer are not sent by the next", function()
    answer = with_length("")
    client:get(site.url, { POST = true, body = "first" })
    client:get(site.url)
    assert.equal("GET", site.requests[2].method)
    assert.equal("", site.requests[2].body)
    assert.is_nil(site.requests[2].headers["content-length"])
  end)
end)
