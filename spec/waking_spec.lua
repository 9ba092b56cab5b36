local task = require "curlew.task"
local tasks = require "support.tasks"
local waking = require "curlew.waking"

describe("waking", function()
  it("resumes a parked task on a later turn, never inside the call", function()
    local order = {}
    task.run(function()
      local waiter = tasks.waiting(function()
        task.checkpoint()
        local value = task.park()
        order[#order + 1] = "woken with " .. value
      end)
      waking.wake(waiter, "a value")
      order[#order + 1] = "after wake"
      waiter:await()
    end)
    assert.same({ "after wake", "woken with a value" }, order)
  end)

  it("passes over a task that does not wait", function()
    task.run(function()
      local self = task.current()
      waking.wake(self, "lost")
      assert.equal("running", self:status())
      task.yield()
      assert.equal("running", self:status())
    end)
  end)

  it("wakes once, with the value of the first call", function()
    local values = {}
    task.run(function()
      local waiter = tasks.waiting(function()
        task.checkpoint()
        values[1] = task.park()
        task.yield()
      end)
      waking.wake(waiter, 1)
      waking.wake(waiter, 2)
      waiter:await()
    end)
    assert.same({ 1 }, values)
  end)
end)
