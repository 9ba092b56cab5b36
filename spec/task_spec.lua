local collect = require "support.collect"
local compat = require "curlew.compat"
local here = require "support.here"
local listen = require "support.listen"
local process = require "support.process"
local shell = require "support.shell"
local task = require "curlew.task"
local tasks = require "support.tasks"
local uv = require "curlew.uv"
local wait_all_blocked = require("curlew.testing").wait_all_blocked

-- The error of a child that fails; the tests with several children in one run await each.
local function failure_of(fn, ...)
  local child = task.spawn(fn, ...)
  local ok, err = task.pcall(child.await, child)
  assert.is_false(ok)
  assert.equal("failed", child:status())
  return err
end

describe("task", function()
  before_each(listen.to_failures)
  after_each(listen.no_more)

  describe("spawn", function()
    it("starts the function later, never inside spawn", function()
      task.run(function()
        local started = false
        local child = task.spawn(function()
          started = true
        end)
        assert.is_false(started)
        child:await()
        assert.is_true(started)
      end)
    end)

    it("starts tasks in the order in which they were spawned #order", function()
      local order = {}
      task.run(function()
        for i = 1, 100 do
          task.spawn(function()
            order[#order + 1] = i
          end)
        end
        task.yield()
      end)
      for i = 1, 100 do
        assert.equal(i, order[i])
      end
    end)

    it("starts what a task spawns on a turn after that task's own", function()
      local order = {}
      task.run(function()
        for _ = 1, 2 do
          task.spawn(function()
            order[#order + 1] = "parent"
            task.spawn(function()
              order[#order + 1] = "child"
            end)
          end)
        end
        wait_all_blocked()
      end)
      assert.same({ "parent", "parent", "child", "child" }, order)
    end)

    it("passes arguments, nils included", function()
      task.run(function()
        local got = task.spawn(function(...)
          return compat.pack(...)
        end, nil, "b", nil):await()
        assert.same({ n = 3, [2] = "b" }, got)
      end)
    end)

    it("takes C functions and callable tables", function()
      task.run(function()
        assert.equal(7, task.spawn(math.max, 3, 7):await())
        local callable = setmetatable({}, { __call = function(_, a) return a end })
        assert.equal("x", task.spawn(callable, "x"):await())
      end)
    end)

    it("refuses what cannot be called, at the caller's line", function()
      local line = here() + 1
      local ok, message = pcall(function() task.spawn("print") end)
      assert.is_false(ok)
      assert.matches("task_spec%.lua:" .. line .. ": .*must be a function, got string", message)
    end)

    it("works in a loop that nobody but the user turns", function()
      local child = task.spawn(function(a)
        task.sleep(0.001)
        return a .. " done"
      end, "foreign")
      assert.is_true(shell.turn(function()
        return child:done()
      end))
      assert.equal("foreign done", child:result())
    end)

    it("works from a luv callback", function()
      local child
      local timer = uv.new_timer()
      timer:start(1, 0, function()
        timer:close()
        child = task.spawn(task.sleep, 0.001)
      end)
      assert.is_true(shell.turn(function()
        return child and child:done()
      end))
      assert.equal("done", child:status())
    end)

    it("keeps a plain uv.run going until all tasks have ended, and no longer", function()
      local child = process.run { process.lua, "-e", [[
        local task, uv = require "curlew.task", require "curlew.uv"
        task.spawn(function()
          task.sleep(0.001)
          task.spawn(function() task.yield() print("second") end):await()
          print("first")
        end)
        uv.run()
        print("loop is empty")
      ]] }
      assert.equal("second\nfirst\nloop is empty\n", child.stdout)
      assert.equal("", child.stderr)
    end)
  end)

  describe("await", function()
    it("returns all results, nils included", function()
      task.run(function()
        local child = task.spawn(function()
          return nil, 2, nil
        end)
        assert.same({ n = 3, [2] = 2 }, compat.pack(child:await()))
        assert.same({ n = 3, [2] = 2 }, compat.pack(child:await()))
        assert.equal(false, task.spawn(function() return false end):await())
      end)
    end)

    it("returns nothing when the function returned nothing", function()
      task.run(function()
        assert.equal(0, select("#", task.spawn(function() end):await()))
      end)
    end)

    it("gives the results to all who await, in the order in which they came #order", function()
      local order = {}
      task.run(function()
        local child = task.spawn(function()
          task.sleep(0.001)
          return "shared"
        end)
        local waiters = {}
        for i = 1, 5 do
          waiters[i] = task.spawn(function()
            local result = child:await()
            order[#order + 1] = i .. result
          end)
        end
        for i = 1, 5 do
          waiters[i]:await()
        end
      end)
      assert.same({ "1shared", "2shared", "3shared", "4shared", "5shared" }, order)
    end)

    it("raises errors of every type unchanged", function()
      local with_tostring = setmetatable({}, { __tostring = function() error("no") end })
      task.run(function()
        for _, err in ipairs { {}, with_tostring, io.stdout, 42, false, true, print, "text" } do
          assert.equal(err, failure_of(error, err, 0))
          assert.equal(err, failure_of(function()
            task.yield()
            error(err, 0)
          end))
        end
      end)
    end)

    it("describes an error that is nil", function()
      task.run(function()
        local err = failure_of(function()
          error(nil)
        end)
        assert.equal("string", type(err))
        assert.matches("nil", err)
      end)
    end)

    it("raises a string with its position, once", function()
      task.run(function()
        local line
        local err = failure_of(function()
          line = here() + 1
          error("boom")
        end)
        assert.matches("task_spec%.lua:" .. line .. ": boom$", err)
        assert.equal(err, failure_of(function()
          task.spawn(error, err, 0):await()
        end))
      end)
    end)

    it("raises at once for a task that has failed or was cancelled already", function()
      task.run(function()
        local failed, cancelled = task.spawn(error, "x", 0), task.spawn(task.sleep, 60)
        cancelled:cancel()
        wait_all_blocked()
        assert.same({ false, "x" }, { task.pcall(failed.await, failed) })
        local ok, err = task.pcall(cancelled.await, cancelled)
        assert.is_false(ok)
        assert.equal("cancelled", err.kind)
      end)
    end)

    it("outside of a task raises at the caller's line", function()
      local child = task.spawn(function() end)
      local line = here() + 1
      local ok, message = pcall(function() child:await() end)
      assert.is_false(ok)
      assert.matches("task_spec%.lua:" .. line .. ": .*inside a task", message)
      shell.turn(function()
        return child:done()
      end)
    end)

    it("of a task by itself is an error at the caller's line", function()
      task.run(function()
        local line = here() + 1
        local ok, message = task.pcall(function() task.current():await() end)
        assert.is_false(ok)
        assert.matches("task_spec%.lua:" .. line .. ": a task cannot await itself", message)
      end)
    end)

    it("can be chained 10,000 deep, for results and for errors", function()
      task.run(function()
        for _, last in ipairs {
          function() task.yield() return "from the end" end,
          function() task.yield() error("from the end", 0) end,
        } do
          local link = task.spawn(last)
          for _ = 1, 10000 do
            link = task.spawn(link.await, link)
          end
          assert.equal("from the end", (select(2, task.pcall(link.await, link))))
        end
      end)
    end)
  end)

  describe("current", function()
    it("is the running task, also after a wait, and nil outside of one", function()
      assert.is_nil(task.current())
      task.run(function()
        local main, inside = task.current(), nil
        local child = task.spawn(function()
          task.yield()
          inside = task.current()
        end)
        child:await()
        assert.equal(child, inside)
        assert.equal(main, task.current())
      end)
      assert.is_nil(task.current())
    end)

    it("is nil in a luv callback", function()
      local seen = "not called"
      task.run(function()
        task.await(function(done)
          local timer = uv.new_timer()
          timer:start(1, 0, function()
            timer:close()
            seen = task.current()
            done()
          end)
        end)
      end)
      assert.is_nil(seen)
    end)
  end)

  describe("yield", function()
    it("lets all other ready tasks go on, in turn #order", function()
      local order = {}
      task.run(function()
        local children = {}
        for _, name in ipairs { "a", "b" } do
          children[#children + 1] = task.spawn(function()
            for i = 1, 3 do
              order[#order + 1] = name .. i
              task.yield()
            end
          end)
        end
        for _, child in ipairs(children) do
          child:await()
        end
      end)
      assert.same({ "a1", "b1", "a2", "b2", "a3", "b3" }, order)
    end)

    it("outside of a task raises at the caller's line", function()
      local line = here() + 1
      local ok, message = pcall(function() task.yield() end)
      assert.is_false(ok)
      assert.matches("task_spec%.lua:" .. line .. ": .*inside a task", message)
    end)
  end)

  describe("a raw coroutine.yield in a task", function()
    it("raises a sentence", function()
      task.run(function()
        assert.matches("a task must not call coroutine%.yield itself: use task%.yield",
          failure_of(function()
            local value = coroutine.yield()
            return value
          end))
      end)
    end)

    it("raises it at its own line", function()
      task.run(function()
        local line
        local err = failure_of(function()
          line = here() + 1
          local value = coroutine.yield()
          return value
        end)
        assert.matches("task_spec%.lua:" .. line .. ": a task must not call coroutine%.yield", err)
      end)
    end)

    it("can be caught, so that clean-up runs, and is raised each time", function()
      task.run(function()
        local caught = {}
        local child = task.spawn(function()
          for i = 1, 2 do
            local ok, err = task.pcall(function()
              local value = coroutine.yield("raw")
              return value
            end)
            caught[i] = not ok and err
          end
          task.yield()
          return "cleaned up"
        end)
        assert.equal("cleaned up", child:await())
        assert.matches("must not call coroutine%.yield", caught[1])
        assert.matches("must not call coroutine%.yield", caught[2])
      end)
    end)

    it("leaves generators, which yield to the task itself, alone", function()
      task.run(function()
        local numbers = coroutine.wrap(function()
          for i = 1, 3 do
            coroutine.yield(i)
          end
        end)
        assert.same({ 1, 2, 3 }, { numbers(), numbers(), numbers() })
        task.yield()
      end)
    end)

    it("leaves no debug hook behind", function()
      task.run(function()
        failure_of(function()
          local value = coroutine.yield()
          return value
        end)
      end)
      assert.is_nil((debug.gethook()))
    end)

    it("raises also where it is the last thing that the task does", function()
      task.run(function()
        assert.matches("must not call coroutine%.yield", failure_of(coroutine.yield))
        assert.matches("must not call coroutine%.yield", failure_of(function()
          return coroutine.yield(5)
        end))
      end)
      assert.is_nil((debug.gethook()))
    end)
  end)

  describe("a wait where it cannot be", function()
    it("inside a coroutine made in the task raises a sentence at its line", function()
      task.run(function()
        local line
        local ok, err = coroutine.resume(coroutine.create(function()
          line = here() + 1
          task.sleep(0.001)
        end))
        assert.is_false(ok)
        assert.matches("task_spec%.lua:" .. line .. ": cannot wait inside a coroutine", err)
        task.yield()
      end)
    end)

    it("fails only that task, below a sort comparator, gsub callback or require", function()
      task.run(function()
        package.preload["task_spec.waits"] = function()
          task.sleep(0.001)
        end
        local bystander = task.spawn(function()
          task.sleep(0.002)
          return "unharmed"
        end)
        for i, place in ipairs {
          function()
            table.sort({ 3, 1, 2 }, function(a, b)
              task.yield()
              return a < b
            end)
          end,
          function()
            return (("abc"):gsub("%w", function()
              task.sleep(0.001)
            end))
          end,
          function()
            local value = require "task_spec.waits"
            return value
          end,
          function()
            return (("abc"):gsub("%w", function()
              bystander:await()
            end))
          end,
        } do
          assert.matches("cannot wait here: a C function stands between", failure_of(place),
            "place " .. i)
        end
        package.preload["task_spec.waits"] = nil
        assert.equal("unharmed", bystander:await())
      end)
    end)

    it("leaves the task able to wait elsewhere, when the error is caught", function()
      task.run(function()
        local ok = pcall(table.sort, { 2, 1 }, function()
          task.sleep(0.001)
        end)
        assert.is_false(ok)
        task.sleep(0.001)
        assert.equal("running", task.current():status())
      end)
    end)

    it("inside plain pcall works, but on Lua 5.1, where a sentence says what to use", function()
      task.run(function()
        local ok, err = pcall(task.yield)
        assert.equal(compat.yields_across_pcall, ok)
        if not ok then
          assert.matches("use task%.pcall", err)
        end
      end)
    end)
  end)

  describe("pcall", function()
    it("returns what pcall would, with any number of results, and lets waits through", function()
      task.run(function()
        assert.same({ n = 4, true, nil, 2, nil }, compat.pack(task.pcall(function(...)
          task.yield()
          return ...
        end, nil, 2, nil)))
        local err = {}
        local ok, got = task.pcall(function()
          task.yield()
          error(err)
        end)
        assert.is_false(ok)
        assert.equal(err, got)
        assert.is_false((task.pcall(nil)))
        assert.is_false((task.pcall(5)))
      end)
    end)

    it("nests, and passes cancellation through every level", function()
      task.run(function()
        local levels = 0
        local function nested(n)
          if n == 0 then
            task.sleep(60)
          end
          local ok, err = task.pcall(nested, n - 1)
          levels = levels + 1
          assert(not ok)
          error(err, 0)
        end
        local child = tasks.waiting(nested, 20)
        child:cancel()
        task.pcall(child.await, child)
        assert.equal("cancelled", child:status())
        assert.equal(20, levels)
      end)
    end)

    it("works outside of tasks", function()
      assert.same({ true, 1, 2 }, { task.pcall(function(...) return ... end, 1, 2) })
      assert.same({ false, "x" }, { task.pcall(error, "x", 0) })
    end)

    it("works in a coroutine that the user made in a task", function()
      task.run(function()
        assert.same({ true, 5 }, { coroutine.wrap(function()
          return task.pcall(function() return 5 end)
        end)() })
      end)
    end)

    it("works in a sort comparator, where nothing may wait", function()
      task.run(function()
        local list = { 3, 1, 2 }
        table.sort(list, function(a, b)
          return (select(2, task.pcall(function() return a < b end)))
        end)
        assert.same({ 1, 2, 3 }, list)
      end)
    end)
  end)

  it("loses no task when one fails, and goes on", function()
    task.run(function()
      local sum = 0
      for i = 1, 100 do
        task.spawn(function()
          task.yield()
          if i % 2 == 0 then
            error({}, 0)
          end
          sum = sum + 1
        end)
      end
      wait_all_blocked()
      assert.equal(50, sum)
    end)
  end)

  it("survives a stack overflow, which fails only that task", function()
    task.run(function()
      local function endless()
        return 1 + endless()
      end
      local bystander = task.spawn(function()
        task.sleep(0.001)
        return "unharmed"
      end)
      local child = task.spawn(endless)
      local ok, err = task.pcall(child.await, child)
      assert.is_false(ok)
      assert.matches("stack overflow", err)
      assert.is_true(#child:traceback() < 100000)
      assert.equal("unharmed", bystander:await())
    end)
  end)

  it("holds nothing of tasks that have ended", function()
    local gone = setmetatable({}, { __mode = "k" })
    task.run(function()
      for i = 1, 10 do
        local child = task.spawn(function()
          task.sleep(0.001)
          return i
        end)
        gone[child] = true
        child:await()
      end
      task.yield()
    end)
    collect()
    local left = 0
    for _ in pairs(gone) do
      left = left + 1
    end
    assert.is_true(left <= 1) -- one may still lie on the stack
  end)
end)
