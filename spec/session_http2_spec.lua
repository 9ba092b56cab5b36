local curlew = require "curlew"
local nghttpd = require "support.nghttpd"
local nginx = require "support.nginx"
local sessions = require "support.sessions"
local shell = require "support.shell"
local uv = require "curlew.uv"

local ok, wait = sessions.ok, sessions.wait

-- libcurl 7.88 cannot use a connection of HTTP/2 without TLS twice, so each request has its own.
local shares_h2c = not curlew.features().libcurl:find("^7%.88%.")

describe("a session with HTTP/2", function()
  local session, web, h2

  setup(function()
    web, h2 = nginx.start(), nghttpd.start()
  end)

  local function run(fn, given)
    given = given or {}
    given.verify = h2.ca
    sessions.runner(function(_, one)
      session = one
    end)(fn, given)
  end

  local function numbers(count)
    local list = {}
    for i = 1, count do
      list[i] = i
    end
    return list
  end

  local function get_all(count, address, given)
    curlew.map(numbers(count), function()
      local res = ok(session:get(address, given))
      assert.equal("small\n", res.body)
      assert.equal("2", res.http_version)
    end, { limit = count })
  end

  it("gives each request the answer to it, whatever versions of HTTP others ask for", function()
    run(function()
      local paths = { "/1k", "/hello.txt", "/gzip" }
      local wrong = {}
      curlew.map(numbers(300), function(i)
        local path, http = paths[i % 3 + 1], i % 2 == 0 and "1.1" or nil
        local res = ok(session:get(web.https .. path, { http = http }))
        if res.body ~= web.file(path:sub(2)) or res.http_version ~= (http or "2") then
          table.insert(wrong, ("%s over %s: %d bytes"):format(path, res.http_version, #res.body))
        end
      end, { limit = 50 })
      assert.same({}, wrong)
    end, { max_per_host = 100 })
  end)

  -- A port whose connections lead to two others in turn, as behind a balancer of load.
  local function balancer(ports)
    local listener, count, open = uv.new_tcp(), 0, {}
    local function pass_on(from, to)
      from:read_start(function(_, bytes)
        if bytes and not to:is_closing() then
          to:write(bytes)
        elseif not to:is_closing() then
          to:close()
        end
      end)
    end
    assert(listener:bind("127.0.0.1", 0))
    assert(listener:listen(256, function()
      local client, server = uv.new_tcp(), uv.new_tcp()
      open[#open + 1], open[#open + 2] = client, server
      listener:accept(client)
      count = count + 1
      server:connect("127.0.0.1", ports[count % #ports + 1], function(err)
        assert(not err, err)
        pass_on(client, server)
        pass_on(server, client)
      end)
    end))
    return listener:getsockname().port, function()
      listener:close()
      for _, handle in ipairs(open) do
        if not handle:is_closing() then
          handle:close()
        end
      end
    end
  end

  -- Told by libcurl only since 7.80, before it sends a request.
  it("gives each its answer, too, where only some connections speak HTTP/2 #prereq", function()
    run(function()
      local port, close = balancer { web.https_port, web.https1_port }
      local paths, wrong, versions = { "/1k", "/hello.txt", "/gzip" }, {}, {}
      for round = 1, 10 do
        curlew.map(numbers(150), function(i)
          local path = paths[(i * round) % 3 + 1]
          local res = ok(session:get(("https://localhost:%d%s"):format(port, path)))
          versions[res.http_version] = true
          if res.body ~= web.file(path:sub(2)) then
            table.insert(wrong, ("%s over %s: %d bytes"):format(path, res.http_version, #res.body))
          end
        end, { limit = round % 2 == 1 and 150 or 5 })
      end
      session:close()
      close()
      assert.same({}, wrong)
      assert.same({ ["1.1"] = true, ["2"] = true }, versions)
    end, { max_per_host = 200, max_connections = 200 })
  end)

  -- Which connections the server tells of in its log since `from`, and how many frames of a kind
  -- it has received on each.
  local function log_since(name, from, frame)
    local connections, frames = {}, 0
    for id, rest in h2.log(name):sub(from):gmatch("%[id=(%d+)%] ([^\n]*)") do
      connections[id] = true
      frames = frames + (rest:find("recv " .. frame, 1, true) and 1 or 0)
    end
    local count = 0
    for _ in pairs(connections) do
      count = count + 1
    end
    return count, frames
  end

  local CASES = {
    { "over TLS", "tls", "https", "https_port", nil },
    { "without TLS", "plain", "h2c", "h2c_port", "2-prior-knowledge" },
  }

  for _, case in ipairs(CASES) do
    local name, log, url, port, http = case[1], case[2], case[3], case[4], case[5]

    it("carries 50 requests at once, on one connection, " .. name, function()
      run(function()
        local from = #h2.log(log) + 1
        get_all(50, h2[url] .. "/small", { http = http })
        wait(function()
          return select(2, log_since(log, from, "HEADERS")) == 50
        end)
        if shares_h2c or log == "tls" then
          assert.equal(1, h2.connections(h2[port]))
          assert.equal(1, (log_since(log, from, "HEADERS")))
          assert.equal(1, session:stats().open)
        end
        -- One after another, too.
        get_all(1, h2[url] .. "/small", { http = http })
        get_all(1, h2[url] .. "/small", { http = http })
      end)
      assert.is_true(shell.turn(function()
        return h2.connections(h2[port]) == 0
      end))
    end)
  end

  it("carries more requests at once than the server allows on a connection", function()
    run(function()
      local from = #h2.log("tls") + 1
      get_all(150, h2.https .. "/small")
      assert.equal(1, (log_since("tls", from, "HEADERS")))
    end)
  end)

  it("opens connections for each origin by itself", function()
    run(function()
      local by_address = h2.https:gsub("localhost", "127.0.0.1")
      curlew.map(numbers(20), function(i)
        local address = (i % 2 == 0 and h2.https or by_address) .. "/small"
        assert.equal("2", ok(session:get(address)).http_version)
      end, { limit = 20 })
      assert.equal(2, h2.connections(h2.https_port))
    end)
  end)

  it("sends each of many bodies to its own request", function()
    if not web.can_sleep then
      return
    end
    run(function()
      curlew.map(numbers(20), function(i)
        local body = ("%d,"):format(i):rep(20000)
        local res = ok(session:post(web.https .. "/post", { body = body }))
        assert.equal("2", res.http_version)
        assert.is_true(res.body == body)
      end, { limit = 20 })
      assert.equal(1, session:stats().open)
    end)
  end)

  describe("when one request ends early", function()
    -- Reads /big in several tasks, while `fn` does something to another one.
    local function beside_others(fn, reset)
      run(function()
        get_all(1, h2.https .. "/small")
        local from = #h2.log("tls") + 1
        local others = {}
        for i = 1, 4 do
          others[i] = curlew.spawn(session.get, session, h2.https .. "/big")
        end
        fn()
        for _, other in ipairs(others) do
          assert.equal(h2.big, #ok(other:await()).body)
        end
        assert.is_true(ok(session:get(h2.https .. "/small")).reused)
        assert.equal(1, h2.connections(h2.https_port))
        wait(function()
          return select(2, log_since("tls", from, "RST_STREAM")) >= reset
        end)
        assert.equal(1, (log_since("tls", from, "RST_STREAM")))
      end)
    end

    it("by being cancelled, only its stream is reset", function()
      beside_others(function()
        local one = curlew.spawn(function()
          local res = ok(session:get(h2.https .. "/big", { stream = true }))
          res:read()
          curlew.sleep(10)
        end)
        curlew.sleep(0.02)
        one:cancel()
        assert.is_false((curlew.pcall(one.await, one)))
      end, 1)
    end)

    it("by being closed unread, only its stream is reset", function()
      beside_others(function()
        local res = ok(session:get(h2.https .. "/big", { stream = true }))
        res:close()
      end, 1)
    end)

    it("by a body that is too large, only its stream is reset", function()
      beside_others(function()
        local _, err = session:get(h2.https .. "/big", { max_body = 100000 })
        assert.equal("too_large", err.kind)
        assert.equal("body", err.phase)
      end, 1)
    end)

    it("by its time, only its stream is reset #leaks", function()
      beside_others(function()
        local res = ok(session:get(h2.https .. "/big", { stream = true, timeout = 0.05 }))
        curlew.sleep(0.1)
        local bytes, err
        repeat
          bytes, err = res:read()
        until not bytes
        assert.equal("timeout", err.kind)
      end, 1)
    end)
  end)

  describe("that streams", function()
    it("lets others by while one is paused, which then goes on where it was", function()
      run(function()
        local paused = ok(session:get(h2.https .. "/big", { stream = true }))
        local received = #paused:read()
        curlew.map(numbers(3), function()
          local size = 0
          local res = ok(session:get(h2.https .. "/big", { stream = true }))
          repeat
            local bytes = res:read()
            size = size + #(bytes or "")
          until not bytes
          assert.equal(h2.big, size)
        end)
        assert.equal(h2.big, #ok(session:get(h2.https .. "/big")).body)
        repeat
          local bytes = paused:read()
          received = received + #(bytes or "")
        until not bytes
        assert.equal(h2.big, received)
        assert.equal(1, h2.connections(h2.https_port))
      end)
    end)

    it("reads several in turn, piece by piece", function()
      run(function()
        local streams, sizes = {}, {}
        for i = 1, 5 do
          streams[i] = ok(session:get(h2.h2c .. "/big", {
            stream = true, http = "2-prior-knowledge",
          }))
          sizes[i] = 0
        end
        local open = #streams
        while open > 0 do
          for i = 1, 5 do
            local bytes = streams[i] and streams[i]:read(50000)
            if bytes then
              sizes[i] = sizes[i] + #bytes
            elseif streams[i] then
              streams[i], open = false, open - 1
            end
          end
        end
        for i = 1, 5 do
          assert.equal(h2.big, sizes[i])
        end
      end)
    end)
  end)

  describe("where it is not to be had", function()
    it("speaks 1.1 when it is told to, on a connection for each request", function()
      run(function()
        web.forget()
        curlew.map(numbers(4), function()
          assert.equal("1.1", ok(session:get(web.https .. "/1k", { http = "1.1" })).http_version)
        end)
        local connections, count = {}, 0
        for _, entry in ipairs(web.log(4)) do
          assert.equal("HTTP/1.1", entry.protocol)
          count = count + (connections[entry.connection] and 0 or 1)
          connections[entry.connection] = true
        end
        assert.is_true(count > 1)
      end)
    end)

    it("says what is wrong with the protocol", function()
      run(function()
        for _, http in ipairs { "auto", "1.1", "2" } do
          local _, err = session:get(h2.h2c .. "/small", { http = http })
          assert.equal("protocol", err.kind)
        end
        local _, err = session:get(web.url .. "/1k", { http = "2-prior-knowledge", timeout = 5 })
        assert.truthy(err.kind == "closed" or err.kind == "protocol", err.kind)
      end)
    end)

    it("says so when libcurl has no HTTP/3", function()
      if curlew.features().http3 then
        return
      end
      run(function()
        local _, err = session:get(web.https .. "/1k", { http = "3" })
        assert.equal("unsupported", err.kind)
        assert.matches("HTTP_VERSION", err.message)
      end)
    end)
  end)
end)
