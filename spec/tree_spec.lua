local here = require "support.here"
local task = require "curlew.task"
local wait_all_blocked = require("curlew.testing").wait_all_blocked

local function lines_of(text)
  local lines = {}
  for line in text:gmatch "[^\n]+" do
    lines[#lines + 1] = line
  end
  return lines
end

-- Each line as its indentation in steps, and the name of the task.
local function outline(text)
  local shape = {}
  for _, line in ipairs(lines_of(text)) do
    local indent, name = line:match "^( *)<Task (%S+)"
    shape[#shape + 1] = ("%d %s"):format(#indent / 2, name)
  end
  return shape
end

-- Waits for ever, under a name. Children are made of it.
local function sleep_as(name)
  task.current():name(name)
  task.sleep(60)
end

local function host_as(name, body)
  task.current():name(name)
  task.group(body)
end

describe("tree", function()
  it("is empty where no task lives", function()
    assert.equal("", task.tree())
    task.run(task.yield)
    assert.equal("", task.tree())
  end)

  it("shows each task on a line as tostring does, the oldest first", function()
    task.run(function()
      task.current():name "main"
      local children = { task.spawn(sleep_as, "a"), task.spawn(sleep_as, "b") }
      wait_all_blocked()
      assert.same({
        tostring(task.current()), tostring(children[1]), tostring(children[2]),
      }, lines_of(task.tree()))
      assert.same({ "0 main", "0 a", "0 b" }, outline(task.tree()))
    end)
  end)

  it("shows the children of a group below the task whose group it is", function()
    task.run(function()
      task.current():name "main"
      local host = task.spawn(host_as, "host", function(g)
        g:spawn(sleep_as, "first")
        g:spawn(host_as, "inner", function(inner)
          inner:spawn(sleep_as, "grandchild")
        end)
        g:spawn(sleep_as, "last")
      end)
      task.spawn(sleep_as, "stranger")
      wait_all_blocked()
      assert.same({
        "0 main", "0 host", "1 first", "1 inner", "2 grandchild", "1 last", "0 stranger",
      }, outline(task.tree()))
      host:cancel()
    end)
  end)

  it("shows the children of all groups that a task is in", function()
    task.run(function()
      task.current():name "main"
      task.group(function(outer)
        outer:spawn(sleep_as, "outer-child")
        task.group(function(inner)
          inner:spawn(sleep_as, "inner-child")
          outer:spawn(sleep_as, "late-child")
          wait_all_blocked()
          assert.same({ "0 main", "1 outer-child", "1 inner-child", "1 late-child" },
            outline(task.tree()))
          outer:cancel()
        end)
      end)
    end)
  end)

  it("shows what a child spawned into the group beside it, not below it", function()
    task.run(function()
      task.current():name "main"
      task.group(function(g)
        g:spawn(function()
          task.current():name "child"
          g:spawn(sleep_as, "sibling")
          task.sleep(60)
        end)
        wait_all_blocked()
        assert.same({ "0 main", "1 child", "1 sibling" }, outline(task.tree()))
        g:cancel()
      end)
    end)
  end)

  it("says of each where it waits", function()
    task.run(function()
      local line = {}
      task.spawn(function()
        line.sleep = here() + 1
        task.sleep(60)
      end)
      task.spawn(function()
        local queue = task.queue()
        line.get = here() + 1
        queue:get()
      end)
      task.spawn(function()
        local group_line = here() + 1
        task.group(function(g)
          g:spawn(function()
            line.child = here() + 1
            task.event():wait()
          end)
        end)
        return group_line
      end)
      task.spawn(function()
        task.pcall(function()
          line.pcall = here() + 1
          task.sleep(60)
        end)
      end)
      wait_all_blocked()
      local shown = lines_of(task.tree())
      assert.equal(6, #shown)
      assert.matches("running>$", shown[1])
      local function check(index, expected)
        local place = shown[index]:match "waiting at .*tree_spec%.lua:(%d+)>$"
        assert.equal(expected, tonumber(place))
      end
      check(2, line.sleep)
      check(3, line.get)
      check(5, line.child)
      check(6, line.pcall)
      assert.matches("^<Task .* waiting at .*tree_spec%.lua:%d+>$", shown[4])
    end)
  end)

  it("shows tasks that have not started, and none that have ended", function()
    task.run(function()
      task.current():name "main"
      local ended, cancelled = task.spawn(function() end), task.spawn(sleep_as, "cancelled")
      wait_all_blocked()
      cancelled:cancel()
      task.spawn(sleep_as, "x"):name "new"
      assert.is_true(ended:done())
      assert.same({ "0 main", "0 cancelled", "0 new" }, outline(task.tree()))
      assert.matches("scheduled", lines_of(task.tree())[3])
      wait_all_blocked()
      assert.same({ "0 main", "0 x" }, outline(task.tree()))
    end)
  end)

  it("shows children as roots no more once their group has ended", function()
    task.run(function()
      task.current():name "main"
      task.group(function(g)
        g:spawn(task.yield)
      end)
      assert.same({ "0 main" }, outline(task.tree()))
    end)
  end)

  it("shows the parts of a gather below the task that gathers", function()
    task.run(function()
      task.current():name "main"
      local gatherer = task.spawn(function()
        task.current():name "gatherer"
        task.gather {
          function() sleep_as "one" end,
          function() sleep_as "two" end,
        }
      end)
      wait_all_blocked()
      assert.same({ "0 main", "0 gatherer", "1 one", "1 two" }, outline(task.tree()))
      gatherer:cancel()
    end)
  end)

  it("shows deep nesting step by step", function()
    task.run(function()
      local function nest(depth)
        task.current():name("level-" .. depth)
        if depth == 20 then
          task.sleep(60)
        end
        task.group(function(g)
          g:spawn(nest, depth + 1)
        end)
      end
      task.spawn(nest, 1)
      wait_all_blocked()
      local shape = outline(task.tree())
      assert.equal(21, #shape)
      for depth = 1, 20 do
        assert.equal(("%d level-%d"):format(depth - 1, depth), shape[depth + 1])
      end
    end)
  end)
end)
