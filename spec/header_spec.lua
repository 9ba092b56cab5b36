local core_client = require "support.core_client"
local server = require "support.server"

describe("response heads", function()
  local client, site, script

  -- Every connection gets the pieces of `script`, each in a packet of its own, once a request came.
  before_each(function()
    client = core_client.new()
    site = server.new(function(conn)
      local index = 0
      local function send()
        index = index + 1
        local piece = script[index]
        if piece == nil then
          conn:finish()
        elseif conn:send(piece) then
          conn:after(0.001, send)
        end
      end
      if not conn.data.served then
        conn.data.served = true
        send()
      end
    end, { raw = true })
  end)

  after_each(function()
    client:close()
    site:close()
    site:check()
  end)

  local function get(given, ...)
    script = { ... }
    return client:get(site.url, given)
  end

  local function refused(verdict, ...)
    local outcome = get({}, ...)
    assert.equal(verdict, outcome.verdict)
    assert.not_equal(0, outcome.result)
    return outcome
  end

  it("are kept as they came, repeated and odd fields included #valgrind", function()
    local head = "HTTP/1.1 200 All  right\r\nX-A: 1\r\nx-a:2\r\nX-Empty:\r\nX-Tab:\tq \t\r\n"
      .. "Content-Length: 2\r\nX-A: 3\r\n\r\n"
    local outcome = get({}, head .. "ok")
    assert.equal(head, outcome.head)
    assert.is_nil(outcome.trailers)
    assert.equal("ok", outcome.body)
    assert.is_true(outcome.head_complete)
  end)

  it("may come one byte at a time", function()
    local text = "HTTP/1.1 200 OK\r\nX-A: one\r\nContent-Length: 2\r\n\r\nok"
    local bytes = {}
    for i = 1, #text do
      bytes[i] = text:sub(i, i)
    end
    local outcome = get({}, (table.unpack or unpack)(bytes))
    assert.equal(text:sub(1, -3), outcome.head)
    assert.equal("ok", outcome.body)
  end)

  it("may end their lines with LF alone", function()
    local outcome = get({}, "HTTP/1.1 200 OK\nX-A: one\nContent-Length: 2\n\nok")
    assert.equal(0, outcome.result)
    assert.truthy(outcome.head:find("X-A: one", 1, true))
    assert.equal("ok", outcome.body)
  end)

  it("of 1xx responses are passed over", function()
    local outcome = get({}, "HTTP/1.1 100 Continue\r\nX-Early: 1\r\nContent-Length: 9\r\n\r\n",
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert.equal("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", outcome.head)
    assert.equal(200, outcome.status)
    assert.equal("ok", outcome.body)
  end)

  it("are told apart from trailers", function()
    local outcome = get({},
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n",
      "2\r\nok\r\n", "0\r\nX-Sum: 7\r\n", "X-More: 8\r\n\r\n")
    assert.truthy(outcome.head:find("Trailer: X%-Sum\r\n\r\n$"))
    assert.equal("X-Sum: 7\r\nX-More: 8\r\n", (outcome.trailers:gsub("\r\n\r\n$", "\r\n")))
    assert.equal("ok", outcome.body)
  end)

  it("that a transfer has brought do not appear in the next one", function()
    get({}, "HTTP/1.1 200 OK\r\nX-First: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "0\r\nX-T: 1\r\n\r\n")
    local outcome = get({}, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
    assert.equal("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", outcome.head)
    assert.is_nil(outcome.trailers)
  end)

  it("may repeat one Content-Length", function()
    local outcome = get({}, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncontent-length:2\r\n\r\nok")
    assert.equal(0, outcome.result)
    assert.equal("ok", outcome.body)
  end)

  it("that contradict themselves about the length are refused #valgrind", function()
    refused("bad_length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk")
    refused("bad_length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-length: 2\r\n\r\nokk")
    refused("bad_length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", "X: y\r\n",
      "CONTENT-LENGTH: 20\r\n\r\nok")
  end)

  it("with a length that is no number are refused", function()
    for _, length in ipairs { "-1", "x", "2x", "2, 3", "", "1e3", "0x2", "99999999999999999999" } do
      local outcome = get({}, ("HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\nok"):format(length))
      assert.not_equal(0, outcome.result, length)
    end
  end)

  it("of an earlier response have no say in the length", function()
    local outcome = get({}, "HTTP/1.1 103 Early\r\nContent-Length: 5\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert.equal(0, outcome.result)
    assert.equal("ok", outcome.body)
  end)

  it("without an end are refused at 300 KiB", function()
    local pieces = { "HTTP/1.1 200 OK\r\n" }
    for i = 1, 40 do
      pieces[i + 1] = ("X-Field: %s\r\n"):format(("a"):rep(1000)):rep(10)
    end
    local outcome = refused("headers_too_large", (table.unpack or unpack)(pieces))
    assert.is_true(#outcome.head <= 300 * 1024)
    assert.is_false(outcome.head_complete)
  end)

  it("of just under 300 KiB are taken", function()
    local field = ("X-Field: %s\r\n"):format(("a"):rep(1013)) -- 1 KiB
    local outcome = get({},
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" .. field:rep(299) .. "\r\nok")
    assert.equal(0, outcome.result)
    assert.is_true(#outcome.head > 299 * 1024)
  end)

  it("with trailers without an end are refused too", function()
    local pieces = { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n" }
    for i = 1, 40 do
      pieces[i + 1] = ("X-Field: %s\r\n"):format(("a"):rep(1000)):rep(10)
    end
    refused("headers_too_large", (table.unpack or unpack)(pieces))
  end)

  it("cut short are marked so", function()
    for _, text in ipairs { "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 100 Continue\r\n\r\n" } do
      local outcome = get({}, text)
      assert.is_true(outcome.result ~= 0 or not outcome.head_complete)
    end
  end)

  it("of HEAD and 304 announce a length without a body", function()
    local outcome = get({ NOBODY = true }, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    assert.equal(0, outcome.result)
    assert.equal("", outcome.body)
    outcome = get({}, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n")
    assert.equal(0, outcome.result)
    assert.equal(304, outcome.status)
    assert.equal("", outcome.body)
  end)

  it("are refused when their first field goes on another, whatever their first line is", function()
    for _, line in ipairs { "HTTP/1.1 200 OK\r\n", "HTTP/one 200 OK\r\n" } do
      assert.equal("bad_head", get({ guarded = true }, line, " X: a\r\n\r\n").verdict)
    end
  end)

  it("end with any line that begins with CR, as libcurl has it", function()
    local outcome = get({ guarded = true }, "HTTP/1.1 103 Early\r\n\r!\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert.same({ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "ok" },
      { outcome.head, outcome.body })
  end)

  it("keep what stands before a field whose name starts with HTTP/", function()
    local outcome = get({}, "HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 2\r\nHTTP/x: 1\r\n\r\nok")
    assert.truthy(outcome.head:find("^HTTP/1.1 200 OK\r\nX%-A: 1\r\n"))
  end)
end)
