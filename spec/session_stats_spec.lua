local curlew = require "curlew"
local sessions = require "support.sessions"
local tasks = require "support.tasks"

local ok, wait = sessions.ok, sessions.wait

describe("the statistics of a session", function()
  local site, session

  local run = sessions.runner(function(...)
    site, session = ...
  end)

  local NOTHING = {
    open = 0, idle = 0, in_flight = 0, queued = 0, requests = 0, reused = 0, received = 0, sent = 0,
  }

  -- Some of the statistics, such as { open = 1 }, are as they are said.
  local function are(expected, of)
    local stats, picked = (of or session):stats(), {}
    for name in pairs(expected) do
      picked[name] = stats[name]
    end
    assert.same(expected, picked)
  end

  local function hold(count)
    local list = {}
    for i = 1, count do
      list[i] = tasks.waiting(function()
        return ok(session:get(site.url .. "/hold?" .. i))
      end)
    end
    return list
  end

  it("are all 0 before the first request", function()
    run(function()
      assert.same(NOTHING, session:stats())
    end)
  end)

  it("can be asked for outside of a task, and are a table of the caller's", function()
    local own = curlew.session()
    own:stats().open = 5
    assert.same(NOTHING, own:stats())
    own:close()
    assert.same(NOTHING, own:stats())
  end)

  it("count requests, those on a connection used before, and connections #valgrind", function()
    run(function()
      ok(session:get(site.url .. "/"))
      are { requests = 1, reused = 0, open = 1, idle = 1, in_flight = 0 }
      ok(session:get(site.url .. "/"))
      ok(session:get(site.url .. "/"))
      are { requests = 3, reused = 2, open = 1, idle = 1, in_flight = 0 }
      assert.equal(1, site.connections)
    end)
  end)

  it("tell what is under way, and what waits for its place", function()
    run(function()
      local list = hold(5)
      wait(function()
        return #site.held == 2
      end)
      are { in_flight = 2, queued = 3, open = 2, idle = 0, requests = 0 }
      for _, one in ipairs(list) do
        wait(function()
          site.answer_all()
          return one:done()
        end)
      end
      are { in_flight = 0, queued = 0, open = 2, idle = 2, requests = 5, reused = 3 }
    end, { max_per_host = 2 })
  end)

  it("forget what was cancelled", function()
    run(function()
      local list = hold(3)
      wait(function()
        return #site.held == 2
      end)
      are { in_flight = 2, queued = 1 }
      list[3]:cancel()
      assert.is_true(tasks.is_cancelled(list[3]))
      are { in_flight = 2, queued = 0 }
      list[1]:cancel()
      list[2]:cancel()
      assert.is_true(tasks.is_cancelled(list[1]))
      assert.is_true(tasks.is_cancelled(list[2]))
      are { in_flight = 0, queued = 0, requests = 0, idle = session:stats().open }
      wait(function()
        return session:stats().open == 0
      end)
    end, { max_per_host = 2 })
  end)

  it("count a streamed response as under way until its end", function()
    run(function()
      local res = ok(session:get(site.url .. "/half", { stream = true }))
      are { in_flight = 1, open = 1, idle = 0, requests = 1 }
      res:close()
      are { in_flight = 0 }
      res = ok(session:get(site.url .. "/", { stream = true }))
      assert.equal("hello", res:text())
      are { in_flight = 0, requests = 2, open = 1, idle = 1 }
    end)
  end)

  it("count bytes that came and went, of bodies", function()
    run(function()
      ok(session:get(site.url .. "/"))
      are { received = 5, sent = 0 }
      ok(session:post(site.url .. "/", { body = ("x"):rep(1000) }))
      are { received = 10, sent = 1000 }
      local text = ok(session:get(site.url .. "/", { stream = true })):text()
      assert.equal("hello", text)
      are { received = 15, sent = 1000 }
      assert.is_nil((session:get(site.url .. "/cut")))
      are { received = 19 }
    end)
  end)

  it("count each request of a redirect and of a retry, but none that got no answer", function()
    local answers = { 503, 302 }
    run(function()
      assert.equal("hello", ok(session:get(site.url .. "/start", { retry = { backoff = 0 } })).body)
      are { requests = 3, reused = 2 }
      assert.is_nil((session:get(site.url .. "/closed")))
      assert.is_nil((session:get("http://127.0.0.1:1/")))
      assert.is_nil((session:get("no url")))
      are { requests = 3, reused = 2, in_flight = 0 }
    end, nil, {
      ["/start"] = function(conn)
        conn:respond { status = table.remove(answers, 1), headers = { Location = "/" } }
      end,
    })
  end)

  it("see a connection that the server closes", function()
    run(function()
      ok(session:get(site.url .. "/bye"))
      are { open = 0, idle = 0, requests = 1 }
    end, nil, {
      ["/bye"] = function(conn)
        conn:respond { close = true }
      end,
    })
  end)

  it("keep their counts when the session is closed, and nothing is open", function()
    run(function()
      local child = tasks.waiting(function()
        return session:get(site.url .. "/silent")
      end)
      ok(session:get(site.url .. "/"))
      session:close()
      assert.equal("closed_session", select(2, child:await()).kind)
      are { open = 0, idle = 0, in_flight = 0, queued = 0, requests = 1, received = 5 }
    end)
  end)
end)
