local errors = require "curlew.error"
local task = require "curlew.task"
local trace = require "curlew.trace"

local function here()
  return debug.getinfo(2, "l").currentline
end

describe("trace", function()
  describe("where", function()
    it("names file and line of the user's function that stands in a coroutine", function()
      local line
      local co = coroutine.create(function()
        line = here() + 1
        coroutine.yield()
      end)
      coroutine.resume(co)
      assert.matches("trace_spec%.lua:" .. line .. "$", trace.where(co))
    end)

    it("passes over the frames of curlew itself", function()
      task.run(function()
        local line
        local sleeper = task.spawn(function()
          line = here() + 1
          task.timeout(60, task.sleep, 60)
          return nil
        end)
        task.yield()
        assert.matches("trace_spec%.lua:" .. line .. "$", sleeper:where())
      end)
    end)

    it("is nil for a coroutine that has not begun or has returned", function()
      local co = coroutine.create(function() end)
      assert.is_nil(trace.where(co))
      coroutine.resume(co)
      assert.is_nil(trace.where(co))
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
        task.yield()
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
      assert.is_nil(trace.traceback(coroutine.create(function() end)))
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
