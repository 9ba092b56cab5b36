local compat = require "curlew.compat"
local here = require "support.here"
local listen = require "support.listen"
local task = require "curlew.task"
local uv = require "curlew.uv"
local wait_all_blocked = require("curlew.testing").wait_all_blocked
local waiting = require("support.tasks").waiting

describe("await of a callback", function()
  local warnings

  before_each(function()
    warnings = listen.to_warnings()
    listen.to_failures()
  end)

  after_each(listen.no_more)

  it("returns what done was given in a luv callback, nils included", function()
    task.run(function()
      assert.same({ n = 3, nil, "b", nil }, compat.pack(task.await(function(done)
        local timer = uv.new_timer()
        timer:start(1, 0, function()
          timer:close()
          done(nil, "b", nil)
        end)
      end)))
    end)
  end)

  it("returns nothing when done was given nothing", function()
    task.run(function()
      assert.equal(0, select("#", task.await(function(done) done() end)))
    end)
  end)

  it("returns when done is called before the wait, from another task, or from a timer", function()
    task.run(function()
      assert.equal("at once", task.await(function(done) done("at once") end))
      assert.equal("later", task.await(function(done) task.spawn(done, "later") end))
    end)
  end)

  it("does not resume the task inside done", function()
    task.run(function()
      local log = {}
      task.spawn(function()
        task.await(function(done)
          task.spawn(function()
            done()
            log[#log + 1] = "after done"
          end)
        end)
        log[#log + 1] = "resumed"
      end):await()
      assert.same({ "after done", "resumed" }, log)
    end)
  end)

  it("ignores every call of done after the first", function()
    task.run(function()
      local keep
      assert.equal(1, task.await(function(done)
        keep = done
        done(1)
        done(2)
      end))
      keep(3)
      task.sleep(0.001)
      assert.equal(4, task.await(function(done) done(4) keep(5) end))
    end)
  end)

  it("raises what the starting function raises", function()
    task.run(function()
      local err = {}
      local ok, got = task.pcall(task.await, function() error(err) end)
      assert.is_false(ok)
      assert.equal(err, got)
      task.yield()
    end)
  end)

  it("calls the cancel function on cancellation, once, and ignores done from then on", function()
    task.run(function()
      local calls, late = 0, nil
      local child = waiting(task.await, function(done)
        late = done
        return function()
          calls = calls + 1
          done("from cancel")
        end
      end)
      child:cancel()
      child:cancel()
      late("late")
      local ok, err = task.pcall(child.await, child)
      assert.is_false(ok)
      assert.equal("cancelled", err.kind)
      assert.equal("cancelled", child:status())
      assert.equal(1, calls)
    end)
  end)

  it("does not end another wait when done is called after a cancellation", function()
    task.run(function()
      local late, right
      local child = task.spawn(function()
        task.pcall(task.await, function(done) late = done end)
        return (task.shield(task.await, function(done) right = done end))
      end)
      wait_all_blocked()
      child:cancel()
      wait_all_blocked()
      late("wrong")
      wait_all_blocked()
      assert.is_false(child:done())
      right("right")
      assert.equal("right", child:await())
    end)
  end)

  it("calls the cancel function when a timeout ends the wait, too", function()
    task.run(function()
      local called = false
      local _, err = task.timeout(0.001, task.await, function()
        return function()
          called = true
        end
      end)
      assert.equal("timeout", err.kind)
      assert.is_true(called)
    end)
  end)

  it("does not call the cancel function after done, even if a cancel comes in that turn", function()
    task.run(function()
      local called, finish = false, nil
      local child = waiting(function()
        return (task.await(function(done)
          finish = done
          return function()
            called = true
          end
        end))
      end)
      finish("value")
      child:cancel()
      assert.equal("value", child:await())
      assert.is_false(called)
    end)
  end)

  it("warns when the cancel function fails, and cancels all the same", function()
    task.run(function()
      local child = waiting(task.await, function()
        return function()
          error("cannot", 0)
        end
      end)
      child:cancel()
      task.pcall(child.await, child)
      assert.equal("cancelled", child:status())
    end)
    assert.same({ "the cancel function of task.await failed: cannot" }, warnings)
  end)

  it("starts nothing in a task that is cancelled already", function()
    task.run(function()
      local started = false
      local child = task.spawn(function()
        task.current():cancel()
        task.await(function(done)
          started = true
          done()
        end)
      end)
      task.pcall(child.await, child)
      assert.is_false(started)
    end)
  end)

  it("refuses what cannot be called and calls outside of tasks, at the caller's line", function()
    local line = here() + 1
    local _, message = pcall(function() task.await(5) end)
    assert.matches("callback_spec%.lua:" .. line .. ": .*must be a function, got number", message)
    line = here() + 1
    _, message = pcall(function() task.await(print) end)
    assert.matches("callback_spec%.lua:" .. line .. ": .*inside a task", message)
  end)
end)

describe("call of a luv function", function()
  it("returns the results of its callback without the error", function()
    task.run(function()
      local stat = task.call(uv.fs_stat, ".")
      assert.equal("directory", stat.type)
    end)
  end)

  it("returns nil and luv's error text when it fails", function()
    task.run(function()
      local stat, err = task.call(uv.fs_stat, "/nonexistent/file")
      assert.is_nil(stat)
      assert.matches("^ENOENT", err)
    end)
  end)

  it("reads a file in steps, and passes numbers and nils through", function()
    task.run(function()
      local path = "spec/callback_spec.lua"
      local file = assert(task.call(uv.fs_open, path, "r", 438))
      assert.equal("local", task.call(uv.fs_read, file, 5, 0))
      assert.equal("", task.call(uv.fs_read, file, 5, 1e9))
      assert.is_true(task.call(uv.fs_close, file))
    end)
  end)

  it("lets other tasks go on meanwhile", function()
    task.run(function()
      local finish
      task.spawn(function()
        finish(nil, "by another task")
      end)
      assert.equal("by another task", task.call(function(callback)
        finish = callback
        return true
      end))
    end)
  end)

  it("can be cancelled, and the loop is left in order", function()
    task.run(function()
      for _ = 1, 20 do
        local child = waiting(task.call, uv.fs_stat, ".")
        child:cancel()
        task.pcall(child.await, child)
        assert.is_true(child:done())
      end
      assert.equal("directory", task.call(uv.fs_stat, ".").type)
    end)
  end)

  it("refuses what cannot be called, at the caller's line", function()
    task.run(function()
      local line = here() + 1
      local _, message = pcall(function() task.call(nil, ".") end)
      assert.matches("callback_spec%.lua:" .. line .. ": .*must be a function, got nothing",
        message)
    end)
  end)
end)
