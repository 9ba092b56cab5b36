local compat = require "curlew.compat"
local here = require "support.here"
local listen = require "support.listen"
local process = require "support.process"
local run = require "curlew.run"
local shell = require "support.shell"
local task = require "curlew.task"
local uv = require "curlew.uv"
local wait_all_blocked = require("curlew.testing").wait_all_blocked

-- Runs a Lua program; `task` and `uv` are there already.
local function program(source, options)
  local command = { process.lua, "-e",
    'local task, uv = require "curlew.task", require "curlew.uv"\n'
      .. 'io.stdout:setvbuf("no")\n' .. source }
  for name, value in pairs(options or {}) do
    command[name] = value
  end
  return command
end

describe("run", function()
  before_each(listen.to_failures)
  after_each(listen.no_more)

  it("passes arguments and returns results, nils included", function()
    assert.same({ n = 4, nil, "b", nil, 4 }, compat.pack(task.run(function(...)
      task.sleep(0.001)
      return ...
    end, nil, "b", nil, 4)))
  end)

  it("returns nothing when its function returned nothing", function()
    assert.equal(0, select("#", task.run(function() end)))
  end)

  it("takes coroutine objects and callable tables", function()
    local double = task.async(function(x)
      task.yield()
      return 2 * x
    end)
    assert.equal(6, task.run(double(3)))
    assert.equal("called", task.run(setmetatable({}, { __call = function() return "called" end })))
  end)

  it("raises errors of every type but strings unchanged", function()
    for _, err in ipairs { {}, io.stdout, 42, false } do
      local ok, got = pcall(task.run, function()
        task.yield()
        error(err, 0)
      end)
      assert.is_false(ok)
      assert.equal(err, got)
    end
  end)

  it("raises a string with the traceback of the task below it", function()
    local line
    local function broken()
      task.yield()
      line = here() + 1
      error("boom")
    end
    local ok, message = pcall(task.run, function()
      broken()
      return nil
    end)
    assert.is_false(ok)
    assert.matches("^[^\n]*run_spec%.lua:" .. line .. ": boom\nstack traceback:\n\t[^\n]*run_spec",
      message)
    assert.is_nil(message:find("lua/curlew/", 1, true))
  end)

  it("raises an error that is nil as a sentence", function()
    local ok, message = pcall(task.run, function() error(nil) end)
    assert.is_false(ok)
    assert.matches("nil", message)
  end)

  it("shows the traceback of the child whose failure it raises", function()
    local line
    local ok, message = pcall(task.run, function()
      task.group(function(g)
        g:spawn(function()
          line = here() + 1
          error("boom in a child")
        end)
      end)
    end)
    assert.is_false(ok)
    assert.matches("\nstack traceback:\n.*run_spec%.lua:" .. line, message)
  end)

  it("raises an error of kind cancelled when the main task is cancelled", function()
    local ok, err = pcall(task.run, function()
      task.current():cancel("by itself")
      task.yield()
    end)
    assert.is_false(ok)
    assert.equal("cancelled", err.kind)
    assert.equal("by itself", err.reason)
  end)

  it("cancels tasks that are left, and waits for their clean-up, before it returns", function()
    local log = {}
    task.run(function()
      for _ = 1, 3 do
        task.spawn(function()
          local ok, err = task.pcall(task.sleep, 60)
          log[#log + 1] = ok
          task.shield(task.sleep, 0.001)
          log[#log + 1] = "cleaned"
          error(err, 0)
        end)
      end
      wait_all_blocked()
    end)
    log[#log + 1] = "returned"
    assert.same({ false, false, false, "cleaned", "cleaned", "cleaned", "returned" }, log)
  end)

  it("cancels tasks that are left also when its function fails", function()
    local unwound = false
    pcall(task.run, function()
      task.spawn(function()
        task.pcall(task.sleep, 60)
        unwound = true
      end)
      wait_all_blocked()
      error("x")
    end)
    assert.is_true(unwound)
  end)

  it("never runs tasks that are left and have not started", function()
    local ran = false
    task.run(function()
      task.spawn(function()
        ran = true
      end)
    end)
    assert.is_false(ran)
  end)

  it("cancels tasks that are spawned during the clean-up of those that are left", function()
    local late
    task.run(function()
      task.spawn(function()
        task.pcall(task.sleep, 60)
        late = task.spawn(task.sleep, 3600) -- or run never ends
      end)
      wait_all_blocked()
    end)
    assert.equal("cancelled", late:status())
  end)

  it("can run again, after success and after failure", function()
    for i = 1, 3 do
      assert.equal(i, task.run(function() task.sleep(0.001) return i end))
      assert.is_false((pcall(task.run, error, "x")))
    end
  end)

  it("can run again after it was given a coroutine object that had been started", function()
    local object = task.async(function() end)()
    task.run(object)
    assert.is_false((pcall(task.run, object)))
    assert.equal("fine", task.run(function() return "fine" end))
  end)

  it("works inside a user's coroutine", function()
    local co = coroutine.wrap(function()
      coroutine.yield(task.run(function()
        task.sleep(0.001)
        return "inside"
      end))
      return "went on"
    end)
    assert.equal("inside", co())
    assert.equal("went on", co())
  end)

  it("is an error inside a task, at the caller's line, and harms nothing", function()
    task.run(function()
      local line = here() + 1
      local ok, message = pcall(function() task.run(function() end) end)
      assert.is_false(ok)
      assert.matches("run_spec%.lua:" .. line .. ": run cannot be called inside a task", message)
      task.yield()
    end)
  end)

  it("is an error in a coroutine that the user made in a task", function()
    task.run(function()
      local ok, message = coroutine.resume(coroutine.create(function()
        task.run(function() end)
      end))
      assert.is_false(ok)
      assert.matches("run cannot be called inside a task", message)
    end)
  end)

  it("is an error inside another run, as in a luv callback", function()
    local ok, message
    task.run(function()
      local timer = uv.new_timer()
      timer:start(1, 0, function()
        timer:close()
        ok, message = pcall(task.run, function() end)
      end)
      task.sleep(0.005)
    end)
    assert.is_false(ok)
    assert.matches("run cannot be called inside another run", message)
  end)

  it("refuses what cannot be called, at the caller's line", function()
    local line = here() + 1
    local ok, message = pcall(function() task.run("main") end)
    assert.is_false(ok)
    assert.matches("run_spec%.lua:" .. line .. ": .*must be a function, got string", message)
  end)

  it("leaves no handle in the loop, after success and after failure", function()
    local child = process.run(program [[
      local function handles()
        local count = 0
        uv.walk(function() count = count + 1 end)
        return count
      end
      for i = 1, 2 do
        task.run(function()
          task.spawn(task.sleep, 60)
          task.timeout(0.001, task.sleep, 60)
        end)
        print(handles())
        pcall(task.run, error, "x")
        print(handles())
      end
    ]])
    assert.equal("0\n0\n0\n0\n", child.stdout)
  end)

  it("leaves no descriptor more after its second time", function()
    task.run(task.sleep, 0.001)
    local before = process.descriptors()
    for _ = 1, 3 do
      task.run(function()
        task.spawn(task.sleep, 60)
        task.sleep(0.001)
      end)
    end
    assert.equal(before, process.descriptors())
  end)

  it("calls what was registered for its end, once the tasks have ended, each time", function()
    local log = {}
    run.at_end(function()
      log[#log + 1] = "at end"
    end)
    for _ = 1, 2 do
      task.run(function()
        task.spawn(function()
          task.pcall(task.sleep, 60)
          log[#log + 1] = "unwound"
        end)
        wait_all_blocked()
      end)
    end
    assert.same({ "unwound", "at end", "unwound", "at end" }, log)
  end)

  describe("in a deadlock", function()
    it("raises a list of the waiting tasks, each with its place", function()
      local child = process.run(program [[
        local ok, message = pcall(task.run, function()
          local forever = function() end
          task.spawn(function()
            task.await(forever)
            return 1
          end):name("worker")
          task.current():name("main")
          task.await(forever) -- line 10
          return 1
        end)
        print(ok)
        print(message)
        print(task.run(function() return "runs again" end))
      ]])
      local lines = {}
      for line in child.stdout:gmatch("[^\n]+") do
        lines[#lines + 1] = line
      end
      assert.equal("", child.stderr)
      assert.equal("false", lines[1])
      assert.equal("deadlock: nothing in the loop can wake any of these tasks", lines[2])
      assert.matches("^  <Task main waiting at .*:10>$", lines[3])
      assert.matches("^  <Task worker waiting at .*:6>$", lines[4])
      assert.equal("runs again", lines[5])
      assert.equal(0, child.status)
    end)

    it("recognizes tasks that await one another", function()
      local child = process.run(program [[
        local ok, message = pcall(task.run, function()
          local a, b
          a = task.spawn(function() b:await() end)
          b = task.spawn(function() a:await() end)
          a:await()
        end)
        print(ok, (message:match("^deadlock")), select(2, message:gsub("<Task", "")))
      ]])
      assert.equal("false\tdeadlock\t3\n", child.stdout)
    end)

    it("unwinds the tasks", function()
      local child = process.run(program [[
        print((pcall(task.run, function()
          task.spawn(function() task.pcall(task.await, function() end) print("child") end)
          task.pcall(task.await, function() end)
          print("main")
        end)))
      ]])
      assert.equal("main\nchild\nfalse\n", child.stdout)
    end)

    it("ends even when a task waits behind a shield for what cannot come", function()
      local child = process.run(program([[
        print(pcall(task.run, function()
          task.spawn(task.shield, task.await, function() end)
          task.yield()
        end))
        print(task.run(function() task.sleep(0.001) return "runs again" end))
      ]], { timeout = 10 }))
      assert.matches("^false\tdeadlock: .*\nruns again\n$", child.stdout)
    end)

    it("is not one while a luv handle is alive that may wake the task", function()
      local child = process.run(program [[
        print(task.run(function()
          return task.await(function(done)
            local timer = uv.new_timer()
            timer:start(5, 0, function() timer:close() done("woken") end)
          end)
        end))
      ]])
      assert.equal("woken\n", child.stdout)
    end)
  end)

  describe("on SIGINT", function()
    -- Starts a program, waits until it has printed "ready", sends SIGINT.
    local function interrupt(source)
      local child = process.start(program(source))
      assert.is_true(shell.turn(function()
        return child.stdout:find("ready") or child.status
      end))
      child:kill("sigint")
      return child
    end

    it("cancels the main task, with its clean-up, and raises the cancellation", function()
      local child = interrupt([[
        local ok, err = pcall(task.run, function()
          task.spawn(function() task.pcall(task.sleep, 60) print("child unwound") end)
          task.yield()
          print("ready")
          local ok, err = task.pcall(task.sleep, 60)
          task.shield(task.sleep, 0.001)
          print("main unwound")
          error(err, 0)
        end)
        print(ok, err.kind, err.reason)
        os.exit(130)
      ]]):wait()
      assert.equal("ready\nmain unwound\nchild unwound\nfalse\tcancelled\tinterrupted\n",
        child.stdout)
      assert.equal(130, child.status)
      assert.equal("", child.stderr)
    end)

    it("works again in the next run", function()
      local child = interrupt([[
        task.run(function() task.sleep(0.001) end)
        local ok, err = pcall(task.run, function()
          print("ready")
          task.sleep(60)
        end)
        print(ok, err.kind)
      ]]):wait()
      assert.equal("ready\nfalse\tcancelled\n", child.stdout)
    end)

    it("the second time kills, even while clean-up waits behind a shield", function()
      local child = interrupt [[
        task.run(function()
          print("ready")
          task.pcall(task.sleep, 60)
          print("cleaning")
          task.shield(task.sleep, 60)
        end)
      ]]
      assert.is_true(shell.turn(function()
        return child.stdout:find("cleaning\n") or child.status
      end))
      child:kill("sigint")
      child:wait()
      assert.equal("ready\ncleaning\n", child.stdout)
      assert.equal(2, child.signal)
      assert.is_nil(child.timed_out)
    end)
  end)

  it("ends the program with status 1, message and traceback for an error nobody catches", function()
    local child = process.run(program [[
      task.run(function()
        task.yield()
        error("boom")
      end)
    ]])
    assert.equal(1, child.status)
    assert.matches(":5: boom\nstack traceback:", child.stderr)
  end)

  it("ends the program with status 0 when all went well", function()
    local child = process.run(program [[task.run(function() task.spawn(task.sleep, 60) end)]])
    assert.equal(0, child.status)
    assert.equal("", child.stdout .. child.stderr)
  end)
end)
