local after = require("support.tasks").after
local answers = require "support.answers"
local census = require "support.census"
local curlew = require "curlew"
local nginx = require "support.nginx"
local sessions = require "support.sessions"
local uv = require "curlew.uv"
local wait_all_blocked = require("curlew.testing").wait_all_blocked
local waiting = require("support.tasks").waiting

local ok, wait = sessions.ok, sessions.wait

describe("the end of", function()
  local site, session

  local run = sessions.runner(function(...)
    site, session = ...
  end)

  -- Nothing is left in the session; its connections are those that still serve.
  local function assert_idle(of)
    assert.equal(0, of.pool.active)
    assert.equal(0, of.pool.queued)
    assert.is_nil(next(of.pool.origins))
    assert.equal(0, of.driver.count)
    assert.is_nil(next(of.driver.live))
  end

  -- Where a request may stand: a name for it, an address that leads there, whether it is there. The
  -- server answers no TLS, so what connects with it stays in the handshake.
  local function places()
    return {
      { "while it connects", ("https://127.0.0.1:%d/"):format(site.port), function()
        return site.open > 0
      end },
      { "before the head", site.url .. "/silent", function() return #site.requests > 0 end },
      { "in the body", site.url .. "/half", function() return #site.requests > 0 end },
    }
  end

  describe("a task that is cancelled", function()
    it("leaves nothing of its request, wherever that stands #valgrind", function()
      run(function()
        ok(session:get(site.url .. "/"))
        session.driver:close({}) -- no connection is kept: the next session starts from nothing
        wait(function()
          return site.open == 0
        end)
        session.closed = true
        session = curlew.session { max_per_host = 2 }
        local before = census.take()
        for index in ipairs(places()) do
          local name, address, there = (table.unpack or unpack)(places()[index])
          site.requests = {}
          local tasks = {}
          for i = 1, 4 do -- two on the wire, two in the queue
            tasks[i] = curlew.spawn(session.get, session, address)
          end
          curlew.sleep(0.005)
          wait(there)
          assert.equal(2, session.pool.active, name)
          assert.equal(2, session.pool.queued, name)
          for _, one in ipairs(tasks) do
            assert.is_true(one:cancel("enough"))
          end
          assert_idle(session)
          for _, one in ipairs(tasks) do
            local good, err = curlew.pcall(one.await, one)
            assert.is_false(good)
            assert.equal("cancelled", err.kind)
            assert.equal("enough", err.reason)
          end
          wait(function()
            return site.open == 0 and census.take().descriptors <= before.descriptors
          end)
          assert.same(before, census.take(), name)
        end
        assert.equal("hello", ok(session:get(site.url .. "/")).body)
        session:close()
      end)
    end)

    it("in the first turns of its request, and so maybe in the lookup, leaves nothing", function()
      run(function()
        for turns = 1, 8 do
          local tasks = {}
          for i = 1, 4 do
            tasks[i] = curlew.spawn(session.get, session, "http://nosuch.invalid/")
          end
          wait_all_blocked()
          after(turns - 1)
          assert.is_true(turns > 1 or session.pool.active == 2)
          for _, one in ipairs(tasks) do
            one:cancel()
          end
          assert_idle(session)
          curlew.yield()
          for _, one in ipairs(tasks) do
            local good, value, err = curlew.pcall(one.await, one)
            assert.equal(good and "resolve" or "cancelled", (good and err or value).kind)
          end
        end
        assert.equal("hello", ok(session:get(site.url .. "/")).body)
      end, { max_per_host = 2 })
    end)

    it("gives its place to the next in the queue", function()
      run(function()
        local first = waiting(session.get, session, site.url .. "/silent")
        local second = waiting(session.get, session, site.url .. "/")
        wait(function()
          return #site.requests == 1
        end)
        assert.equal(1, session.pool.queued)
        first:cancel()
        assert.equal("hello", ok(second:await()).body)
      end, { max_per_host = 1 })
    end)

    it("in the queue lets those behind it move up", function()
      run(function()
        local first = waiting(session.get, session, site.url .. "/hold")
        local second = waiting(session.get, session, site.url .. "/silent")
        local third = waiting(session.get, session, site.url .. "/")
        wait(function()
          return #site.held == 1
        end)
        second:cancel()
        site.answer_all()
        ok(first:await())
        assert.equal("hello", ok(third:await()).body)
        assert.equal(2, #site.requests)
      end, { max_per_host = 1 })
    end)

    it("before its start never sends its request", function()
      run(function()
        local one = curlew.spawn(session.get, session, site.url .. "/")
        one:cancel()
        curlew.sleep(0.01)
        assert.equal(0, #site.requests)
        assert_idle(session)
      end)
    end)

    it("while others wait for its HTTP/2 connection does not take them along", function()
      run(function()
        local web = nginx.start()
        for turns = 1, 6 do
          local fresh = curlew.session { verify = web.ca }
          local tasks = {}
          for i = 1, 6 do
            tasks[i] = waiting(fresh.get, fresh, web.https .. "/1k")
          end
          after(turns - 1)
          tasks[1]:cancel()
          for i = 2, 6 do
            assert.equal(200, ok(tasks[i]:await()).status)
          end
          fresh:close()
        end
      end)
    end)

    it("ends only its own stream of an HTTP/2 connection", function()
      run(function()
        local web = nginx.start()
        if not web.can_sleep then
          return
        end
        local given = { verify = web.ca }
        ok(session:get(web.https .. "/1k", given))
        web.forget()
        local slow = curlew.spawn(session.get, session, web.https .. "/sleep/5", given)
        local other = curlew.spawn(session.get, session, web.https .. "/sleep/0.1", given)
        curlew.sleep(0.03)
        slow:cancel()
        assert.equal("slept\n", ok(other:await()).body)
        local res = ok(session:get(web.https .. "/1k", given))
        assert.is_true(res.reused)
        assert_idle(session)
      end)
    end)

    it("may be cancelled from any luv callback", function()
      run(function()
        local one = curlew.spawn(session.get, session, site.url .. "/half")
        local timer = uv.new_timer()
        timer:start(15, 0, function()
          timer:close()
          one:cancel()
        end)
        local good, err = curlew.pcall(one.await, one)
        assert.is_false(good)
        assert.equal("cancelled", err.kind)
        assert_idle(session)
      end)
    end)

    it("by a limit of time gets nil and a timeout, and leaves nothing", function()
      run(function()
        local value, err = curlew.timeout(0.03, session.get, session, site.url .. "/half")
        assert.is_nil(value)
        assert.equal("timeout", err.kind)
        assert_idle(session)
        wait(function()
          return site.open == 0
        end)
      end)
    end)

    it("by its group's failure leaves nothing", function()
      run(function()
        local good, err = curlew.pcall(curlew.group, function(group)
          for _ = 1, 10 do
            group:spawn(session.get, session, site.url .. "/silent")
          end
          curlew.sleep(0.02)
          error("the body fails", 0)
        end)
        assert.is_false(good)
        assert.equal("the body fails", err)
        assert_idle(session)
      end)
    end)
  end)

  describe("a session that is closed", function()
    it("ends what is under way and what waits, with kind closed_session #valgrind", function()
      run(function()
        local tasks = {}
        for i = 1, 6 do
          local path = i % 2 == 0 and "/half" or "/silent"
          tasks[i] = curlew.spawn(session.get, session, site.url .. path)
        end
        wait(function()
          return #site.requests == 2
        end)
        session:close()
        session:close()
        for _, one in ipairs(tasks) do
          local value, err = one:await()
          assert.is_nil(value)
          assert.equal("closed_session", err.kind)
          assert.is_false(err.retryable)
          assert.equal("GET", err.method)
          assert.matches("closed", err.message)
        end
        assert_idle(session)
        wait(function()
          return site.open == 0
        end)
      end, { max_per_host = 2 })
    end)

    it("refuses further requests", function()
      run(function()
        session:close()
        local value, err = session:get(site.url .. "/")
        assert.is_nil(value)
        assert.equal("closed_session", err.kind)
        assert.equal(site.url .. "/", err.url)
        assert.equal(0, #site.requests)
        assert_idle(session)
      end)
    end)

    it("ends requests in all their stages", function()
      run(function()
        for index in ipairs(places()) do
          local fresh = curlew.session()
          local one = curlew.spawn(fresh.get, fresh, places()[index][2])
          curlew.sleep(0.003)
          fresh:close()
          local value, err = one:await()
          assert.is_nil(value)
          assert.equal("closed_session", err.kind)
          assert_idle(fresh)
        end
      end)
    end)

    it("in the turn of its first request lets nothing through", function()
      run(function()
        local one = waiting(session.get, session, site.url .. "/")
        session:close()
        local value, err = one:await()
        assert.is_nil(value)
        assert.equal("closed_session", err.kind)
        curlew.sleep(0.01)
        assert.equal(0, #site.requests)
      end)
    end)

    it("gives back its descriptors and handles", function()
      run(function()
        curlew.sleep(0.01)
        local before = census.take()
        for _ = 1, 20 do
          local fresh = curlew.session()
          ok(fresh:get(site.url .. "/"))
          fresh:close()
        end
        wait(function()
          return site.open == 0
        end)
        curlew.yield()
        assert.same(before, census.take())
      end)
    end)

    it("does not disturb other sessions, nor what was received", function()
      run(function()
        local other = curlew.session()
        local task = curlew.spawn(other.get, other, site.url .. "/hold")
        local res = ok(session:get(site.url .. "/"))
        wait(function()
          return #site.held == 1
        end)
        session:close()
        site.answer_all { body = "late" }
        assert.equal("late", ok(task:await()).body)
        assert.equal("hello", res.body)
        assert.equal("5", res.headers["content-length"])
        other:close()
      end)
    end)

    it("by one task keeps the answer that another has got already", function()
      run(function()
        local first = curlew.spawn(function()
          ok(session:get(site.url .. "/hold"))
          session:close()
        end)
        local second = curlew.spawn(session.get, session, site.url .. "/hold")
        wait(function()
          return #site.held == 2
        end)
        site.answer_all { body = "both" }
        first:await()
        local value, err = second:await()
        assert.is_true((value and value.body == "both") or err.kind == "closed_session")
        assert_idle(session)
      end)
    end)
  end)

  describe("sessions that are forgotten", function()
    it("gives everything back once they are collected", function()
      run(function()
        curlew.sleep(0.01)
        local before = census.take()
        -- In a task of its own, since LuaJIT looks for references on stacks that are still there.
        curlew.spawn(function()
          for _ = 1, 30 do
            ok(curlew.session():get(site.url .. "/"))
          end
        end):await()
        collectgarbage()
        collectgarbage()
        curlew.session():close()
        wait(function()
          return site.open == 0
        end)
        curlew.yield()
        assert.same(before, census.take())
      end)
    end)

    it("waits for their requests", function()
      run(function()
        local one = curlew.spawn(function()
          return ok(curlew.session():get(site.url .. "/hold"))
        end)
        wait(function()
          return #site.held == 1
        end)
        collectgarbage()
        collectgarbage()
        curlew.session():close()
        collectgarbage()
        site.answer_all { body = "still here" }
        assert.equal("still here", one:await().body)
      end)
    end)

    it("by the thousand does no harm", function()
      run(function()
        for _ = 1, 2000 do
          curlew.session()
        end
        assert.equal("hello", ok(session:get(site.url .. "/")).body)
        collectgarbage()
        collectgarbage()
        curlew.session():close()
        assert.equal("hello", ok(session:get(site.url .. "/")).body)
      end)
    end)
  end)

  describe("a run", function()
    it("cancels the requests that are under way", function()
      local tasks, kept = {}, nil
      curlew.run(function() end)
      local before = census.take()
      curlew.run(function()
        site = answers.new()
        kept = curlew.session()
        for i = 1, 10 do
          tasks[i] = curlew.spawn(kept.get, kept, site.url .. "/silent")
        end
        wait(function()
          return #site.requests == 6
        end)
      end)
      for _, one in ipairs(tasks) do
        assert.equal("cancelled", one:status())
      end
      assert_idle(kept)
      curlew.run(function()
        kept:close()
        site:close()
      end)
      assert.same(before, census.take())
    end)
  end)
end)
