local compat = require "curlew.compat"
local here = require "support.here"
local listen = require "support.listen"
local process = require "support.process"
local task = require "curlew.task"
local time = require "curlew.time"
local uv = require "curlew.uv"
local wait_all_blocked = require("curlew.testing").wait_all_blocked
local waiting = require("support.tasks").waiting

local function refusal(fn)
  local ok, message = task.pcall(fn)
  assert.is_false(ok)
  return message
end

-- Keeps the processor busy, as a program that computes.
local function compute(seconds)
  local over = time.now() + seconds
  repeat until time.now() >= over
end

describe("time", function()
  before_each(listen.to_failures)
  after_each(listen.no_more)

  describe("sleep", function()
    it("ends in the order of the times slept, not of the calls #order", function()
      local order, is_late
      repeat -- until all have begun in time: a slow machine may need another go
        order = {}
        task.run(function()
          task.group(function(g)
            local begun = time.now()
            for _, ms in ipairs { 45, 5, 25, 15, 35 } do
              g:spawn(function()
                task.sleep(ms / 1000)
                order[#order + 1] = ms
              end)
            end
            wait_all_blocked()
            is_late = time.now() - begun > 0.005
          end)
        end)
      until not is_late
      assert.same({ 5, 15, 25, 35, 45 }, order)
    end)

    it("lets other tasks and the loop go on meanwhile", function()
      task.run(function()
        local count = 0
        local counter = task.spawn(function()
          while true do
            count = count + 1
            task.yield()
          end
        end)
        task.sleep(0.02)
        assert.is_true(count > 1)
        counter:cancel()
      end)
    end)

    it("never ends early", function()
      task.run(function()
        for _ = 1, 5 do
          local begun = time.now()
          task.sleep(0.003)
          assert.is_true(time.now() - begun >= 0.003)
        end
      end)
    end)

    it("is not over at once after long computing", function()
      local order = {}
      task.run(function()
        local sleeper = waiting(function()
          compute(0.2)
          task.sleep(0.1)
          order[#order + 1] = "sleep of 100 ms"
        end)
        uv.update_time()
        local timer = uv.new_timer()
        timer:start(1, 0, function()
          timer:close()
          order[#order + 1] = "timer of 1 ms"
        end)
        sleeper:await()
      end)
      assert.same({ "timer of 1 ms", "sleep of 100 ms" }, order)
    end)

    it("of 0 or less is a yield: other tasks go first, no time need pass", function()
      for _, seconds in ipairs { 0, -1, -math.huge } do
        local order = {}
        local function sleep()
          order[#order + 1] = "begins"
          task.sleep(seconds)
          order[#order + 1] = "goes on"
        end
        task.run(task.gather, { sleep, sleep })
        assert.same({ "begins", "begins", "goes on", "goes on" }, order)
      end
    end)

    it("of 0 takes no time: it ends on the next turn", function()
      local order = {}
      local function count(step)
        for i = 1, 3 do
          order[#order + 1] = i
          step()
        end
      end
      task.run(task.gather, {
        function() count(task.yield) end,
        function() count(function() task.sleep(0) end) end,
      })
      assert.same({ 1, 1, 2, 2, 3, 3 }, order)
    end)

    it("of math.huge ends only when cancelled", function()
      task.run(function()
        local child = waiting(task.sleep, math.huge) -- nothing else sleeps when it begins
        assert.equal("waiting", child:status())
        task.sleep(0.005)
        assert.equal("waiting", child:status())
        child:cancel()
        wait_all_blocked()
        assert.equal("cancelled", child:status())
      end)
    end)

    it("takes longer times than luv's timer can count", function()
      task.run(function()
        local child = waiting(task.sleep, 1e300)
        assert.equal("waiting", child:status())
        task.sleep(0.002)
        assert.equal("waiting", child:status())
      end)
    end)

    it("refuses NaN and what is no number, at the caller's line", function()
      task.run(function()
        local line = here() + 1
        local nan = refusal(function() task.sleep(0 / 0) end)
        assert.matches("time_spec%.lua:" .. line .. ": .*number of seconds, got NaN", nan)
        assert.matches("time_spec%.lua:%d+: .*number of seconds, got string",
          refusal(function() task.sleep("1") end))
        assert.matches("time_spec%.lua:%d+: .*number of seconds, got nothing",
          refusal(function() task.sleep() end))
      end)
    end)

    it("outside of a task raises at the caller's line", function()
      local line = here() + 1
      local message = refusal(function() task.sleep(1) end)
      assert.matches("time_spec%.lua:" .. line .. ": .*inside a task", message)
    end)

    it("leaves nothing behind when it is cancelled: the loop ends at once", function()
      local child = process.run { process.lua, "-e", [[
        local task, uv = require "curlew.task", require "curlew.uv"
        local sleeper = task.spawn(task.sleep, 3600)
        task.spawn(function() task.yield() sleeper:cancel() end)
        uv.run()
        print("empty")
      ]], timeout = 10 }
      assert.equal("empty\n", child.stdout)
    end)

    it("can be had 100,000 times at once", function()
      task.run(function()
        local woken = 0
        task.group(function(g)
          local function sleeper()
            task.sleep(0.001)
            woken = woken + 1
          end
          for _ = 1, 100000 do
            g:spawn(sleeper)
          end
        end)
        assert.equal(100000, woken)
      end)
    end)
  end)

  describe("alarms", function()
    it("ring in the order of their deadlines; of equal ones, of their making", function()
      local rung = {}
      task.run(function()
        local function ring(name)
          rung[#rung + 1] = name
        end
        local now = time.now()
        for i, deadline in ipairs { 3, 1, 2, 1, 3, 2 } do
          time.at(now + deadline / 1000, ring, deadline .. "/" .. i)
        end
        while #rung < 6 do
          task.sleep(0.001)
        end
      end)
      assert.same({ "1/2", "1/4", "2/3", "2/6", "3/1", "3/5" }, rung)
    end)

    it("do not ring after they were taken back, which may be done twice", function()
      task.run(function()
        local rung = {}
        local alarms = {}
        local now = time.now()
        for i = 1, 50 do
          alarms[i] = time.at(now + (i * 7 % 50) / 10000, function(arg)
            rung[arg] = true
          end, i)
        end
        for i = 1, 50, 2 do
          time.cancel(alarms[i])
          time.cancel(alarms[i])
        end
        task.sleep(0.02)
        for i = 1, 50 do
          assert.equal(i % 2 == 0 or nil, rung[i])
        end
      end)
    end)

    it("of the past ring soon", function()
      task.run(function()
        task.await(function(done)
          time.at(time.now() - 5, done)
        end)
      end)
    end)
  end)

  describe("timeout", function()
    it("returns the results of its function, nils included, with its arguments", function()
      task.run(function()
        assert.same({ n = 3, nil, "x", nil }, compat.pack(task.timeout(60, function(x)
          task.yield()
          return nil, x, nil
        end, "x")))
      end)
    end)

    it("returns nil and an error of kind timeout when the time is over", function()
      task.run(function()
        local value, err = task.timeout(0.001, task.sleep, 60)
        assert.is_nil(value)
        assert.equal("timeout", err.kind)
        assert.matches("^timeout: .*0%.001 s", tostring(err))
        task.yield() -- the task itself is not cancelled
      end)
    end)

    it("raises a cancellation inside, so that clean-up runs before it returns", function()
      task.run(function()
        local order = {}
        local _, err = task.timeout(0.001, function()
          local ok, inside = task.pcall(task.sleep, 60)
          assert(not ok)
          order[#order + 1] = inside.kind
          error(inside, 0)
        end)
        order[#order + 1] = err.kind
        assert.same({ "cancelled", "timeout" }, order)
      end)
    end)

    it("raises again at every later wait of a function that swallows it", function()
      task.run(function()
        local raised = 0
        local _, err = task.timeout(0.001, function()
          for _ = 1, 3 do
            local ok = task.pcall(task.sleep, 60)
            raised = raised + (ok and 0 or 1)
          end
          task.yield()
        end)
        assert.equal(3, raised)
        assert.equal("timeout", err.kind)
      end)
    end)

    it("returns the value of a function that finishes although its time is over", function()
      task.run(function()
        assert.equal("finished", task.timeout(0.001, function()
          task.pcall(task.sleep, 60)
          return "finished"
        end))
        assert.equal("never waited", task.timeout(0.001, function()
          compute(0.003)
          return "never waited"
        end))
      end)
    end)

    it("of 0 or less raises at the first wait, not before", function()
      for _, seconds in ipairs { 0, -1, -math.huge } do
        task.run(function()
          local reached
          local value, err = task.timeout(seconds, function()
            reached = "the wait"
            task.yield()
            reached = "too far"
          end)
          assert.is_nil(value)
          assert.equal("timeout", err.kind)
          assert.equal("the wait", reached)
          assert.equal(5, task.timeout(seconds, function() return 5 end))
        end)
      end
    end)

    it("of math.huge is no limit", function()
      task.run(function()
        assert.equal("done", task.timeout(math.huge, function()
          task.sleep(0.002)
          return "done"
        end))
      end)
    end)

    it("refuses NaN, strings and what cannot be called, at the caller's line", function()
      task.run(function()
        local line = here() + 1
        local nan = refusal(function() task.timeout(0 / 0, print) end)
        assert.matches("time_spec%.lua:" .. line .. ": .*number of seconds, got NaN", nan)
        assert.matches("time_spec%.lua:%d+: .*number of seconds, got string",
          refusal(function() task.timeout("1", print) end))
        assert.matches("time_spec%.lua:%d+: .*must be a function, got nothing",
          refusal(function() task.timeout(1) end))
      end)
    end)

    it("outside of a task raises at the caller's line", function()
      local line = here() + 1
      local message = refusal(function() task.timeout(1, print) end)
      assert.matches("time_spec%.lua:" .. line .. ": .*inside a task", message)
    end)

    it("lets errors of its function through unchanged", function()
      task.run(function()
        for _, err in ipairs { {}, false, 5, "text" } do
          local ok, got = task.pcall(task.timeout, 60, error, err, 0)
          assert.is_false(ok)
          assert.equal(err, got)
        end
      end)
    end)

    it("lets an error that is nil through as an error", function()
      task.run(function()
        assert.is_false((task.pcall(task.timeout, 60, error, nil)))
      end)
    end)

    it("does not touch what was spawned inside, which is no part of it", function()
      task.run(function()
        local spawned
        task.timeout(0.001, function()
          spawned = task.spawn(function()
            task.sleep(0.003)
            return "went on"
          end)
          spawned:await()
        end)
        assert.equal("went on", spawned:await())
      end)
    end)

    it("is not mistaken for the timeout of another task that is awaited", function()
      task.run(function()
        local other = waiting(task.sleep, 60)
        other:cancel("timeout")
        local ok, err = task.pcall(task.timeout, 60, other.await, other)
        assert.is_false(ok)
        assert.equal("cancelled", err.kind)
      end)
    end)

    it("nests: the inner limit ends only the inner function", function()
      task.run(function()
        local inner
        local result = task.timeout(60, function()
          local _, err = task.timeout(0.001, task.sleep, 60)
          inner = err.kind
          task.yield()
          return "outer went on"
        end)
        assert.equal("timeout", inner)
        assert.equal("outer went on", result)
      end)
    end)

    it("nests: the outer limit passes through the inner one", function()
      task.run(function()
        local inner_returned = false
        local _, err = task.timeout(0.001, function()
          task.timeout(60, task.sleep, 60)
          inner_returned = true
        end)
        assert.is_false(inner_returned)
        assert.matches("within 0%.001 s", err.message)
      end)
    end)

    it("gives way to the outer limit when both are over in one turn", function()
      task.run(function()
        local inner_returned = false
        local _, err = task.timeout(0.002, function()
          task.timeout(0.001, function()
            task.pcall(task.await, function()
              compute(0.003) -- both deadlines pass before the loop comes round
            end)
            task.yield()
          end)
          inner_returned = true
        end)
        assert.is_false(inner_returned)
        assert.matches("within 0%.002 s", err.message)
      end)
    end)

    it("keeps the value of a wait that was over in the same turn as the limit", function()
      task.run(function()
        local got
        local value = task.timeout(0.002, function()
          got = task.await(function(done)
            time.at(0, done, "value")
            compute(0.003) -- both times pass before the loop comes round
          end)
          return "returned"
        end)
        assert.equal("value", got)
        assert.equal("returned", value)
      end)
    end)

    it("passes a cancellation of the task on, and does not call it a timeout", function()
      task.run(function()
        local returned = false
        local child = waiting(function()
          task.timeout(60, task.sleep, 60)
          returned = true
        end)
        child:cancel()
        task.pcall(child.await, child)
        assert.equal("cancelled", child:status())
        assert.is_false(returned)
      end)
    end)

    it("leaves no alarm behind", function()
      local child = process.run { process.lua, "-e", [[
        local task, uv = require "curlew.task", require "curlew.uv"
        task.spawn(function()
          task.timeout(3600, task.yield)
          task.pcall(task.timeout, 3600, error, "x")
          task.timeout(0.001, task.timeout, 3600, task.sleep, 3600)
        end)
        uv.run()
        print("empty")
      ]], timeout = 10 }
      assert.equal("empty\n", child.stdout)
    end)
  end)
end)
