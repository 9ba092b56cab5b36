local coroutines = require "curlew.coroutines"
local task = require "curlew.task"

describe("coroutines", function()
  it("gives out what was kept, the last one first, and then new ones", function()
    local function body() end
    local first, second = coroutine.create(body), coroutine.create(body)
    coroutines.keep(first)
    coroutines.keep(second)
    assert.equal(second, coroutines.take(body))
    assert.equal(first, coroutines.take(body))
  end)

  it("has tasks that follow one another share one", function()
    local seen, count = {}, 0
    task.run(function()
      for _ = 1, 20 do
        local co = task.spawn(coroutine.running):await()
        if not seen[co] then
          seen[co], count = true, count + 1
        end
      end
    end)
    assert.equal(1, count)
  end)

  it("has a task that fails or is cancelled leave its own to nobody", function()
    task.run(function()
      local failed = task.spawn(error, "on purpose")
      task.pcall(failed.await, failed)
      assert.equal("fine", task.spawn(function()
        task.yield()
        return "fine"
      end):await())
    end)
  end)

  it("keeps a bounded number", function()
    task.run(function()
      task.map({ n = 3000 }, function()
        task.yield()
      end)
    end)
    local kept = 0
    for _ = 1, 3000 do
      local co = coroutines.take(function() end)
      if debug.getinfo(co, 1, "S") then -- a new one has no frame yet
        kept = kept + 1
      end
    end
    assert.equal(1000, kept)
  end)
end)
