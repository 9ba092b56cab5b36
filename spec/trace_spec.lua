local errors = require "curlew.error"
local here = require "support.here"
local task = require "curlew.task"
local trace = require "curlew.trace"
local wait_all_blocked = require("curlew.testing").wait_all_blocked

describe("trace", function()
  describe("where", function()
    it("names file and line of the user's function that stands in a coroutine", function()
      local line
      local co = coroutine.create(function()
        line = here() + 1
        coroutine.yield()
      end)
      coroutine.resume(co)
      assert.matches("trace_spec%.lua:" .. line .. "$", trace.where({ co = co }))
    end)

    it("passes over the frames of curlew itself", function()
      task.run(function()
        local line
        local sleeper = task.spawn(function()
          line = here() + 1
          task.timeout(60, task.sleep, 60)
          return nil
        end)
        wait_all_blocked()
        assert.matches("trace_spec%.lua:" .. line .. "$", sleeper:where())
      end)
    end)

    it("is where the function stands that was spawned, when no frame is the user's", function()
      task.run(function()
        local sleeper = task.spawn(task.sleep, 60)
        local waiter = task.spawn(sleeper.await, sleeper)
        wait_all_blocked()
        assert.matches("curlew/time%.lua:%d+$", sleeper:where())
        assert.matches("curlew/task%.lua:%d+$", waiter:where())
      end)
    end)

    it("is nil for a coroutine that has not begun or has returned", function()
      local co = coroutine.create(function() end)
      assert.is_nil(trace.where({ co = co }))
      coroutine.resume(co)
      assert.is_nil(trace.where({ co = co }))
    end)
  end)

  describe("traceback", function()
    it("lists the user's frames, innermost first, and none of curlew", function()
      local inner_line, outer_line
      local function inner()
        inner_line = here() + 1
        task.sleep(60)
        return 1
      end
      task.run(function()
        local sleeper = task.spawn(function()
          outer_line = here() + 1
          local value = inner()
          return value
        end)
        wait_all_blocked()
        local text = sleeper:traceback()
        local first = text:find("trace_spec.lua:" .. inner_line, 1, true)
        local second = text:find("trace_spec.lua:" .. outer_line, 1, true)
        assert.is_true(first ~= nil and second ~= nil and first < second)
        assert.is_nil(text:find("curlew/time.lua", 1, true))
        assert.matches("^stack traceback:\n\t", text)
      end)
    end)

    it("calls a task's function by its place, not by a name that curlew has given it", function()
      task.run(function()
        local child = task.spawn(function()
          error("on purpose")
        end)
        task.pcall(child.await, child)
        assert.matches("in function <.-trace_spec%.lua:%d+>", child:traceback())
      end)
    end)

    it("is nil where no frame is the user's", function()
      task.run(function()
        local sleeper = task.spawn(task.sleep, 60)
        wait_all_blocked()
        assert.is_nil(sleeper:traceback())
      end)
    end)

    it("of an error that was awaited shows each task, and where it was awaited, once", function()
      local lines = {}
      local function child()
        task.yield()
        lines[1] = here() + 1
        error("on purpose", 0)
      end
      local function middle()
        local awaited = task.spawn(child)
        awaited:name("inner")
        lines[2] = here() + 1
        local result = awaited:await()
        return result
      end
      local _, err = pcall(task.run, function()
        lines[3] = here() + 1
        task.group(function(group)
          group:spawn(middle):name("outer")
        end)
        return nil
      end)
      local place = "\t[^\n]*trace_spec%%.lua:%d: in function <[^\n]*>\n"
      assert.matches(("^on purpose\nstack traceback:\n" .. place .. "\tin task inner, awaited at\n"
        .. place .. "\tin task outer, awaited at\n" .. place:sub(1, -2) .. "$"):format(
        lines[1], lines[2], lines[3]), err)
    end)

    it("stops growing with the tasks through which an error passes", function()
      local _, err = pcall(task.run, function()
        local last = task.spawn(function()
          error("on purpose", 0)
        end)
        for _ = 1, 2000 do
          local awaited = last
          last = task.spawn(function()
            local result = awaited:await()
            return result
          end)
        end
        last:await()
      end)
      assert.is_true(#err < 10000)
      assert.matches("^on purpose\nstack traceback:\n", err)
    end)
  end)

  describe("report", function()
    it("puts the traceback below the error", function()
      assert.equal("boom\ntrace", trace.report("boom", "trace"))
      assert.equal("boom", trace.report("boom"))
    end)

    it("survives an error that cannot be described", function()
      local err = setmetatable({}, { __tostring = function() error("no") end })
      assert.equal(errors.describe(err) .. "\ntrace", trace.report(err, "trace"))
    end)
  end)
end)
