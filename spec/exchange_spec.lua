local curlew = require "curlew"
local exchange = require "curlew.exchange"
local request = require "curlew.request"
local sessions = require "support.sessions"
local time = require "curlew.time"
local wait_all_blocked = require("curlew.testing").wait_all_blocked
local waiting = require("support.tasks").waiting

local wait = sessions.wait

describe("an exchange", function()
  local site, session

  local run = sessions.runner(function(...)
    site, session = ...
  end)

  local function perform(path, deadline)
    local wanted = request.new(session.defaults, "GET", site.url .. path)
    return exchange.perform(session, wanted, deadline or math.huge)
  end

  local function assert_nothing_left()
    assert.equal(0, session.pool.active)
    assert.equal(0, session.pool.queued)
    assert.equal(0, session.driver.count)
  end

  it("gives the outcome of the transfer, and its place back #valgrind", function()
    run(function()
      local outcome, err = perform "/"
      assert.is_nil(err)
      assert.equal(200, outcome.status)
      assert.equal("hello", outcome.body)
      assert_nothing_left()
    end)
  end)

  it("gives an error for a transfer that has failed", function()
    run(function()
      local outcome, err = perform "/cut"
      assert.is_nil(outcome)
      assert.equal("closed", err.kind)
      assert_nothing_left()
    end)
  end)

  it("ends by its deadline, on the wire as in the queue", function()
    run(function()
      local behind = curlew.spawn(perform, "/", time.now() + 0.05)
      local outcome, err = perform("/silent", time.now() + 0.1)
      assert.is_nil(outcome)
      assert.equal("timeout", err.kind)
      assert.equal("wait", err.phase)
      outcome, err = behind:await()
      assert.is_nil(outcome)
      assert.equal("timeout", err.kind)
      assert.equal("queue", err.phase)
      assert_nothing_left()
    end, { max_per_host = 1 })
  end)

  it("sends nothing in a task that is cancelled already", function()
    run(function()
      local one = waiting(function()
        curlew.pcall(curlew.sleep, 60)
        return perform "/"
      end)
      one:cancel()
      local good, err = curlew.pcall(one.await, one)
      assert.is_false(good)
      assert.equal("cancelled", err.kind)
      assert.equal(0, #site.requests)
      assert_nothing_left()
    end)
  end)

  it("keeps its outcome when the cancel comes in the turn in which it ended", function()
    run(function()
      local value
      local one, other
      one = curlew.spawn(function()
        perform "/hold"
        other:cancel()
      end)
      other = curlew.spawn(function()
        value = perform "/hold"
        curlew.sleep(60)
      end)
      wait(function()
        return #site.held == 2
      end)
      site.answer_all { body = "both" }
      one:await()
      local good, err = curlew.pcall(other.await, other)
      assert.is_false(good)
      assert.equal("cancelled", err.kind)
      assert.is_true(value == nil or value.body == "both")
      assert_nothing_left()
    end)
  end)

  it("of a task that is shielded goes on", function()
    run(function()
      local outcome
      local one = curlew.spawn(function()
        curlew.shield(function()
          outcome = perform "/hold"
        end)
      end)
      wait(function()
        return #site.held == 1
      end)
      one:cancel()
      wait_all_blocked()
      assert.equal(1, session.driver.count)
      site.answer_all { body = "kept" }
      curlew.pcall(one.await, one)
      assert.equal("kept", outcome.body)
      assert_nothing_left()
    end)
  end)

  it("is refused without a trace when the queue is full", function()
    run(function()
      local first = waiting(perform, "/hold")
      local outcome, err = perform "/"
      assert.is_nil(outcome)
      assert.equal("connect", err.kind)
      assert.equal(1, session.pool.active)
      wait(function()
        return #site.held == 1
      end)
      site.answer_all()
      first:await()
      assert_nothing_left()
    end, { max_per_host = 1, max_queue = 0 })
  end)

  it("ends with all others of its session", function()
    run(function()
      local tasks = {}
      for i = 1, 5 do
        tasks[i] = curlew.spawn(perform, "/silent")
      end
      wait(function()
        return #site.requests == 2
      end)
      session.closed = true
      exchange.end_all(session)
      for _, one in ipairs(tasks) do
        local outcome, err = one:await()
        assert.is_nil(outcome)
        assert.equal("closed_session", err.kind)
      end
      assert_nothing_left()
    end, { max_per_host = 2 })
  end)
end)
