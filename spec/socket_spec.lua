local core_client = require "support.core_client"
local process = require "support.process"
local server = require "support.server"

describe("sockets", function()
  local client, site

  before_each(function()
    client = core_client.new()
    site = server.new(function(conn, request)
      if request.path == "/silent" then
        return
      elseif request.path == "/close" then
        conn:respond { body = "x", close = true }
      else
        conn:respond { body = tostring(conn.number) }
      end
    end)
  end)

  after_each(function()
    client:close()
    site:close()
    site:check()
  end)

  it("carry one transfer after another", function()
    for i = 1, 20 do
      local outcome = client:get(site.url .. "/")
      assert.equal("1", outcome.body)
      assert.equal(i == 1 and 1 or 0, outcome.connects)
    end
    assert.equal(1, site.connections)
  end)

  it("are closed where the server says so, and their numbers serve again", function()
    for _ = 1, 20 do
      assert.equal(200, client:get(site.url .. "/close").status)
    end
    assert.equal(20, site.connections)
    assert.is_true(site:wait(function()
      return site.open == 0
    end))
    assert.equal(200, client:get(site.url .. "/").status)
  end)

  it("whose numbers were reused by others are not mistaken for those", function()
    for round = 1, 10 do
      local id = client:start { url = site.url .. "/silent" }
      client:turn(function()
        return #site.requests == 2 * round - 1
      end)
      client.raw:cancel(id)
      -- Takes the number of the socket, and stays open.
      local holder = assert(io.open("/dev/zero"))
      assert.equal(200, client:get(site.url .. "/close").status)
      holder:close()
    end
  end)

  it("that the server has closed while they were idle are not used again", function()
    local ids = {}
    for i = 1, 6 do
      ids[i] = client:start { url = site.url .. "/" }
    end
    for _, id in ipairs(ids) do
      client:finish(id)
    end
    local before = site.connections
    for conn in pairs(site.live) do
      conn:close()
    end
    site:wait(function()
      return site.open == 0
    end)
    local outcome = client:get(site.url .. "/")
    assert.equal(200, outcome.status)
    assert.equal(before + 1, site.connections)
  end)

  it("that the server has closed do not keep the loop busy while others wait", function()
    for _ = 1, 3 do
      client:get(site.url .. "/")
    end
    for conn in pairs(site.live) do
      conn:close()
    end
    local id = client:start { url = site.url .. "/silent", TIMEOUT_MS = 200 }
    local before = client.steps
    assert.equal(28, client:finish(id).result)
    assert.is_true(client.steps - before < 20, client.steps - before)
  end)

  it("do not keep the loop busy while a server is silent", function()
    local id = client:start { url = site.url .. "/silent", TIMEOUT_MS = 200, idle = 0.15 }
    client:turn(function()
      return #site.requests == 1
    end)
    local before = client.steps
    client:finish(id)
    assert.is_true(client.steps - before < 10, client.steps - before)
  end)

  it("of the resolver come and go without harm", function()
    local before = process.descriptors()
    for _ = 1, 5 do
      local bad = client:start { url = "http://nosuch.invalid/" }
      local good = client:start { url = site.url .. "/" }
      assert.equal(200, client:finish(good).status)
      assert.equal(6, client:finish(bad).result)
    end
    assert.is_true(process.descriptors() <= before + 2)
  end)

  it("of many connections at once are all closed with the client #valgrind", function()
    local before = process.descriptors()
    local other = core_client.new()
    for i = 1, 100 do
      other:start { url = site.url .. (i % 2 == 0 and "/" or "/silent") }
    end
    other:turn(function()
      return #site.requests == 100
    end)
    other:close()
    assert.is_true(site:wait(function()
      return site.open == 0
    end))
    assert.equal(before, process.descriptors())
  end)

  it("serve thousands of transfers with few connections", function()
    local running, done = 0, 0
    local function more()
      while running < 16 and done + running < 2000 do
        client:start { url = site.url .. "/" }
        running = running + 1
      end
    end
    more()
    local seen = 0
    client:turn(function()
      while seen < #client.order do
        seen = seen + 1
        local id = client.order[seen]
        assert.equal(200, client.ended[id].status)
        running, done = running - 1, done + 1
        client.ended[id] = nil
      end
      more()
      return done == 2000
    end)
    assert.equal(2000, done)
    assert.is_true(site.connections <= 16)
  end)
end)
