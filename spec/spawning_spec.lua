local ending = require "curlew.ending"
local list = require "curlew.list"
local task = require "curlew.task"
local warning = require "curlew.warning"

describe("spawning", function()
  it("gives one value as it is, and others packed, nils included", function()
    task.run(function()
      local function count(...)
        return select("#", ...), ...
      end
      assert.same({ 0 }, { task.spawn(count):await() })
      assert.same({ 1, nil }, { task.spawn(count, nil):await() })
      assert.same({ 1, "a" }, { task.spawn(count, "a"):await() })
      assert.same({ 3, nil, "b", nil }, { task.spawn(count, nil, "b", nil):await() })
    end)
  end)

  it("knows the tasks that are in no group; those of a group are known by the group", function()
    task.run(function()
      local alone = task.spawn(task.sleep, 60)
      task.group(function(group)
        local child = group:spawn(task.sleep, 60)
        assert.is_true(ending.roots[alone])
        assert.is_nil(ending.roots[child])
        assert.is_true(group.children[child])
        group:cancel()
      end)
    end)
    assert.is_nil(next(ending.roots))
  end)
end)

describe("a step that raises", function()
  it("ends its task only, wakes who awaits it, and is told", function()
    local told = {}
    warning.on_warning(function(text)
      told[#told + 1] = text
    end)
    task.run(function()
      local child = task.spawn(function()
        task.yield()
        return "done"
      end)
      local broken = true
      list.push(child, { notify = function()
        if broken then
          broken = false
          error("no memory, as it were", 0)
        end
      end })
      assert.equal("done", child:await())
      assert.equal("goes on", task.spawn(function()
        task.sleep(0.001)
        return "goes on"
      end):await())
    end)
    warning.on_warning(nil)
    assert.same({ "error in a callback: no memory, as it were" }, told)
  end)
end)
