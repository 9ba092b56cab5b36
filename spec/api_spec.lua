local core = require "curlew.core"
local core_client = require "support.core_client"
local process = require "support.process"
local server = require "support.server"

describe("the client's Lua interface", function()
  local client, site

  before_each(function()
    client = core_client.new()
    site = server.new(function(conn, request)
      if request.path ~= "/silent" then
        conn:respond { body = "hello" }
      end
    end)
  end)

  after_each(function()
    client:close()
    site:close()
    site:check()
  end)

  it("gives the outcome of a transfer as a table #valgrind", function()
    local outcome = client:get(site.url .. "/")
    assert.equal(0, outcome.result)
    assert.equal(200, outcome.status)
    assert.equal("hello", outcome.body)
    assert.equal("127.0.0.1", outcome.remote_ip)
    assert.equal(1, outcome.connects)
    assert.equal(2, outcome.http_version)
    assert.is_true(outcome.head_complete)
    assert.is_nil(outcome.verdict)
    assert.truthy(outcome.head:find("^HTTP/1.1 200 OK\r\n"))
    local figures = core.figures(outcome.figures)
    for _, name in ipairs { "dns", "connect", "ready", "first_byte", "total" } do
      assert.is_true(figures[name] > 0 and figures[name] < 10, name)
    end
    assert.equal(0, figures.tls)
    assert.equal(5, figures.received)
    assert.equal(5, figures.expected)
    for _, wrong in ipairs { "", outcome.figures .. "x" } do
      assert.has_error(function()
        core.figures(wrong)
      end)
    end
  end)

  it("gives the result of a transfer that failed #valgrind", function()
    local port = site.port
    site:close()
    local outcome = client:get(("http://127.0.0.1:%d/"):format(port))
    assert.equal(7, outcome.result)
    assert.equal("Connection refused", outcome.os_error)
    assert.equal("", outcome.body)
    assert.equal("", outcome.head)
    assert.is_false(outcome.head_complete)
  end)

  it("hands over a transfer once only", function()
    local id = client:start { url = site.url .. "/" }
    client:finish(id)
    assert.has_error(function()
      client.raw:take(id)
    end, "no transfer of this id has ended")
  end)

  it("hands over nothing of a transfer that still runs", function()
    local id = client:start { url = site.url .. "/silent" }
    client:turn(function()
      return site.connections == 1
    end)
    assert.has_error(function()
      client.raw:take(id)
    end, "no transfer of this id has ended")
    client.raw:cancel(id)
  end)

  it("refuses ids that it has not given", function()
    for _, id in ipairs { 0, -1, 1, 5, 2 ^ 20, 2 ^ 31 - 1, -2 ^ 31 } do
      assert.has_error(function()
        client.raw:take(id)
      end, "no transfer of this id has ended")
      client.raw:cancel(id)
    end
    for _, id in ipairs { "x", {}, true } do
      assert.has_error(function()
        client.raw:take(id)
      end)
      assert.has_error(function()
        client.raw:cancel(id)
      end)
    end
  end)

  it("tells the ids of successive transfers apart", function()
    local seen = {}
    for _ = 1, 50 do
      local id = client:start { url = site.url .. "/" }
      assert.is_nil(seen[id])
      seen[id] = true
      client:finish(id)
      client.raw:cancel(id) -- of a transfer that has ended: nothing happens
    end
    local id = client:start { url = site.url .. "/" }
    for old in pairs(seen) do
      client.raw:cancel(old)
    end
    assert.equal(200, client:finish(id).status)
  end)

  it("refuses options that are unknown, or have a wrong value, by their names", function()
    local function refusal(name, value)
      return { client.raw:start({ options = { [name] = value } }, site.url) }
    end
    assert.same({ nil, "NO_SUCH", "is not an option of this libcurl" }, refusal("NO_SUCH", 1))
    assert.same({ nil, "TIMEOUT_MS", "takes a whole number or a boolean" },
      refusal("TIMEOUT_MS", "soon"))
    assert.same({ nil, "TIMEOUT_MS", "takes a whole number or a boolean" },
      refusal("TIMEOUT_MS", 1.5))
    assert.same({ nil, "MAX_RECV_SPEED_LARGE", "takes a whole number" },
      refusal("MAX_RECV_SPEED_LARGE", 0 / 0))
    assert.same({ nil, "USERAGENT", "takes a string" }, refusal("USERAGENT", 5))
    assert.same({ nil, "USERAGENT", "takes a string without CR, LF and NUL" },
      refusal("USERAGENT", "a\r\nX-Evil: 1"))
    assert.same({ nil, "USERAGENT", "takes a string without CR, LF and NUL" },
      refusal("USERAGENT", "a\0b"))
    assert.same({ nil, "HTTPHEADER", "takes a list of strings" }, refusal("HTTPHEADER", "X: y"))
    assert.same({ nil, "HTTPHEADER", "takes a list of strings without CR, LF and NUL" },
      refusal("HTTPHEADER", { "X: y\nZ: 1" }))
    assert.same({ nil, "HTTPHEADER", "takes a list of strings without CR, LF and NUL" },
      refusal("HTTPHEADER", { "X: y", 7 }))
    assert.same({ nil, "WRITEFUNCTION",
      "takes a C pointer or function, which Lua does not have" },
      refusal("WRITEFUNCTION", print))
    local id, _, problem = client.raw:start({ options = { [{}] = 1 } }, site.url)
    assert.is_nil(id)
    assert.equal("is not an option of this libcurl", problem)
  end)

  it("starts nothing and keeps nothing of a transfer that was refused", function()
    local before = process.descriptors()
    for _ = 1, 300 do
      assert.is_nil(client.raw:start({ options = { HTTPHEADER = { "A: b", "C: \n" } } }, site.url))
    end
    assert.equal(200, client:get(site.url .. "/").status)
    assert.equal(1, #site.requests)
    assert.is_true(process.descriptors() <= before + 2) -- the connection, at both ends
  end)

  it("checks its arguments", function()
    for _, call in ipairs {
      function() client.raw:start() end,
      function() client.raw:start("http://127.0.0.1/") end,
      function() client.raw:start({}) end,
      function() client.raw:start({}, site.url, "soon") end,
      function() client.raw:step(false) end,
      function() client.raw:step(false, 1) end,
      function() client.raw:take() end,
      function() client.raw:cancel() end,
      function() core.client("many") end,
    } do
      assert.has_error(call)
    end
  end)

  it("takes no other object for a client", function()
    local file = assert(io.open("/dev/null"))
    for _, name in ipairs { "start", "step", "take", "cancel", "fd", "close", "__gc" } do
      for _, wrong in ipairs { false, 1, "client", {}, file, print } do
        assert.has_error(function()
          client.raw[name](wrong, {}, {})
        end)
      end
      assert.has_error(function()
        client.raw[name]()
      end)
    end
    assert.equal("file", io.type(file))
    file:close()
  end)

  it("refuses work once it is closed, and may be closed again #valgrind", function()
    local other = core.client()
    local id = other:start({}, site.url .. "/silent")
    other:step(true, {})
    other:close()
    for _, call in ipairs {
      function() other:start({}, site.url) end,
      function() other:step(true, {}) end,
      function() other:fd() end,
    } do
      assert.error_matches(call, "the client is closed")
    end
    other:cancel(id)
    assert.has_error(function()
      other:take(id)
    end)
    other:close()
    getmetatable(other).__gc(other)
    getmetatable(other).__gc(other)
  end)

  it("refuses work after its finaliser was called by hand", function()
    local other = core.client()
    other:start({}, site.url .. "/silent")
    getmetatable(other).__gc(other)
    assert.error_matches(function()
      other:step(true, {})
    end, "the client is closed")
  end)

  it("leaves entries of the news table alone that it does not use", function()
    local id = client:start { url = site.url .. "/" }
    local news = { "a", "b", "c" }
    local count
    repeat
      count = client.raw:step(true, news)
    until count > 0 or not client:turn(function()
      return client.readable
    end)
    assert.equal(1, count)
    assert.same({ id, "b", "c" }, news)
    client.raw:cancel(id)
  end)

  it("goes away with its transfers when it is collected in the middle of them #valgrind", function()
    local before = process.descriptors()
    local function lose_one()
      local lost = core.client()
      for _ = 1, 5 do
        lost:start({}, site.url .. "/silent")
      end
      lost:step(true, {})
    end
    lose_one()
    collectgarbage()
    collectgarbage()
    assert.is_true(site:wait(function()
      return site.connections == 5 and site.open == 0
    end))
    assert.equal(before, process.descriptors())
  end)
end)
