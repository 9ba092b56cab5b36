local collect = require "support.collect"
local listen = require "support.listen"
local process = require "support.process"
local task = require "curlew.task"
local tasks = require "support.tasks"
local unhandled = require "curlew.unhandled"
local wait_all_blocked = require("curlew.testing").wait_all_blocked

describe("unhandled", function()
  local told

  before_each(function()
    told = {}
    task.on_unhandled(function(err, failed)
      told[#told + 1] = { err = err, task = failed }
    end)
  end)

  after_each(listen.no_more)

  local function fail(err)
    error(err, 0)
  end

  it("is told of a failure that nobody awaited, with the error unchanged and the task", function()
    local err, failed = {}, nil
    task.run(function()
      failed = task.spawn(fail, err)
      wait_all_blocked()
    end)
    assert.equal(1, #told)
    assert.equal(err, told[1].err)
    assert.equal(failed, told[1].task)
  end)

  it("is told of errors of every type", function()
    task.run(function()
      task.spawn(fail, false)
      task.spawn(fail, 7)
      task.spawn(fail, io.stdout)
      wait_all_blocked()
    end)
    local seen = {}
    for _, entry in ipairs(told) do
      seen[entry.err] = (seen[entry.err] or 0) + 1
    end
    assert.same({ [false] = 1, [7] = 1, [io.stdout] = 1 }, seen)
  end)

  it("is told once, even when the task is collected later", function()
    task.run(function()
      task.spawn(fail, "once")
      wait_all_blocked()
    end)
    collect()
    task.run(task.yield)
    assert.equal(1, #told)
    told[1].task = nil
    collect()
    assert.equal(1, #told)
  end)

  it("is told when the task is collected, while the program goes on", function()
    task.run(function()
      task.spawn(fail, "collected")
      wait_all_blocked()
      collect()
      assert.equal(1, #told)
      assert.equal("collected", told[1].err)
      assert.equal("failed", told[1].task:status())
    end)
    assert.equal(1, #told)
  end)

  it("is not told while the task can still be awaited", function()
    task.run(function()
      local failed = task.spawn(fail, "later")
      wait_all_blocked()
      collect()
      assert.equal(0, #told)
      task.pcall(failed.await, failed)
    end)
    collect()
    assert.equal(0, #told)
  end)

  it("is not told of a failure that was awaited, before or after it happened", function()
    task.run(function()
      local early, late = task.spawn(fail, "early"), task.spawn(fail, "late")
      task.pcall(early.await, early)
      wait_all_blocked()
      task.pcall(late.await, late)
    end)
    collect()
    assert.same({}, told)
  end)

  it("is not told of a failure that was fetched with result", function()
    task.run(function()
      local failed = task.spawn(fail, "fetched")
      wait_all_blocked()
      pcall(failed.result, failed)
    end)
    assert.same({}, told)
  end)

  it("is not told of cancelled tasks, nor of the error that run raises", function()
    pcall(task.run, function()
      task.spawn(task.sleep, 60):cancel()
      task.spawn(task.sleep, 60)
      wait_all_blocked()
      error("raised by run", 0)
    end)
    collect()
    assert.same({}, told)
  end)

  it("is told of a leftover task that fails while run cancels it", function()
    task.run(function()
      task.spawn(function()
        task.pcall(task.sleep, 60)
        error("clean-up failed", 0)
      end)
      wait_all_blocked()
    end)
    assert.equal(1, #told)
    assert.equal("clean-up failed", told[1].err)
  end)

  it("is told when those who awaited the task have given up before it failed", function()
    task.run(function()
      local event = task.event()
      local failing = tasks.waiting(function()
        event:wait()
        error("lost?", 0)
      end)
      local waiter = tasks.waiting(failing.await, failing)
      waiter:cancel()
      event:set()
      wait_all_blocked()
      assert.is_true(failing:done())
    end)
    collect()
    assert.equal(1, #told)
    assert.equal("lost?", told[1].err)
  end)

  it("prints the failure and its traceback to stderr by default, and goes on", function()
    local child = process.run { process.lua, "-e", [[
      local task = require "curlew.task"
      local function broken() error("boom") end
      task.run(function()
        task.spawn(function() broken() end):name("worker")
        local unprintable = setmetatable({}, {__tostring = function() error("no") end})
        task.spawn(function() error(unprintable) end)
        task.yield()
        print("goes on")
      end)
    ]] }
    assert.equal(0, child.status)
    assert.equal("goes on\n", child.stdout)
    assert.matches("<Task worker failed> failed and nobody awaited it: .-:2: boom\n"
      .. "stack traceback:", child.stderr)
    assert.matches("__tostring failed", child.stderr)
  end)

  it("prints failures of a program that ends without run", function()
    local child = process.run { process.lua, "-e", [[
      local task, uv = require "curlew.task", require "curlew.uv"
      task.spawn(function() error("nobody looked", 0) end)
      uv.run()
    ]] }
    assert.equal(0, child.status)
    assert.matches("nobody awaited it: nobody looked", child.stderr)
  end)

  it("falls back to printing when the hook itself fails, and says so", function()
    local warnings = listen.to_warnings()
    task.on_unhandled(function()
      error("bad hook", 0)
    end)
    task.run(function()
      task.spawn(fail, "boom")
      wait_all_blocked()
    end)
    assert.equal(2, #warnings)
    assert.matches("nobody awaited it: boom", warnings[1])
    assert.equal("the on_unhandled hook failed: bad hook", warnings[2])
  end)

  it("refuses a hook that cannot be called, at the caller's line", function()
    local line = debug.getinfo(1, "l").currentline + 1
    local ok, message = pcall(function() unhandled.on_unhandled(5) end)
    assert.is_false(ok)
    assert.matches("unhandled_spec%.lua:" .. line .. ": the hook must be a function, got number",
      message)
  end)
end)
