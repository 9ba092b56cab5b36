local here = require "support.here"
local listen = require "support.listen"
local task = require "curlew.task"
local tasks = require "support.tasks"
local wait_all_blocked = require("curlew.testing").wait_all_blocked

describe("a task as an object", function()
  before_each(listen.to_failures)
  after_each(listen.no_more)

  it("is scheduled, running, waiting and done, in that order", function()
    local seen = {}
    task.run(function()
      local event = task.event()
      local child = task.spawn(function()
        seen[2] = task.current():status()
        event:wait()
      end)
      seen[1] = child:status()
      assert.is_false(child:done())
      wait_all_blocked()
      seen[3] = child:status()
      assert.is_false(child:done())
      event:set()
      child:await()
      seen[4] = child:status()
      assert.is_true(child:done())
    end)
    assert.same({ "scheduled", "running", "waiting", "done" }, seen)
  end)

  it("is still waiting when its wait is over but it has not run on", function()
    task.run(function()
      local child = tasks.waiting(task.sleep, 60)
      child:cancel()
      assert.equal("waiting", child:status())
      assert.is_false(child:done())
      wait_all_blocked()
      assert.equal("cancelled", child:status())
    end)
  end)

  it("is failed after an error and cancelled after a cancel, and done means both", function()
    task.run(function()
      local failed, cancelled = task.spawn(error, "x", 0), task.spawn(task.sleep, 60)
      wait_all_blocked()
      cancelled:cancel()
      wait_all_blocked()
      assert.equal("failed", failed:status())
      assert.equal("cancelled", cancelled:status())
      assert.is_true(failed:done())
      assert.is_true(cancelled:done())
    end)
  end)

  it("has a name, which can be set", function()
    task.run(function()
      local child = task.spawn(task.yield)
      assert.matches("^task%-%d+$", child:name())
      assert.equal("worker", child:name("worker"))
      assert.equal("worker", child:name())
      assert.matches("^<Task worker ", tostring(child))
    end)
  end)

  it("refuses a name that is no string, at the caller's line", function()
    task.run(function()
      local line = here() + 1
      local ok, message = pcall(function() task.current():name(5) end)
      assert.is_false(ok)
      assert.matches("handle_spec%.lua:" .. line .. ": .*must be a string, got number", message)
    end)
  end)

  it("says what it is, and where it waits with file and line", function()
    task.run(function()
      local line
      local child = task.spawn(function()
        line = here() + 1
        task.sleep(60)
        return nil
      end)
      child:name("spin")
      assert.equal("<Task spin scheduled>", tostring(child))
      wait_all_blocked()
      local place = tostring(child):match("^<Task spin waiting at (.*)>$")
      assert.matches("spec/handle_spec%.lua:" .. line .. "$", place)
      assert.equal(place, child:where())
      child:cancel()
      wait_all_blocked()
      assert.equal("<Task spin cancelled>", tostring(child))
      assert.is_nil(child:where())
    end)
  end)

  it("says where it waits inside task.pcall, timeout, shield and group, too", function()
    task.run(function()
      local event, line = task.event(), nil
      local function wait()
        line = here() + 1
        event:wait()
        return line
      end
      for i, around in ipairs {
        function() return (task.pcall(wait)) end,
        function() return (task.timeout(60, wait)) end,
        function() return (task.shield(wait)) end,
        function() return (task.group(wait)) end,
      } do
        local child = tasks.waiting(around)
        assert.matches("handle_spec%.lua:" .. line .. ">$", tostring(child), "wait " .. i)
        event:set()
        child:await()
        event:clear()
      end
    end)
  end)

  it("says where a group waits for its children", function()
    task.run(function()
      local line
      local child = task.spawn(function()
        line = here() + 1
        task.group(function(g)
          g:spawn(task.sleep, 60)
        end)
        return nil
      end)
      wait_all_blocked()
      assert.matches("handle_spec%.lua:" .. line .. ">$", tostring(child))
    end)
  end)

  it("shows the running task without a place", function()
    task.run(function()
      assert.matches("^<Task task%-%d+ running>$", tostring(task.current()))
    end)
  end)

  describe("result", function()
    it("returns all results, nils included, as often as asked", function()
      task.run(function()
        local child = task.spawn(function()
          return nil, 2, nil
        end)
        child:await()
        for _ = 1, 2 do
          assert.equal(3, select("#", child:result()))
          assert.equal(2, (select(2, child:result())))
        end
      end)
    end)

    it("can be fetched outside of any task, once the task has ended", function()
      local child
      task.run(function()
        child = task.spawn(function()
          return "kept"
        end)
        child:await()
      end)
      assert.equal("kept", child:result())
    end)

    it("raises the error of a failed task unchanged, as often as asked", function()
      task.run(function()
        local err = {}
        local child = task.spawn(error, err, 0)
        wait_all_blocked()
        for _ = 1, 2 do
          local ok, got = pcall(child.result, child)
          assert.is_false(ok)
          assert.equal(err, got)
        end
      end)
    end)

    it("raises an error of kind cancelled for a cancelled task", function()
      task.run(function()
        local child = task.spawn(task.sleep, 60)
        child:cancel()
        local ok, err = pcall(child.result, child)
        assert.is_false(ok)
        assert.equal("cancelled", err.kind)
      end)
    end)

    it("raises at the caller's line when the task has not ended, and names the task", function()
      task.run(function()
        local child = task.spawn(task.yield)
        child:name("slow")
        local line = here() + 1
        local ok, message = pcall(function() child:result() end)
        assert.is_false(ok)
        assert.matches("handle_spec%.lua:" .. line .. ": .*<Task slow scheduled>", message)
      end)
    end)
  end)

  describe("traceback", function()
    it("shows where a failed task failed", function()
      task.run(function()
        local line
        local function broken()
          line = here() + 1
          error("boom")
        end
        local child = task.spawn(function()
          broken()
          return nil
        end)
        task.pcall(child.await, child)
        assert.matches("stack traceback:\n.*handle_spec%.lua:" .. line, child:traceback())
      end)
    end)

    it("shows where it failed even when the error passed a timeout or a group", function()
      task.run(function()
        local line
        local function broken()
          line = here() + 1
          error("boom")
        end
        for _, around in ipairs {
          function() task.timeout(60, broken) return 1 end,
          function() task.group(broken) return 1 end,
          function() task.shield(broken) return 1 end,
        } do
          local child = task.spawn(around)
          task.pcall(child.await, child)
          assert.matches("handle_spec%.lua:" .. line, child:traceback())
        end
      end)
    end)

    it("is nil for a task that is done", function()
      task.run(function()
        local child = task.spawn(function() end)
        child:await()
        assert.is_nil(child:traceback())
      end)
    end)
  end)
end)
