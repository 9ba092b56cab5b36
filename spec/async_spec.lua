local collect = require "support.collect"
local compat = require "curlew.compat"
local here = require "support.here"
local listen = require "support.listen"
local process = require "support.process"
local task = require "curlew.task"

describe("async", function()
  local warnings

  before_each(function()
    collect() -- objects of other tests
    warnings = listen.to_warnings()
    listen.to_failures()
  end)

  after_each(function()
    collect()
    listen.no_more()
  end)

  it("runs nothing when the function is called", function()
    local ran = false
    local object = task.async(function()
      ran = true
    end)()
    assert.is_false(ran)
    task.run(object)
    assert.is_true(ran)
  end)

  it("runs in the task that awaits the object, with arguments and results", function()
    task.run(function()
      local inside
      local echo = task.async(function(...)
        inside = task.current()
        task.yield()
        return ...
      end)
      assert.same({ n = 3, nil, "b", nil }, compat.pack(echo(nil, "b", nil):await()))
      assert.equal(task.current(), inside)
    end)
  end)

  it("makes an object that spawn runs as a task of its own", function()
    task.run(function()
      local add = task.async(function(a, b)
        task.yield()
        return a + b, task.current()
      end)
      local child = task.spawn(add(1, 2))
      local sum, inside = child:await()
      assert.equal(3, sum)
      assert.equal(child, inside)
    end)
  end)

  it("makes an object that timeout and shield take for a function", function()
    task.run(function()
      local five = task.async(function() task.yield() return 5 end)
      assert.equal(5, task.timeout(60, five()))
      assert.equal(5, task.shield(five()))
    end)
  end)

  it("raises errors of the function unchanged", function()
    task.run(function()
      local err = {}
      local object = task.async(error)(err)
      local ok, got = task.pcall(object.await, object)
      assert.is_false(ok)
      assert.equal(err, got)
    end)
  end)

  it("refuses to start an object twice, at the caller's line, however it is started", function()
    task.run(function()
      local ran = 0
      local count = task.async(function() ran = ran + 1 end)
      local first, second = count(), count()
      first:await()
      task.spawn(second):await()
      for _, object in ipairs { first, second } do
        local line = here() + 1
        local ok, message = task.pcall(function() object:await() end)
        assert.is_false(ok)
        assert.matches("async_spec%.lua:" .. line .. ": .*started already", message)
        line = here() + 1
        ok, message = task.pcall(function() task.spawn(object) end)
        assert.is_false(ok)
        assert.matches("async_spec%.lua:" .. line .. ": .*started already", message)
      end
      assert.equal(2, ran)
    end)
  end)

  it("warns of an object collected without having been started, once, naming its line", function()
    local line
    local function forget(fn)
      line = here() + 1
      fn("argument")
      return nil
    end
    forget(task.async(function() end))
    collect()
    collect()
    assert.equal(1, #warnings)
    assert.matches("async_spec%.lua:" .. line .. " was never started", warnings[1])
  end)

  it("does not warn of objects that were started, nor of those still held", function()
    local held
    task.run(function()
      local nothing = task.async(function() end)
      nothing():await()
      task.spawn(nothing()):await()
      task.spawn(nothing()):cancel()
      pcall(task.spawn(task.async(error)("x")).await)
      held = nothing()
    end)
    collect()
    assert.same({}, warnings)
    task.run(held)
  end)

  it("says what it is, and where it was made", function()
    local line = here() + 1
    local object = task.async(function() end)()
    assert.matches("^<coroutine made at .*async_spec%.lua:" .. line .. ", not started>$",
      tostring(object))
    task.run(object)
    assert.matches("^<coroutine made at .*async_spec%.lua:" .. line .. ">$", tostring(object))
  end)

  it("warns on stderr when the program ends, by default", function()
    local child = process.run { process.lua, "-e", [[
      local task = require "curlew.task"
      local slow = task.async(function() end)
      task.run(function()
        slow()
        return 1
      end)
      collectgarbage() collectgarbage()
      print("went on")
    ]] }
    assert.equal("went on\n", child.stdout)
    assert.matches("^curlew: a coroutine object made at .*:4 was never started: [^\n]*\n$",
      child.stderr)
    assert.equal(0, child.status)
  end)

  it("refuses what cannot be called, at the caller's line", function()
    local line = here() + 1
    local ok, message = pcall(function() task.async("slow") end)
    assert.is_false(ok)
    assert.matches("async_spec%.lua:" .. line .. ": .*must be a function, got string", message)
  end)

  it("refuses to be awaited outside of a task, at the caller's line", function()
    local object = task.async(function() end)()
    local line = here() + 1
    local ok, message = pcall(function() object:await() end)
    assert.is_false(ok)
    assert.matches("async_spec%.lua:" .. line .. ": .*inside a task", message)
  end)
end)
