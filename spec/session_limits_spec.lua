local curlew = require "curlew"
local nginx = require "support.nginx"
local process = require "support.process"
local sessions = require "support.sessions"
local shell = require "support.shell"
local wait_all_blocked = require("curlew.testing").wait_all_blocked
local waiting = require("support.tasks").waiting

local ok, wait = sessions.ok, sessions.wait

describe("a session's limits", function()
  local site, session

  local run = sessions.runner(function(...)
    site, session = ...
  end)

  -- Starts `count` requests to /hold, each told by its number.
  local function hold(count, of, base)
    local tasks = {}
    for i = 1, count do
      tasks[i] = curlew.spawn(function()
        return ok((of or session):get(("%s/hold?%d"):format(base or site.url, i))).body
      end)
    end
    return tasks
  end

  local function finish(tasks)
    for i, one in ipairs(tasks) do
      wait(function()
        site.answer_all()
        return one:done()
      end)
      assert.equal(tostring(i), one:await())
    end
  end

  it("let no more than max_per_host through to one origin, and let that many #valgrind", function()
    run(function()
      local tasks = hold(20)
      wait(function()
        return #site.held == 3
      end)
      curlew.sleep(0.02)
      assert.equal(3, #site.held)
      assert.equal(3, site.connections)
      assert.equal(3, session.pool.active)
      assert.equal(17, session.pool.queued)
      finish(tasks)
      assert.equal(3, site.most)
      assert.equal(3, site.connections)
    end, { max_per_host = 3 })
  end)

  it("are 6 for an origin by default", function()
    run(function()
      local tasks = hold(30)
      wait(function()
        return #site.held == 6
      end)
      curlew.sleep(0.02)
      finish(tasks)
      assert.equal(6, site.most)
    end)
  end)

  it("let no more than max_connections through to all origins", function()
    run(function()
      local all = {}
      for _, base in ipairs { site.url, (site.url:gsub("127.0.0.1", "localhost")) } do
        all[#all + 1] = hold(10, session, base)
      end
      wait(function()
        return #site.held == 5
      end)
      curlew.sleep(0.02)
      assert.equal(5, #site.held)
      for _, tasks in ipairs(all) do
        finish(tasks)
      end
      assert.equal(5, site.most)
      assert.equal(20, #site.requests)
    end, { max_connections = 5, max_per_host = 4 })
  end)

  it("may be as high as one wants", function()
    run(function()
      local tasks = hold(200)
      wait(function()
        return #site.held == 200
      end)
      finish(tasks)
    end, { max_connections = math.huge, max_per_host = math.huge })
  end)

  it("are kept where an origin speaks HTTP/2 to some and 1.1 to others", function()
    run(function()
      local web = nginx.start()
      web.forget()
      curlew.group(function(group)
        for i = 1, 20 do
          group:spawn(function()
            local version = i > 1 and "1.1" or "auto"
            ok(session:get(web.https .. "/1k", { http = version, verify = web.ca }))
          end)
          wait_all_blocked()
        end
      end)
      local connections, count = {}, 0
      for _, entry in ipairs(web.log(20)) do
        count = count + (connections[entry.connection] and 0 or 1)
        connections[entry.connection] = true
      end
      assert.is_true(count <= 3, count) -- two, and the one of HTTP/2
    end, { max_per_host = 2 })
  end)

  it("serve those that wait in the order in which they came", function()
    run(function()
      local order = {}
      local function record(conn, request)
        order[#order + 1] = request.query
        conn:respond {}
      end
      site.handler = record
      local tasks = {}
      for i = 1, 30 do
        tasks[i] = waiting(session.get, session, ("%s/x?%02d"):format(site.url, i))
      end
      for _, one in ipairs(tasks) do
        ok(one:await())
      end
      local sorted = {}
      for i, entry in ipairs(order) do
        sorted[i] = entry
      end
      table.sort(sorted)
      assert.same(sorted, order)
      assert.equal(30, #order)
    end, { max_per_host = 1 })
  end)

  it("serve origins that wait in turn: a busy one does not starve the others", function()
    run(function()
      local order, first = {}, nil
      site.handler = function(conn, request)
        order[#order + 1] = request.headers.host:match("^(.-):") .. request.query
        if first then
          conn:respond {}
        else
          first = conn -- holds the only place until all others wait
        end
      end
      local tasks = {}
      local function get(host, number)
        local address = ("http://%s:%d/x?%d"):format(host, site.port, number)
        tasks[#tasks + 1] = waiting(session.get, session, address)
      end
      for i = 1, 4 do
        get("127.0.0.1", i)
      end
      get("localhost", 1)
      get("localhost", 2)
      wait(function()
        return first
      end)
      first:respond {}
      for _, one in ipairs(tasks) do
        ok(one:await())
      end
      assert.same({ "127.0.0.11", "127.0.0.12", "localhost1", "127.0.0.13", "localhost2",
        "127.0.0.14" }, order)
    end, { max_connections = 1 })
  end)

  it("refuse at once what has no room in the queue", function()
    run(function()
      local tasks = hold(3)
      wait(function()
        return #site.held == 1
      end)
      assert.equal(2, session.pool.queued)
      local value, err = session:get(site.url .. "/")
      assert.is_nil(value)
      assert.equal("connect", err.kind)
      assert.matches("max_queue", err.message)
      assert.equal(2, session.pool.queued)
      finish(tasks)
      assert.equal("hello", ok(session:get(site.url .. "/")).body)
    end, { max_per_host = 1, max_queue = 2 })
  end)

  it("give a place back after each way to fail", function()
    run(function()
      for _ = 1, 5 do
        for _, path in ipairs { "/cut", "/closed", "/reset", "/garbage", "/silent", "/half" } do
          local value = session:get(site.url .. path, { timeout = 0.02 })
          assert.is_nil(value)
        end
        assert.is_nil((session:get(site.url .. "/", { max_body = 1 })))
        assert.is_nil((session:get(site.url .. "/", { curl = { CURLOPT_SSLVERSION = 99 } })))
        assert.is_nil((session:get("http://127.0.0.1:1/")))
        assert.is_nil((session:get("http://nosuch.invalid/")))
        assert.equal(0, session.pool.active)
        assert.equal(0, session.driver.count)
      end
      assert.is_nil(next(session.pool.origins))
      assert.equal("hello", ok(session:get(site.url .. "/")).body)
    end, { max_per_host = 1, max_connections = 1 })
  end)

  it("give the place of one that libcurl refuses to the next in the queue", function()
    run(function()
      local tasks = hold(1)
      wait(function()
        return #site.held == 1
      end)
      local refused = waiting(session.get, session, site.url .. "/",
        { curl = { CURLOPT_SSLVERSION = 99 } })
      local after = waiting(session.get, session, site.url .. "/")
      assert.equal(2, session.pool.queued)
      finish(tasks)
      local value, err = refused:await()
      assert.is_nil(value)
      assert.equal("unsupported", err.kind)
      assert.equal("hello", ok(after:await()).body)
      assert.equal(0, session.pool.active)
    end, { max_per_host = 1 })
  end)

  it("hold for 200 tasks at once, each of which gets its own answer", function()
    run(function()
      local seen = {}
      curlew.group(function(group)
        for i = 1, 200 do
          group:spawn(function()
            local res = ok(session:get(("%s/echo?%d"):format(site.url, i)))
            assert.equal(tostring(i), res.body)
            seen[i] = true
          end)
        end
      end)
      assert.equal(200, #seen)
      assert.equal(200, #site.requests)
      assert.is_true(site.connections <= 6)
    end, nil, {
      ["/echo"] = function(conn, request)
        conn:respond { body = request.query }
      end,
    })
  end)

  it("hold for each session by itself", function()
    run(function()
      local fresh, all = {}, {}
      for i = 1, 30 do
        fresh[i] = curlew.session { max_per_host = 1 }
        all[i] = hold(2, fresh[i])
      end
      wait(function()
        return #site.held == 30
      end)
      curlew.sleep(0.02)
      assert.equal(30, #site.held)
      for i = 1, 30 do
        finish(all[i])
        fresh[i]:close()
      end
    end)
  end)

  it("stop a bomb of 200 MB, without its memory #confined", function()
    local dir = shell.scratch()
    assert(shell.run(("head -c 200M /dev/zero | gzip -9 >%s/bomb"):format(dir)))
    local packed = shell.read_file(dir .. "/bomb")
    run(function()
      local bomb = process.start {
        process.lua, "-e", ([[
          local curlew = require "curlew"
          local function peak()
            local status = io.open "/proc/self/status":read "*a"
            return tonumber(status:match "VmHWM:%%s+(%%d+)") * 1024
          end
          curlew.run(function()
            local session = curlew.session()
            for _, most in ipairs { 2 ^ 20, false } do
              local before = peak()
              local _, err = session:get("%s/bomb", { max_body = most or nil })
              print(err.kind, peak() - before <= (most or 64 * 2 ^ 20) + 8 * 2 ^ 20)
            end
          end)
        ]]):format(site.url),
      }
      wait(function()
        return bomb.status
      end)
      assert.equal("too_large\ttrue\ntoo_large\ttrue\n", bomb.stdout .. bomb.stderr)
    end, nil, {
      ["/bomb"] = function(conn)
        conn:respond { headers = { ["Content-Encoding"] = "gzip" }, body = packed }
      end,
    })
  end)
end)
