local task = require "curlew.task"
local testing = task.testing
local tasks = require "support.tasks"
local time = require "curlew.time"
local uv = require "curlew.uv"

describe("task.testing", function()
  it("lets hours pass in no time, in their order", function()
    local order = {}
    local passed = testing.run(function()
      local started = time.now()
      task.group(function(group)
        for hours = 5, 1, -1 do
          group:spawn(function()
            task.sleep(hours * 3600)
            order[#order + 1] = hours
          end)
        end
      end)
      return time.now() - started
    end)
    assert.same({ 1, 2, 3, 4, 5 }, order)
    assert.equal(5 * 3600, passed)
  end)

  it("rings for each millisecond: none is lost by rounding", function()
    testing.run(function()
      for millisecond = 1, 20000 do -- such as 2.006 s, which is less than 2006 ms to a computer
        task.sleep(millisecond / 1000 - time.now())
      end
      assert.is_true(math.abs(time.now() - 20) < 1e-9)
    end)
  end)

  it("stands still while a task can run", function()
    testing.run(function()
      local started = time.now()
      for _ = 1, 100 do
        task.yield()
      end
      assert.equal(started, time.now())
    end)
  end)

  it("has limits of time end as they would", function()
    testing.run(function()
      local result, err = task.timeout(60, task.sleep, 3600)
      assert.is_nil(result)
      assert.equal("timeout", err.kind)
      assert.equal("done", (task.timeout(3600, function()
        task.sleep(60)
        return "done"
      end)))
    end)
  end)

  it("finds a deadlock, also where a task sleeps for ever beside it", function()
    local ok, err = pcall(testing.run, function()
      task.await(function() end)
    end)
    assert.is_false(ok)
    assert.matches("deadlock", err)
  end)

  it("shuffles the tasks that are ready by the seed, the same way each time #order", function()
    local function order(seed)
      return testing.run(function()
        local seen = {}
        task.group(function(group)
          for number = 1, 20 do
            group:spawn(function()
              seen[#seen + 1] = number
            end)
          end
        end)
        return table.concat(seen, " ")
      end, { seed = seed })
    end
    assert.equal(order(7), order(7))
    assert.not_equal(order(7), order(8))
    assert.not_equal(order(), order(7))
    assert.equal(order(), order())
  end)

  it("waits until all other tasks wait, those included that are spawned meanwhile", function()
    task.run(function()
      local event, log = task.event(), {}
      task.spawn(function()
        tasks.after(5)
        task.spawn(function()
          tasks.after(5)
          log[#log + 1] = "as far as it can"
          event:wait()
          log[#log + 1] = "too far"
        end)
      end)
      testing.wait_all_blocked()
      assert.same({ "as far as it can" }, log)
    end)
  end)

  it("names the seed when the function fails", function()
    local ok, err = pcall(testing.run, function()
      error("by chance", 0)
    end, { seed = 12 })
    assert.is_false(ok)
    assert.matches("^by chance", err)
    assert.matches("%(with the seed 12%)$", err)
  end)

  it("gives the clock back, after an error too", function()
    pcall(testing.run, error)
    local before = uv.hrtime() * 1e-9
    assert.is_true(time.now() >= before)
    task.run(task.sleep, 0.001)
    assert.is_true(time.now() > before)
  end)

  it("returns all results, and refuses what is no function or option", function()
    assert.equal(3, select("#", testing.run(function()
      return nil, 1, nil
    end)))
    assert.has_error(function()
      testing.run(5)
    end)
    local ok, err = pcall(testing.run, print, { sed = 1 })
    assert.is_false(ok)
    assert.matches('testing_spec.lua:%d+: unknown option "sed"', err)
  end)

  it("cannot take the clock away while something waits for a time", function()
    local ok, err
    task.run(function()
      local sleeper = tasks.waiting(task.sleep, 60)
      ok, err = pcall(time.set_clock, {})
      sleeper:cancel()
    end)
    assert.is_false(ok)
    assert.matches("while something waits for a time", err)
  end)

  it("gives random numbers that are the same on every Lua", function()
    local random = testing.random(1)
    local numbers = {}
    for i = 1, 5 do
      numbers[i] = random(100)
    end
    assert.same({ 15, 99, 100, 17, 14 }, numbers)
  end)
end)
