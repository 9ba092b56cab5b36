local errors = require "curlew.error"
local listen = require "support.listen"
local shell = require "support.shell"
local task = require "curlew.task"
local uv = require "curlew.uv"
local wait_all_blocked = require("curlew.testing").wait_all_blocked
local waiting = require("support.tasks").waiting

local function outcome(child)
  local ok, err = task.pcall(child.await, child)
  return child:status(), ok, err
end

describe("cancellation", function()
  before_each(listen.to_failures)
  after_each(listen.no_more)

  it("keeps a task that has not started from ever running", function()
    task.run(function()
      local ran = false
      local child = task.spawn(function()
        ran = true
      end)
      assert.is_true(child:cancel())
      assert.equal("cancelled", child:status())
      wait_all_blocked()
      assert.is_false(ran)
      local status, ok, err = outcome(child)
      assert.same({ "cancelled", false, "cancelled" }, { status, ok, err.kind })
    end)
  end)

  it("raises an error of kind cancelled in a sleep", function()
    task.run(function()
      local caught
      local child = waiting(function()
        local ok, err = task.pcall(task.sleep, 60)
        caught = not ok and err
        error(err, 0)
      end)
      assert.is_true(child:cancel("enough"))
      assert.equal("cancelled", (outcome(child)))
      assert.is_true(errors.is(caught, "cancelled"))
      assert.equal("enough", caught.reason)
      assert.matches("enough", tostring(caught))
    end)
  end)

  it("never raises inside cancel: the task runs on a later turn", function()
    task.run(function()
      local log = {}
      local child = waiting(function()
        task.pcall(task.sleep, 60)
        log[#log + 1] = "unwound"
      end)
      child:cancel()
      log[#log + 1] = "asked"
      task.pcall(child.await, child)
      assert.same({ "asked", "unwound" }, log)
    end)
  end)

  it("leaves the awaited task running", function()
    task.run(function()
      local event = task.event()
      local awaited = task.spawn(function()
        event:wait()
        return "went on"
      end)
      local child = waiting(awaited.await, awaited)
      child:cancel()
      assert.equal("cancelled", (outcome(child)))
      assert.is_false(awaited:done())
      event:set()
      assert.equal("went on", awaited:await())
    end)
  end)

  it("keeps the value of a wait that was over in the same turn, and raises at the next", function()
    task.run(function()
      local got, later
      local release
      local child = waiting(function()
        got = task.await(function(done)
          release = done
        end)
        later = { task.pcall(task.yield) }
        error(later[2], 0)
      end)
      release("value")
      child:cancel()
      assert.equal("cancelled", (outcome(child)))
      assert.equal("value", got)
      assert.is_false(later[1])
      assert.equal("cancelled", later[2].kind)
    end)
  end)

  it("keeps the results of an awaited task that ended in the same turn", function()
    task.run(function()
      local child, got
      local awaited = task.spawn(function()
        task.yield()
        child:cancel()
        return "result"
      end)
      child = task.spawn(function()
        got = awaited:await()
      end)
      -- here the cancel comes first; there, after the end
      assert.equal("cancelled", (outcome(child)))
      assert.is_nil(got)

      awaited = task.spawn(function()
        task.yield()
        return "result"
      end)
      child = task.spawn(function()
        got = awaited:await()
        return got
      end)
      local canceller = task.spawn(function()
        while not awaited:done() do
          task.yield()
        end
        if not child:done() then
          child:cancel()
        end
      end)
      assert.equal("done", (outcome(child)))
      assert.equal("result", got)
      canceller:await()
    end)
  end)

  it("delivers two cancels as one; the first reason stays", function()
    task.run(function()
      local raised = 0
      local child = waiting(function()
        local ok, err = task.pcall(task.sleep, 60)
        raised = raised + 1
        assert(not ok)
        error(err, 0)
      end)
      assert.is_true(child:cancel("first"))
      assert.is_true(child:cancel("second"))
      local status, _, err = outcome(child)
      assert.equal("cancelled", status)
      assert.equal("first", err.reason)
      assert.equal(1, raised)
    end)
  end)

  it("keeps the first reason when the second comes during clean-up", function()
    task.run(function()
      local reasons, event = {}, task.event()
      local child = waiting(function()
        for i = 1, 2 do
          local _, err = task.pcall(task.sleep, 60)
          reasons[i] = err.reason
          task.shield(event.wait, event)
        end
      end)
      child:cancel("first")
      wait_all_blocked()
      assert.is_true(child:cancel("second"))
      event:set()
      assert.equal("done", (outcome(child)))
      assert.same({ "first", "first" }, reasons)
    end)
  end)

  it("returns false for a task that has ended, and changes nothing", function()
    task.run(function()
      local child = task.spawn(function()
        return "value"
      end)
      child:await()
      assert.is_false(child:cancel())
      assert.equal("done", child:status())
      assert.equal("value", child:await())
      local cancelled = task.spawn(task.sleep, 60)
      cancelled:cancel()
      assert.is_false(cancelled:cancel())
    end)
  end)

  it("of the task itself is raised at its next wait, not before", function()
    task.run(function()
      local reached
      local child = task.spawn(function()
        assert(task.current():cancel("myself"))
        reached = true
        task.yield()
        reached = "too far"
      end)
      local status, _, err = outcome(child)
      assert.equal("cancelled", status)
      assert.equal("myself", err.reason)
      assert.is_true(reached)
    end)
  end)

  it("raises the cancellation again at every later wait", function()
    task.run(function()
      local seen = {}
      local waits = {
        function() task.sleep(60) end,
        function() task.sleep(0) end,
        function() task.yield() end,
        function() task.spawn(function() end):await() end,
        function() task.timeout(60, function() end) end,
        function() task.group(function() end) end,
        function() task.await(function(done) done() end) end,
        function() task.map({ 1 }, function() end) end,
      }
      local child = waiting(function()
        for i, wait in ipairs(waits) do
          local ok, err = task.pcall(wait)
          seen[i] = not ok and err
        end
      end)
      child:cancel("level")
      child:await()
      for i = 1, #waits do
        assert.is_true(errors.is(seen[i], "cancelled"), "wait " .. i)
        assert.equal(seen[1], seen[i])
      end
    end)
  end)

  it("lets a task that returns without waiting again end done, with its value", function()
    task.run(function()
      local child = waiting(function()
        task.pcall(task.sleep, 60)
        return "value"
      end)
      child:cancel()
      assert.equal("value", child:await())
      assert.equal("done", child:status())
    end)
  end)

  it("makes an error raised while unwinding the failure, with the cancel as its cause", function()
    task.run(function()
      local err = errors.new { kind = "io", message = "disk full" }
      local child = waiting(function()
        task.pcall(task.sleep, 60)
        error(err, 0)
      end)
      child:cancel("stop")
      local status, _, got = outcome(child)
      assert.equal("failed", status)
      assert.equal(err, got)
      assert.equal("cancelled", got.cause.kind)
      assert.equal("stop", got.cause.reason)
    end)
  end)

  it("does not overwrite the cause that an error brings along", function()
    task.run(function()
      local child = waiting(function()
        task.pcall(task.sleep, 60)
        error(errors.new { kind = "io", message = "x", cause = "its own" }, 0)
      end)
      child:cancel()
      local _, _, err = outcome(child)
      assert.equal("its own", err.cause)
    end)
  end)

  it("leaves errors of other types as they are when they are raised while unwinding", function()
    task.run(function()
      local table_error = {}
      for _, value in ipairs { "text", table_error, 5, false } do
        local child = waiting(function()
          task.pcall(task.sleep, 60)
          error(value, 0)
        end)
        child:cancel()
        local status, _, err = outcome(child)
        assert.equal("failed", status)
        assert.equal(value, err)
      end
      assert.same({}, table_error)
    end)
  end)

  it("runs every clean-up on the way out, innermost first", function()
    task.run(function()
      local log = {}
      local function cleaned(name, fn)
        local ok, err = task.pcall(fn)
        log[#log + 1] = name
        if not ok then
          error(err, 0)
        end
      end
      local child = waiting(function()
        cleaned("outer", function()
          cleaned("inner", function()
            task.sleep(60)
          end)
        end)
      end)
      child:cancel()
      assert.equal("cancelled", (outcome(child)))
      assert.same({ "inner", "outer" }, log)
    end)
  end)

  it("may come from a luv callback, also one that curlew knows nothing of", function()
    task.run(function()
      local child = waiting(task.sleep, 60)
      local timer = uv.new_timer()
      timer:start(1, 0, function()
        timer:close()
        child:cancel("from luv")
      end)
      local status, _, err = outcome(child)
      assert.equal("cancelled", status)
      assert.equal("from luv", err.reason)
    end)
  end)

  it("may come from outside of run's tasks, in a loop that the user turns", function()
    local child = task.spawn(task.sleep, 60)
    local timer = uv.new_timer()
    timer:start(1, 0, function()
      timer:close()
      child:cancel()
    end)
    assert.is_true(shell.turn(function()
      return child:done()
    end))
    assert.equal("cancelled", child:status())
  end)

  it("keeps any reason as it is", function()
    task.run(function()
      local reason = setmetatable({}, { __tostring = function() error("no") end })
      for _, value in ipairs { reason, 5, "text" } do
        local child = waiting(task.sleep, 60)
        child:cancel(value)
        local _, _, err = outcome(child)
        assert.equal(value, err.reason)
        assert.equal("string", type(tostring(err)))
      end
      local child = waiting(task.sleep, 60)
      child:cancel()
      local _, _, err = outcome(child)
      assert.is_nil(err.reason)
    end)
  end)

  it("of a task that is awaited is raised in the one who awaits, who is not cancelled", function()
    task.run(function()
      local child = waiting(task.sleep, 60)
      child:cancel()
      local ok, err = task.pcall(child.await, child)
      assert.is_false(ok)
      assert.equal("cancelled", err.kind)
      task.yield() -- raises nothing
      local bystander = task.spawn(function()
        child:await()
      end)
      assert.equal("failed", (outcome(bystander)))
    end)
  end)

  it("wins over a deadline that has come in the same turn", function()
    task.run(function()
      local child = task.spawn(function()
        task.current():cancel("cancel")
        return task.timeout(0, task.sleep, 60)
      end)
      assert.equal("cancelled", (outcome(child)))

      child = task.spawn(function()
        return task.timeout(0, function()
          task.current():cancel("cancel")
          task.sleep(60)
        end)
      end)
      local status, _, err = outcome(child)
      assert.equal("cancelled", status)
      assert.equal("cancel", err.reason)
    end)
  end)

  it("reaches tasks whose wait it ends only once, though they wait for it in turn", function()
    task.run(function()
      local tasks = {}
      tasks[1] = task.spawn(task.sleep, 60)
      for i = 2, 100 do
        tasks[i] = task.spawn(tasks[i - 1].await, tasks[i - 1])
      end
      wait_all_blocked()
      for i = 1, 100 do
        tasks[i]:cancel(i)
      end
      for i = 1, 100 do
        local status, _, err = outcome(tasks[i])
        assert.equal("cancelled", status)
        assert.equal(i, err.reason)
      end
    end)
  end)
end)
