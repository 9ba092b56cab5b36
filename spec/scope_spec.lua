local after = require("support.tasks").after
local errors = require "curlew.error"
local here = require "support.here"
local listen = require "support.listen"
local pack = require("curlew.compat").pack
local task = require "curlew.task"
local wait_all_blocked = require("curlew.testing").wait_all_blocked

describe("group", function()
  local told

  before_each(function()
    told = listen.to_failures()
  end)

  after_each(listen.no_more)

  it("waits for all its children, also those that children spawn", function()
    local log = {}
    task.run(function()
      task.group(function(g)
        g:spawn(function()
          after(5)
          g:spawn(function()
            after(5)
            log[#log + 1] = "grandchild"
          end)
          log[#log + 1] = "child"
        end)
        log[#log + 1] = "body"
      end)
      log[#log + 1] = "after"
    end)
    assert.same({ "body", "child", "grandchild", "after" }, log)
  end)

  it("returns the results of its body, nils included", function()
    task.run(function()
      assert.same({ n = 3, nil, "b", nil }, pack(task.group(function(g)
        g:spawn(after, 3)
        return nil, "b", nil
      end)))
      assert.equal("no children", task.group(function() return "no children" end))
    end)
  end)

  it("spawns with arguments, and hands out the child to be awaited", function()
    task.run(function()
      assert.equal("ab", task.group(function(g)
        local child = g:spawn(function(a, b)
          task.yield()
          return a .. b
        end, "a", "b")
        return child:await()
      end))
    end)
  end)

  it("takes coroutine objects", function()
    task.run(function()
      local double = task.async(function(x) return 2 * x end)
      assert.equal(8, task.group(function(g)
        return g:spawn(double(4)):await()
      end))
    end)
  end)

  it("raises the first failure unchanged, whatever its type", function()
    task.run(function()
      for _, err in ipairs { {}, io.stdout, 42, false, "text" } do
        local ok, got = task.pcall(task.group, function(g)
          g:spawn(error, err, 0)
        end)
        assert.is_false(ok)
        assert.equal(err, got)
      end
    end)
    assert.same({}, told)
  end)

  it("raises the failure of its body unchanged", function()
    task.run(function()
      for _, err in ipairs { {}, 42, "text" } do
        local ok, got = task.pcall(task.group, function(g)
          g:spawn(task.sleep, 60)
          wait_all_blocked()
          error(err, 0)
        end)
        assert.is_false(ok)
        assert.equal(err, got)
      end
    end)
    assert.same({}, told)
  end)

  it("raises a failure of its body that is false or nil", function()
    task.run(function()
      local ok, err = task.pcall(task.group, function() error(false) end)
      assert.same({ false, false }, { ok, err })
      assert.is_false((task.pcall(task.group, function() error(nil) end)))
    end)
  end)

  it("cancels siblings and body on the first failure, and waits for their clean-up", function()
    local log = {}
    task.run(function()
      local ok, err = task.pcall(task.group, function(g)
        g:spawn(function()
          local _, cancel = task.pcall(task.sleep, 60)
          task.shield(after, 5)
          log[#log + 1] = "sibling " .. cancel.kind
          error(cancel, 0)
        end)
        g:spawn(function()
          after(3)
          error("boom", 0)
        end)
        local _, cancel = task.pcall(task.sleep, 60)
        log[#log + 1] = "body " .. cancel.kind
        error(cancel, 0)
      end)
      assert.is_false(ok)
      assert.equal("boom", err)
      log[#log + 1] = "raised"
    end)
    assert.same({ "body cancelled", "sibling cancelled", "raised" }, log)
    assert.same({}, told)
  end)

  it("cancels children that have not started yet when its body fails", function()
    task.run(function()
      local ran, child = false, nil
      task.pcall(task.group, function(g)
        child = g:spawn(function()
          ran = true
        end)
        error("x", 0)
      end)
      assert.is_false(ran)
      assert.equal("cancelled", child:status())
    end)
  end)

  it("tells the unhandled hook of later failures, once each", function()
    task.run(function()
      local ok, err = task.pcall(task.group, function(g)
        for i = 1, 3 do
          g:spawn(function()
            if i > 1 then
              task.pcall(task.sleep, 60)
            else
              task.yield()
            end
            error("failure " .. i, 0)
          end)
        end
        task.pcall(task.sleep, 60)
        error("failure of the body", 0)
      end)
      assert.is_false(ok)
      assert.equal("failure 1", err)
    end)
    table.sort(told)
    assert.same({ "failure 2", "failure 3", "failure of the body" }, told)
  end)

  it("does not tell the hook of what it raises, when its body awaited the child", function()
    task.run(function()
      local ok, err = task.pcall(task.group, function(g)
        g:spawn(error, "boom", 0):await()
      end)
      assert.same({ false, "boom" }, { ok, err })
    end)
    assert.same({}, told)
  end)

  it("fails even when its body swallows the failure of a child it awaited", function()
    task.run(function()
      local ok, err = task.pcall(task.group, function(g)
        local child = g:spawn(error, "boom", 0)
        task.pcall(child.await, child)
        return "ignored"
      end)
      assert.same({ false, "boom" }, { ok, err })
    end)
  end)

  it("goes on when one child is cancelled by itself", function()
    task.run(function()
      local sibling_ended = false
      assert.equal("fine", task.group(function(g)
        local child = g:spawn(task.sleep, 60)
        g:spawn(function()
          task.sleep(0.001)
          sibling_ended = true
        end)
        wait_all_blocked()
        child:cancel()
        return "fine"
      end))
      assert.is_true(sibling_ended)
    end)
  end)

  it("ends quietly when it is cancelled from its body, and returns nothing", function()
    task.run(function()
      local child, reached
      local result = task.group(function(g)
        child = g:spawn(task.sleep, 60)
        wait_all_blocked()
        g:cancel()
        reached = "the wait"
        task.yield()
        reached = "too far"
        return "result"
      end)
      assert.is_nil(result)
      assert.equal("the wait", reached)
      assert.equal("cancelled", child:status())
      task.yield() -- the task itself goes on
    end)
    assert.same({}, told)
  end)

  it("keeps the results of a body that returned before the group was cancelled", function()
    task.run(function()
      assert.equal("result", task.group(function(g)
        g:spawn(task.sleep, 60)
        g:spawn(function()
          after(3)
          g:cancel()
        end)
        return "result"
      end))
    end)
  end)

  it("raises what fails after it was cancelled", function()
    task.run(function()
      local ok, err = task.pcall(task.group, function(g)
        g:spawn(function()
          task.pcall(task.sleep, 60)
          error("clean-up failed", 0)
        end)
        wait_all_blocked()
        g:cancel()
      end)
      assert.same({ false, "clean-up failed" }, { ok, err })
    end)
  end)

  it("cancels at once what is spawned after it was cancelled", function()
    task.run(function()
      local ran, late = false, nil
      task.group(function(g)
        g:cancel()
        late = g:spawn(function()
          ran = true
        end)
      end)
      assert.is_false(ran)
      assert.equal("cancelled", late:status())
    end)
  end)

  it("may be cancelled twice, and when it has ended, to no effect", function()
    task.run(function()
      local group
      task.group(function(g)
        group = g
        g:spawn(task.sleep, 60)
        g:cancel()
        g:cancel()
      end)
      group:cancel()
      task.yield()
    end)
  end)

  it("refuses to spawn when it has ended, at the caller's line", function()
    task.run(function()
      local group
      task.group(function(g)
        group = g
      end)
      local line = here() + 1
      local ok, message = pcall(function() group:spawn(print) end)
      assert.is_false(ok)
      assert.matches("scope_spec%.lua:" .. line .. ": the group has ended", message)
    end)
  end)

  it("passes a cancellation to its children, and raises it when they have ended", function()
    local log = {}
    task.run(function()
      local host = task.spawn(function()
        task.group(function(g)
          for i = 1, 3 do
            g:spawn(function()
              local _, err = task.pcall(task.sleep, 60)
              task.shield(after, i)
              log[#log + 1] = i
              error(err, 0)
            end)
          end
          return "body is over"
        end)
      end)
      wait_all_blocked()
      host:cancel("from outside")
      local ok, err = task.pcall(host.await, host)
      log[#log + 1] = "host"
      assert.is_false(ok)
      assert.equal("from outside", err.reason)
      assert.equal("cancelled", host:status())
    end)
    assert.same({ 1, 2, 3, "host" }, log)
  end)

  it("passes a timeout around it to all children, at any depth", function()
    task.run(function()
      local begun, cancelled = 0, 0 -- on a slow machine, not all may come to begin
      local function sleeper()
        begun = begun + 1
        local ok, err = task.pcall(task.sleep, 60)
        cancelled = cancelled + (ok and 0 or 1)
        error(err, 0)
      end
      local value, err = task.timeout(0.01, task.group, function(g)
        g:spawn(sleeper)
        g:spawn(function()
          task.group(function(inner)
            inner:spawn(sleeper)
            inner:spawn(sleeper)
          end)
        end)
        sleeper()
      end)
      assert.is_nil(value)
      assert.equal("timeout", err.kind)
      assert.is_true(begun > 0)
      assert.equal(begun, cancelled)
    end)
    assert.same({}, told)
  end)

  it("does not pass a timeout inside its body to its children", function()
    task.run(function()
      local child
      task.group(function(g)
        local _, err = task.timeout(0.001, function()
          child = g:spawn(function()
            task.sleep(0.004)
            return "went on"
          end)
          task.sleep(60)
        end)
        assert.equal("timeout", err.kind)
      end)
      assert.equal("went on", child:await())
    end)
  end)

  it("raises a failure in the clean-up of a cancellation, which is not lost", function()
    task.run(function()
      local host = task.spawn(task.group, function(g)
        g:spawn(function()
          task.pcall(task.sleep, 60)
          error(errors.new { kind = "io", message = "clean-up" }, 0)
        end)
      end)
      wait_all_blocked()
      host:cancel("stop")
      local ok, err = task.pcall(host.await, host)
      assert.is_false(ok)
      assert.equal("io", err.kind)
      assert.equal("stop", err.cause.reason)
      assert.equal("failed", host:status())
    end)
  end)

  it("nests: a failure in the inner group ends it, then the outer one", function()
    task.run(function()
      local outer_child, err = nil, {}
      local ok, got = task.pcall(task.group, function(outer)
        outer_child = outer:spawn(task.sleep, 60)
        task.group(function(inner)
          inner:spawn(task.sleep, 60)
          inner:spawn(error, err, 0)
        end)
      end)
      assert.is_false(ok)
      assert.equal(err, got)
      assert.equal("cancelled", outer_child:status())
    end)
  end)

  it("nests: a caught failure of the inner group leaves the outer one alone", function()
    task.run(function()
      assert.equal("fine", task.group(function(outer)
        local child = outer:spawn(after, 10)
        local ok = task.pcall(task.group, function(inner)
          inner:spawn(error, "x", 0)
        end)
        assert.is_false(ok)
        child:await()
        return "fine"
      end))
    end)
  end)

  it("nests: cancelling the outer group from inside the inner ends both quietly", function()
    task.run(function()
      local inner_child
      local inner_returned = false
      assert.is_nil(task.group(function(outer)
        task.group(function(inner)
          inner_child = inner:spawn(task.sleep, 60)
          wait_all_blocked()
          outer:cancel()
          task.yield()
        end)
        inner_returned = true
      end))
      assert.is_false(inner_returned)
      assert.equal("cancelled", inner_child:status())
    end)
  end)

  it("cancels 10,000 sleepers", function()
    task.run(function()
      local cancelled = 0
      local function sleeper()
        local ok, err = task.pcall(task.sleep, 60)
        assert(not ok)
        cancelled = cancelled + 1
        error(err, 0)
      end
      task.group(function(g)
        for _ = 1, 10000 do
          g:spawn(sleeper)
        end
        wait_all_blocked()
        g:cancel()
      end)
      assert.equal(10000, cancelled)
    end)
  end)

  it("loses no child when a cancel function spawns into the group", function()
    task.run(function()
      task.timeout(0.005, task.group, function(g)
        for _ = 1, 50 do
          g:spawn(task.await, function()
            return function()
              for _ = 1, 20 do
                g:spawn(function() end)
              end
            end
          end)
        end
      end)
    end)
  end)

  it("refuses a wrong body and a call outside of tasks, at the caller's line", function()
    local line = here() + 1
    local _, message = pcall(function() task.group(print) end)
    assert.matches("scope_spec%.lua:" .. line .. ": .*inside a task", message)
    line = here() + 1
    _, message = pcall(function() task.group {} end)
    assert.matches("scope_spec%.lua:" .. line .. ": .*must be a function, got table", message)
  end)
end)

describe("shield", function()
  before_each(listen.to_failures)
  after_each(listen.no_more)

  it("returns the results of its function, and raises its error unchanged", function()
    task.run(function()
      assert.same({ n = 3, nil, "x", nil }, pack(task.shield(function(x)
        task.yield()
        return nil, x, nil
      end, "x")))
      for _, err in ipairs { {}, false, 5, "text" } do
        local ok, got = task.pcall(task.shield, error, err, 0)
        assert.is_false(ok)
        assert.equal(err, got)
      end
    end)
  end)

  it("holds a cancellation back until its function has ended; the next wait raises it", function()
    task.run(function()
      local log, event = {}, task.event()
      local child = task.spawn(function()
        log[1] = task.shield(function()
          event:wait()
          task.yield()
          return "whole"
        end)
        log[2] = "no wait yet"
        task.yield()
        log[3] = "too far"
      end)
      wait_all_blocked()
      assert.is_true(child:cancel("reason"))
      event:set()
      local ok, err = task.pcall(child.await, child)
      assert.is_false(ok)
      assert.equal("reason", err.reason)
      assert.same({ "whole", "no wait yet" }, log)
    end)
  end)

  it("lets clean-up wait in a task that is cancelled already", function()
    task.run(function()
      local cleaned = false
      local child = task.spawn(function()
        local _, err = task.pcall(task.sleep, 60)
        task.shield(function()
          task.sleep(0.001)
          cleaned = true
        end)
        error(err, 0)
      end)
      wait_all_blocked()
      child:cancel()
      task.pcall(child.await, child)
      assert.is_true(cleaned)
      assert.equal("cancelled", child:status())
    end)
  end)

  it("holds a timeout from outside back, too", function()
    task.run(function()
      local whole = false
      local value, err = task.timeout(0.001, function()
        task.shield(function()
          task.sleep(0.004)
          whole = true
        end)
        task.yield()
        return "too far"
      end)
      assert.is_true(whole)
      assert.is_nil(value)
      assert.equal("timeout", err.kind)
    end)
  end)

  it("does not hold back a timeout inside it", function()
    task.run(function()
      local child = task.spawn(task.shield, function()
        local _, err = task.timeout(0.001, task.sleep, 60)
        return err.kind
      end)
      wait_all_blocked()
      child:cancel()
      assert.equal("timeout", child:await())
    end)
  end)

  it("protects the children of a group inside it", function()
    task.run(function()
      local finished, event = 0, task.event()
      local child = task.spawn(task.shield, function()
        task.group(function(g)
          for _ = 1, 3 do
            g:spawn(function()
              event:wait()
              finished = finished + 1
            end)
          end
        end)
        return "whole"
      end)
      wait_all_blocked()
      child:cancel()
      wait_all_blocked()
      event:set()
      assert.equal("whole", child:await())
      assert.equal(3, finished)
    end)
  end)

  it("does not protect the children of a group around it", function()
    task.run(function()
      local log, event = {}, task.event()
      local host = task.spawn(task.group, function(g)
        g:spawn(function()
          local _, err = task.pcall(task.sleep, 60)
          log[#log + 1] = "child cancelled"
          error(err, 0)
        end)
        task.shield(event.wait, event)
        log[#log + 1] = "shield ended"
        task.yield()
      end)
      wait_all_blocked()
      host:cancel()
      wait_all_blocked()
      event:set()
      task.pcall(host.await, host)
      assert.equal("cancelled", host:status())
      assert.same({ "child cancelled", "shield ended" }, log)
    end)
  end)

  it("nests, and protects until the outermost has ended", function()
    task.run(function()
      local log = {}
      local child = task.spawn(function()
        task.shield(function()
          task.shield(task.yield)
          task.current():cancel()
          log[#log + 1] = "inner ended"
          task.yield()
          log[#log + 1] = "outer ended"
        end)
        task.yield()
      end)
      task.pcall(child.await, child)
      assert.equal("cancelled", child:status())
      assert.same({ "inner ended", "outer ended" }, log)
    end)
  end)

  it("protects no longer when its function has failed", function()
    task.run(function()
      local child = task.spawn(function()
        task.current():cancel()
        task.pcall(task.shield, error, "x")
        task.yield()
      end)
      task.pcall(child.await, child)
      assert.equal("cancelled", child:status())
    end)
  end)

  it("refuses what cannot be called, at the caller's line", function()
    task.run(function()
      local line = here() + 1
      local ok, message = pcall(function() task.shield(5) end)
      assert.is_false(ok)
      assert.matches("scope_spec%.lua:" .. line .. ": .*must be a function, got number", message)
    end)
  end)

  it("outside of a task raises a sentence at the caller's line", function()
    local line = here() + 1
    local ok, message = pcall(function() task.shield(print) end)
    assert.is_false(ok)
    assert.matches("scope_spec%.lua:" .. line .. ": .*inside a task", message)
  end)
end)
