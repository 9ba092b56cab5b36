local core = require "curlew.core"
local core_client = require "support.core_client"
local server = require "support.server"
local uv = require "curlew.uv"

local WINDOW = 64 * 1024
local BIG = 4 * 1024 * 1024

describe("a transfer piece by piece", function()
  local client, site, live

  before_each(function()
    client, live = core_client.new(), nil
    site = server.new(function(conn, request)
      live = conn
      if request.path == "/live" then
        conn:respond_chunked()
      elseif request.path == "/big" then
        conn:respond { body = ("0123456789abcdef"):rep(BIG / 16) }
      else
        conn:respond { body = "plain" }
      end
    end)
  end)

  after_each(function()
    client:close()
    site:close()
    site:check()
  end)

  local function start(path, given)
    given = given or {}
    given.url = site.url .. path
    return assert(client:start(given))
  end

  local function stream(path, given)
    given = given or {}
    given.streamed = true
    return start(path, given)
  end

  -- Turns the loop until there is news of the transfer, or it has ended.
  local function wait_for_news(id)
    local before = client.told[id]
    assert.is_true(client:turn(function()
      return client.told[id] ~= before or client.ended[id]
    end))
  end

  -- What has come so far; a step follows when one has to.
  local function read(id, most)
    local bytes, resumes = client.raw:read(id, most or math.huge)
    client.rang = client.rang or resumes
    return bytes, resumes
  end

  local function feed(id, bytes)
    client.raw:feed(id, bytes)
    client.rang = true
  end

  -- Reads to the end; returns all, and the most that waited at once.
  local function drain(id)
    local pieces, most = {}, 0
    while not client.ended[id] do
      wait_for_news(id)
      if not client.ended[id] then
        pieces[#pieces + 1] = read(id)
        most = math.max(most, #pieces[#pieces])
      end
    end
    pieces[#pieces + 1] = client.ended[id].body
    return table.concat(pieces), most
  end

  -- Whether the transfer wants more, or the server has not taken any for a while.
  local function wanted_or_stalled(id)
    local since, received = uv.hrtime(), live.received
    return function()
      if live.received ~= received then
        since, received = uv.hrtime(), live.received
      end
      return client.raw:wants(id) or uv.hrtime() - since > 50e6
    end
  end

  it("tells of news by a negative id, when it is streamed #valgrind", function()
    local id = stream "/live"
    wait_for_news(id)
    assert.is_nil(client.ended[id])
    local peeked = client.raw:peek(id)
    assert.equal(200, peeked.status)
    assert.is_true(peeked.head_complete)
    assert.is_nil(peeked.body)
    assert.equal("", (read(id)))
    live:chunk("body")
    wait_for_news(id)
    assert.equal("b", (read(id, 1)))
    assert.equal("", (read(id, 0)))
    assert.equal("", (read(id, -1)))
    assert.equal("od", (read(id, 2.5)))
    live:chunk("!")
    live:chunk()
    local outcome = client:finish(id)
    assert.equal("y!", outcome.body) -- what nobody has read
    assert.equal(0, outcome.result)
  end)

  it("tells of nothing but its end, when it is not", function()
    local id = start "/big"
    assert.equal(BIG, #client:finish(id).body)
    assert.is_nil(client.told[id])
  end)

  it("raises for ids that there are not", function()
    local ended = start "/"
    client:finish(ended)
    for _, id in ipairs { ended, 0, -1, 12345, 2 ^ 30 } do
      for _, name in ipairs { "read", "feed", "wants", "peek", "log" } do
        assert.has_error(function()
          client.raw[name](client.raw, id, name == "read" and 1 or nil)
        end, "there is no transfer of this id")
      end
    end
  end)

  it("raises for what is no id, and on a closed client", function()
    local id = stream "/live"
    for _, name in ipairs { "read", "feed", "wants", "peek", "log" } do
      assert.has_error(function()
        client.raw[name](client.raw)
      end)
      assert.has_error(function()
        client.raw[name](client.raw, "one", 1)
      end)
    end
    assert.has_error(function()
      client.raw:read(id)
    end)
    assert.has_error(function()
      client.raw:feed(id, {})
    end)
    local other = core_client.new()
    other.poll:stop()
    other.raw:close()
    assert.has_error(function()
      other.raw:read(1, 1)
    end, "the client is closed")
    other:close()
  end)

  it("holds no more than a window, and the rest with the server", function()
    local id = stream "/big"
    wait_for_news(id)
    client:turn(function() -- until nothing moves any more
      local before = live:unsent()
      for _ = 1, 20 do
        uv.run("nowait")
      end
      return client.told[id] and live:unsent() == before and before > 0 or client.steps > 500
    end)
    assert.is_nil(client.ended[id])
    local bytes, resumes = read(id)
    assert.is_true(#bytes > 0 and #bytes <= 2 * WINDOW)
    assert.is_true(resumes)
    local rest, most = drain(id)
    assert.is_true(bytes .. rest == ("0123456789abcdef"):rep(BIG / 16))
    assert.is_true(most <= 2 * WINDOW)
  end)

  it("is cancelled while it is paused, or about to go on", function()
    for _, resumes in ipairs { false, true } do
      local id = stream "/big"
      wait_for_news(id)
      for _ = 1, 50 do
        client.rang = true
        client:turn(function()
          return not client.rang
        end)
      end
      if resumes then
        assert.is_true((select(2, read(id))))
      end
      client.raw:cancel(id)
      assert.has_error(function()
        client.raw:read(id, 1)
      end)
      assert.equal("plain", client:get(site.url .. "/").body)
    end
  end)

  it("keeps nothing of the one before, whose handle it has", function()
    local id = stream "/big"
    wait_for_news(id)
    read(id, 10)
    client.raw:cancel(id)
    assert.equal(BIG, #client:get(site.url .. "/big").body)
    id = stream "/"
    assert.equal("plain", (drain(id)))
    id = start("/", { body = true, UPLOAD = true })
    wait_for_news(id)
    feed(id, "left over")
    client.raw:cancel(id)
    assert.equal(42, client:get(site.url .. "/", { UPLOAD = true }).result)
  end)

  it("is stopped by max_body, of which what was read is part", function()
    local id = stream("/big", { max_body = 300000 })
    local bytes = drain(id)
    assert.equal("body_too_large", client.ended[id].verdict)
    assert.is_true(#bytes <= 300000)
  end)

  it("asks for its own body when it wants more, and only then", function()
    local id = start("/", { body = true, UPLOAD = true })
    wait_for_news(id)
    assert.is_true(client.raw:wants(id))
    feed(id, "one ")
    assert.is_false(client.raw:wants(id))
    wait_for_news(id)
    assert.is_true(client.raw:wants(id))
    feed(id, "two ")
    feed(id, "three")
    feed(id, "")
    feed(id)
    assert.equal("plain", client:finish(id).body)
    assert.equal("one two three", site:last().body)
  end)

  it("does not ask while the server reads nothing", function()
    site.options.on_head = function(conn)
      conn:pause()
      live = conn
    end
    local id = start("/", { body = true, UPLOAD = true })
    client:turn(function()
      return live and client.raw:wants(id)
    end)
    local piece, fed = ("x"):rep(256 * 1024), 0
    while client.raw:wants(id) do
      feed(id, piece)
      fed = fed + #piece
      assert.is_true(fed < 32 * 1024 * 1024)
      client:turn(wanted_or_stalled(id))
    end
    feed(id)
    live:resume()
    client:finish(id)
    assert.equal(fed, #site:last().body)
  end)

  it("tells how far it has got", function()
    local id = stream "/live"
    wait_for_news(id)
    live:chunk("12345")
    client:turn(function()
      return core.figures(client.raw:peek(id).figures).received == 5
    end)
    local now = core.figures(client.raw:peek(id).figures)
    assert.equal(5, now.received)
    assert.equal(-1, now.expected)
    assert.equal(0, now.uploaded)
    assert.is_true(now.to_upload <= 0)
    assert.is_true(now.speed >= 0)
  end)

  it("tells what libcurl says, once", function()
    local id = stream("/live", { VERBOSE = true })
    wait_for_news(id)
    client:turn(function()
      return client.raw:peek(id).head_complete
    end)
    local log = client.raw:log(id)
    assert.matches("\n> GET /live HTTP/1.1\r\n", "\n" .. log, 1, true)
    assert.matches("\n< HTTP/1.1 200 OK\r\n", log, 1, true)
    assert.equal("", client.raw:log(id))
    assert.equal("", client.raw:log(stream "/live"))
  end)
end)
