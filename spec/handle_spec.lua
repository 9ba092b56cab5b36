local task = require "curlew.task"

local function here()
  return debug.getinfo(2, "l").currentline
end

local function raise(err)
  error(err, 0)
end

describe("a task as an object", function()
  before_each(function()
    task.on_unhandled(function() end)
  end)

  after_each(function()
    task.on_unhandled(nil)
  end)

  it("is scheduled, running, waiting and done, in that order", function()
    local seen = {}
    task.run(function()
      local child = task.spawn(function()
        seen[2] = task.current():status()
        task.yield()
      end)
      seen[1] = child:status()
      assert.is_false(child:done())
      task.yield()
      seen[3] = child:status()
      assert.is_false(child:done())
      child:await()
      seen[4] = child:status()
      assert.is_true(child:done())
    end)
    assert.same({ "scheduled", "running", "waiting", "done" }, seen)
  end)

  it("is still waiting when its wait is over but it has not run on", function()
    task.run(function()
      local child = task.spawn(task.sleep, 60)
      task.yield()
      child:cancel()
      assert.equal("waiting", child:status())
      assert.is_false(child:done())
      task.yield()
      assert.equal("cancelled", child:status())
    end)
  end)

  it("is failed after an error and cancelled after a cancel, and done means both", function()
    task.run(function()
      local failed, cancelled = task.spawn(raise, "x"), task.spawn(task.sleep, 60)
      task.yield()
      cancelled:cancel()
      task.yield()
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
      task.yield()
      local place = tostring(child):match("^<Task spin waiting at (.*)>$")
      assert.matches("spec/handle_spec%.lua:" .. line .. "$", place)
      assert.equal(place, child:where())
      child:cancel()
      task.yield()
      assert.equal("<Task spin cancelled>", tostring(child))
      assert.is_nil(child:where())
    end)
  end)

  it("says where it waits inside task.pcall, timeout, shield and group, too", function()
    task.run(function()
      local line
      local function wait()
        line = here() + 1
        task.yield()
        return line
      end
      for i, around in ipairs {
        function() return (task.pcall(wait)) end,
        function() return (task.timeout(60, wait)) end,
        function() return (task.shield(wait)) end,
        function() return (task.group(wait)) end,
      } do
        local child = task.spawn(around)
        task.yield()
        assert.matches("handle_spec%.lua:" .. line .. ">$", tostring(child), "wait " .. i)
        child:await()
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
      task.yield()
      task.yield()
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
        local child = task.spawn(raise, err)
        task.yield()
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
