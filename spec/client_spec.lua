local core = require "curlew.core"
local core_client = require "support.core_client"
local process = require "support.process"
local server = require "support.server"

describe("a client of the C core", function()
  local client, site

  before_each(function()
    client = core_client.new()
    site = server.new(function(conn, request)
      if request.path == "/silent" then
        return
      elseif request.path == "/half" then
        conn:send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
      else
        conn:respond { body = request.path }
      end
    end)
  end)

  after_each(function()
    client:close()
    site:close()
    site:check()
  end)

  local function start_all(count, path)
    local ids = {}
    for i = 1, count do
      ids[i] = client:start { url = site.url .. path:format(i) }
    end
    return ids
  end

  local function until_requests(count)
    assert.is_true(client:turn(function()
      return #site.requests >= count
    end))
  end

  it("runs many transfers at once, each with its own answer", function()
    local ids = start_all(200, "/%d")
    for i, id in ipairs(ids) do
      assert.equal("/" .. i, client:finish(id).body)
    end
    assert.equal(200, #client.order)
  end)

  it("runs another transfer for each slot that becomes free, thousands of times over", function()
    local seen = {}
    for i = 1, 2100 do -- more than the generations of one slot
      local id = client.raw:start({ options = { NOBODY = true } }, site.url)
      assert.not_equal(seen.last, id)
      seen.last = id
      client.raw:cancel(id)
      if i % 700 == 0 then
        assert.equal("/x", client:get(site.url .. "/x").body)
      end
    end
  end)

  it("asks for no timer when nothing runs, and never for one of 0 ms", function()
    local news = {}
    local count, wait = client.raw:step(false, news)
    assert.equal(0, count)
    assert.is_nil(wait)
    for _ = 1, 5 do
      local id = client.raw:start({ idle = 0.001 }, site.url .. "/silent", 0.001)
      repeat
        count, wait = client.raw:step(true, news)
        assert.is_true(wait == nil or wait >= 1)
      until count > 0
      assert.equal(id, news[1])
      client.raw:take(id)
    end
  end)

  it("asks again for the timer only when it has to ring earlier", function()
    local news = {}
    local first = client.raw:start({ idle = 60 }, site.url .. "/silent")
    local _, wait = client.raw:step(false, news)
    assert.is_true(wait ~= nil and wait <= 60000)
    until_requests(1)
    local second = client.raw:start({ idle = 30 }, site.url .. "/silent")
    client.raw:step(false, news)
    until_requests(2)
    _, wait = client.raw:step(false, news)
    assert.is_nil(wait)
    client.raw:cancel(first)
    client.raw:cancel(second)
  end)

  it("cancels transfers in all their stages without a trace #valgrind", function()
    local before = process.descriptors()
    local waiting = client:start { url = site.url .. "/silent" }
    local reading = client:start { url = site.url .. "/half" }
    until_requests(2)
    local fresh = client:start { url = site.url .. "/1" }
    local connecting = client:start { url = "http://127.0.0.1:1/" }
    local resolving = client:start { url = "http://nosuch.invalid/" }
    client.raw:step(true, {}) -- what ends in it stays in the news, untaken
    for _, id in ipairs { waiting, reading, fresh, connecting, resolving } do
      client.raw:cancel(id)
      client.raw:cancel(id)
      assert.has_error(function()
        client.raw:take(id)
      end)
    end
    site:wait(function()
      return site.open == 0
    end)
    local count = client.raw:step(true, {})
    assert.equal(0, count)
    assert.equal("/x", client:get(site.url .. "/x").body)
    assert.is_true(site:wait(function()
      return process.descriptors() <= before + 2 -- once the lookup's thread has ended
    end))
  end)

  it("does not tell of a transfer that was cancelled after its end", function()
    local port = site.port
    site:stop_listening()
    local ids = {}
    for i = 1, 3 do
      ids[i] = client.raw:start({}, ("http://127.0.0.1:%d/"):format(port))
    end
    client.raw:cancel(ids[2])
    local told = {}
    for _ = 1, 1000 do
      local news = {}
      for i = 1, (client.raw:step(true, news)) do
        told[news[i]] = true
        client.raw:take(news[i])
      end
      if told[ids[1]] and told[ids[3]] then
        break
      end
    end
    assert.is_true(told[ids[1]] and told[ids[3]])
    assert.is_nil(told[ids[2]])
  end)

  it("ends its transfers and connections when it closes #valgrind", function()
    local before = process.descriptors()
    local other = core_client.new()
    other:get(site.url .. "/1")
    for _ = 1, 10 do
      other:start { url = site.url .. "/silent" }
    end
    other:turn(function()
      return #site.requests == 11
    end)
    other:close()
    site:wait(function()
      return site.open == 0
    end)
    assert.equal(0, site.open)
    assert.is_true(process.descriptors() <= before)
  end)

  it("keeps as many connections for reuse as it was told", function()
    local few = core_client.new(2)
    local ids = {}
    for i = 1, 6 do
      ids[i] = few:start { url = site.url .. "/" .. i }
    end
    for _, id in ipairs(ids) do
      few:finish(id)
    end
    few:get(site.url .. "/last")
    assert.is_true(site:wait(function()
      return site.open <= 2
    end))
    few:close()
  end)

  it("ends what nothing has moved on for as long as its idle limit", function()
    local outcome = client:get(site.url .. "/half", { idle = 0.05 })
    assert.equal("idle", outcome.verdict)
    assert.equal(28, outcome.result)
    assert.equal("half", outcome.body)
    outcome = client:get(site.url .. "/silent", { idle = 0.05 })
    assert.equal("idle", outcome.verdict)
    assert.equal("", outcome.head)
  end)

  it("does not call a transfer idle on which bytes keep coming", function()
    local drip = server.new(function(conn)
      conn:respond_chunked()
      local sent = 0
      local function send()
        sent = sent + 1
        conn:chunk(sent < 12 and "x" or nil)
        if sent < 12 then
          conn:after(0.03, send)
        end
      end
      send()
    end)
    local outcome = client:get(drip.url, { idle = 0.2 })
    assert.equal(0, outcome.result)
    assert.equal(("x"):rep(11), outcome.body)
    drip:close()
  end)

  it("does not call an upload idle on which bytes keep going", function()
    local slow = server.new(function(conn)
      conn:respond { body = "thanks" }
    end, {
      on_head = function(conn)
        conn:pause()
        local function read_some()
          conn:resume()
          conn:after(0.002, function()
            conn:pause()
            conn:after(0.02, read_some)
          end)
        end
        conn:after(0.02, read_some)
      end,
    })
    local id = client:start {
      url = slow.url, POST = true, body = ("x"):rep(8000000), idle = 0.25,
    }
    assert.equal("thanks", client:finish(id).body)
    slow:close()
  end)

  it("sets a limit for each transfer: one that is idle does not end the others", function()
    local slow = client:start { url = site.url .. "/silent", idle = 0.3 }
    local quick = client:start { url = site.url .. "/silent", idle = 0.03 }
    local patient = client:start { url = site.url .. "/silent" }
    client:finish(slow)
    assert.same({ quick, slow }, client.order)
    client.raw:cancel(patient)
  end)

  it("does not share anything with other clients", function()
    local other = core_client.new()
    client:get(site.url .. "/1")
    local outcome = other:get(site.url .. "/2")
    assert.equal(1, outcome.connects)
    local id = client:start { url = site.url .. "/silent" }
    assert.has_error(function()
      other.raw:take(id)
    end)
    other.raw:cancel(id)
    other:close()
    until_requests(3)
    client.raw:cancel(id)
    assert.equal("/3", client:get(site.url .. "/3").body)
  end)

  it("goes on after descriptors were out", function()
    -- In a child, since the limit is the process's.
    local script = [[
      local core = require "curlew.core"
      local url = os.getenv("SITE")
      local files, client = {}, core.client()
      local function get()
        local id = client:start({}, url)
        local news = {}
        repeat until client:step(true, news) > 0
        return client:take(id)
      end
      get()
      for i = 1, 1000 do
        files[i] = io.open("/dev/null")
      end
      client:close()
      files[1]:close() -- for the poll set of the next one
      client = core.client()
      while true do
        local file = io.open("/dev/null")
        if not file then break end
        files[#files + 1] = file
      end
      local outcome = get()
      print(outcome.verdict, outcome.result ~= 0)
      for _, file in ipairs(files) do
        pcall(file.close, file)
      end
      print(get().status)
    ]]
    local child = process.run {
      "sh", "-c", 'ulimit -n 40; exec "$0" -e "$1"', process.lua, script,
      env = { SITE = site.url, LUA_CPATH = package.cpath, LUA_PATH = package.path,
        LUA_CPATH_5_4 = false, LUA_PATH_5_4 = false },
    }
    assert.equal("no_descriptors\ttrue\n200\n", child.stdout, child.stderr)
  end)

  it("says why there is no client", function()
    local child = process.run {
      "sh", "-c", 'ulimit -n 12; exec "$0" -e "$1"', process.lua, [[
        local core, list = require "curlew.core", {}
        for i = 1, 20 do
          local ok, err = pcall(core.client)
          list[i] = err
          if not ok then
            print(err)
            break
          end
        end
        list = nil
        collectgarbage() collectgarbage()
        print((pcall(core.client)))
      ]],
      env = { LUA_CPATH = package.cpath, LUA_PATH = package.path,
        LUA_CPATH_5_4 = false, LUA_PATH_5_4 = false },
    }
    assert.equal("no client: Too many open files\ntrue\n", child.stdout, child.stderr)
  end)

  it("can be made and closed many times over", function()
    local before = process.descriptors()
    for _ = 1, 200 do
      local short = core.client(5)
      short:start({}, site.url)
      short:close()
    end
    assert.equal(before, process.descriptors())
  end)
end)
