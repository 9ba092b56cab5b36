local after = require("support.tasks").after
local compat = require "curlew.compat"
local here = require "support.here"
local listen = require "support.listen"
local lists = require "curlew.list"
local task = require "curlew.task"
local wait_all_blocked = require("curlew.testing").wait_all_blocked
local waiting = require("support.tasks").waiting

local function fail_after(count, err)
  after(count)
  error(err, 0)
end

local function cancel_all(...)
  for _, list in ipairs { ... } do
    for _, member in ipairs(list) do
      member:cancel()
    end
  end
end

local told

local function start_listening()
  told = listen.to_failures()
end

describe("wait", function()
  before_each(start_listening)
  after_each(listen.no_more)

  it("waits for all unless told otherwise, and keeps the list's order", function()
    for _, options in ipairs { false, {}, { return_when = "all" } } do
      task.run(function()
        local tasks = {
          task.spawn(after, 5), task.spawn(after, 1), task.spawn(after, 9), task.spawn(after, 3),
        }
        local done, pending = task.wait(tasks, options or nil)
        assert.same({}, pending)
        assert.equal(4, #done)
        for i, member in ipairs(tasks) do
          assert.equal(member, done[i])
          assert.equal("done", member:status())
        end
      end)
    end
  end)

  it("ends with the first to end, however it ends", function()
    task.run(function()
      local sleeper = task.spawn(task.sleep, 60)
      for _, status in ipairs { "done", "failed", "cancelled" } do
        local slow = task.spawn(after, 50)
        local quick = task.spawn(status == "failed" and fail_after or after, 4, "x")
        if status == "cancelled" then
          task.spawn(function()
            after(2)
            quick:cancel()
          end)
        end
        local done, pending = task.wait({ sleeper, quick, slow }, { return_when = "first" })
        assert.equal(1, #done)
        assert.equal(quick, done[1])
        assert.equal(status, quick:status())
        assert.equal(2, #pending)
        assert.equal(sleeper, pending[1])
        assert.equal(slow, pending[2])
        assert.is_false(slow:done())
        cancel_all(pending)
        sleeper = task.spawn(task.sleep, 60)
      end
      sleeper:cancel()
    end)
  end)

  it("ends with the first that fails, not with those that end otherwise", function()
    task.run(function()
      local good, cancelled = task.spawn(after, 1), task.spawn(task.sleep, 60)
      local bad, sleeper = task.spawn(fail_after, 8, "bad"), task.spawn(task.sleep, 60)
      task.spawn(function()
        after(3)
        cancelled:cancel()
      end)
      local done, pending = task.wait({ sleeper, bad, cancelled, good }, { return_when = "error" })
      assert.equal(3, #done)
      assert.same({ "failed", "cancelled", "done" },
        { done[1]:status(), done[2]:status(), done[3]:status() })
      assert.equal(1, #pending)
      assert.equal(sleeper, pending[1])
      cancel_all(pending)
    end)
  end)

  it("ends when all have ended, when it waits for a failure that does not come", function()
    task.run(function()
      local done, pending = task.wait({ task.spawn(after, 2), task.spawn(after, 5) },
        { return_when = "error" })
      assert.same({ 2, 0 }, { #done, #pending })
    end)
  end)

  it("counts all that have ended in the same turn as the first", function()
    task.run(function()
      local done, pending = task.wait({
        task.spawn(after, 2), task.spawn(after, 20), task.spawn(after, 2),
      }, { return_when = "first" })
      assert.same({ 2, 1 }, { #done, #pending })
      cancel_all(pending)
    end)
  end)

  it("does not wait when enough have ended already", function()
    task.run(function()
      local good, bad = waiting(after, 0), waiting(fail_after, 0, "bad")
      local others = 0
      task.spawn(function()
        others = others + 1
      end)
      local sleeper = task.spawn(task.sleep, 60)
      for _, case in ipairs {
        { "all", { good, bad }, 2, 0 },
        { "first", { sleeper, good }, 1, 1 },
        { "error", { sleeper, bad, good }, 2, 1 },
        { "error", { good }, 1, 0 },
        { "all", {}, 0, 0 },
        { "first", {}, 0, 0 },
        { "error", {}, 0, 0 },
      } do
        local done, pending = task.wait(case[2], { return_when = case[1] })
        assert.same({ case[3], case[4] }, { #done, #pending })
      end
      assert.equal(0, others)
      sleeper:cancel()
    end)
  end)

  it("waits on when those that have ended are not enough", function()
    task.run(function()
      local good = waiting(after, 0)
      local slow = task.spawn(after, 3)
      assert.equal(2, #task.wait({ good, slow }))
      slow = task.spawn(fail_after, 3, "x")
      assert.equal(2, #task.wait({ good, slow }, { return_when = "error" }))
    end)
  end)

  it("ends when its time is over, and cancels nobody", function()
    task.run(function()
      for _, seconds in ipairs { 0.002, 0, -1 } do
        for _, mode in ipairs { "all", "first", "error" } do
          local sleeper, quick = waiting(task.sleep, 60), waiting(after, 0)
          local list = mode == "first" and { sleeper } or { quick, sleeper }
          local done, pending = task.wait(list, { return_when = mode, timeout = seconds })
          assert.same({ #list - 1, 1 }, { #done, #pending })
          assert.equal(sleeper, pending[1])
          assert.equal("waiting", sleeper:status())
          sleeper:cancel()
        end
      end
    end)
  end)

  it("ends early when its time is not over, and is not woken by it later", function()
    task.run(function()
      for _, seconds in ipairs { 0.004, 60, math.huge } do
        local done = task.wait({ task.spawn(after, 2) }, { timeout = seconds })
        assert.equal(1, #done)
      end
      local woken = false
      local event = task.event()
      local other = task.spawn(function()
        task.sleep(0.02)
        assert(not woken)
        event:set()
      end)
      event:wait()
      woken = true
      other:await()
    end)
  end)

  it("spawns functions, whose tasks it returns", function()
    task.run(function()
      local given = task.spawn(after, 1, "given")
      local done = task.wait { function() return after(3, "spawned") end, given }
      assert.equal("spawned", done[1]:await())
      assert.equal(given, done[2])
    end)
  end)

  it("leaves the tasks running when the waiter is cancelled", function()
    task.run(function()
      local members = { task.spawn(after, 20, "a"), task.spawn(task.sleep, 60) }
      local waiter = task.spawn(task.wait, members, { timeout = 60 })
      after(3)
      waiter:cancel("enough")
      local ok, err = task.pcall(waiter.await, waiter)
      assert.same({ false, "enough" }, { ok, err.reason })
      assert.equal("a", members[1]:await())
      assert.equal("waiting", members[2]:status())
      cancel_all(members)
    end)
  end)

  it("does not disturb the next wait of a waiter that was cancelled", function()
    for _, options in ipairs { {}, { timeout = 0.01 } } do
      task.run(function()
        local event, is_set = task.event(), false
        local member = task.spawn(after, 6)
        local waiter = task.spawn(function()
          assert(not task.pcall(task.wait, { member }, options))
          task.shield(event.wait, event)
          assert(is_set)
          return "undisturbed"
        end)
        after(2)
        waiter:cancel()
        member:await()
        task.sleep(0.02)
        is_set = true
        event:set()
        assert.equal("undisturbed", waiter:await())
      end)
    end
  end)

  it("returns to a waiter cancelled in the turn of the end, and raises at its next wait", function()
    task.run(function()
      local event, results = task.event(), {}
      local member = waiting(event.wait, event)
      local waiter = waiting(function()
        results[1] = task.wait({ member })[1]
        task.yield()
        results[2] = "too far"
      end)
      local was_early
      lists.push(member, { notify = function() -- an observer, told after that of the waiter
        was_early = not results[1] and waiter:cancel()
      end })
      event:set()
      task.pcall(waiter.await, waiter)
      assert.is_true(was_early)
      assert.equal("cancelled", waiter:status())
      assert.equal(member, results[1])
      assert.is_nil(results[2])
    end)
  end)

  it("raises a cancellation that came before, and spawns nothing", function()
    task.run(function()
      local ran = false
      local waiter = task.spawn(function()
        task.current():cancel()
        task.wait { function() ran = true end }
      end)
      task.pcall(waiter.await, waiter)
      wait_all_blocked()
      assert.equal("cancelled", waiter:status())
      assert.is_false(ran)
    end)
  end)

  it("lets several wait for the same tasks, and others await them", function()
    task.run(function()
      local member = task.spawn(after, 4, "x")
      local first, second = task.spawn(task.wait, { member }), task.spawn(task.wait, { member })
      assert.equal("x", member:await())
      assert.equal(member, first:await()[1])
      assert.equal(member, second:await()[1])
    end)
  end)

  it("may be called again and again for what is pending", function()
    task.run(function()
      local pending, order = {}, {}
      local done
      for i = 1, 5 do
        pending[i] = task.spawn(after, (i * 3) % 5 * 3, i)
      end
      while pending[1] do
        done, pending = task.wait(pending, { return_when = "first" })
        for _, member in ipairs(done) do
          order[#order + 1] = member:await()
        end
      end
      assert.same({ 5, 2, 4, 1, 3 }, order)
    end)
  end)

  it("takes one task twice", function()
    task.run(function()
      local member = task.spawn(after, 2)
      assert.equal(2, #task.wait { member, member })
    end)
  end)

  it("raises nothing for a failure, which the unhandled hook is told unless it is taken", function()
    task.run(function()
      local done = task.wait({
        task.spawn(fail_after, 1, "seen"), task.spawn(fail_after, 2, "taken"),
        function() fail_after(3, "spawned") end,
      })
      assert.equal("failed", done[1]:status())
      assert.same({ false, "taken" }, { task.pcall(done[2].await, done[2]) })
      assert.same({}, told)
    end)
    table.sort(told)
    assert.same({ "seen", "spawned" }, told)
  end)

  it("refuses wrong arguments, at the caller's line, and spawns nothing", function()
    task.run(function()
      local ran = false
      local function refusal(list, options)
        local line = here() + 1
        local ok, message = task.pcall(function() task.wait(list, options) end)
        assert.is_false(ok)
        return message:match("^.*wait_spec%.lua:" .. line .. ": (.*)$")
      end
      local list = { function() ran = true end }
      assert.equal("the list must be a table, got nothing", refusal())
      assert.equal("the list must be a table, got string", refusal "list")
      assert.equal("item 2 of the list must be a function, got boolean", refusal { list[1], true })
      assert.equal("the options must be a table, got string", refusal(list, "all"))
      assert.matches('unknown option "retrun_when"', refusal(list, { retrun_when = "all" }))
      assert.matches('^return_when must be .*, got "any"$', refusal(list, { return_when = "any" }))
      assert.matches("return_when.* must be a string", refusal(list, { return_when = 1 }))
      assert.matches("timeout.* must be a number, got string", refusal(list, { timeout = "1" }))
      assert.matches("timeout must be .*, got NaN", refusal(list, { timeout = 0 / 0 }))
      wait_all_blocked()
      assert.is_false(ran)
    end)
  end)

  it("outside of a task raises at the caller's line, and spawns nothing", function()
    local ran = false
    local line = here() + 1
    local ok, message = pcall(function() task.wait { function() ran = true end } end)
    assert.is_false(ok)
    assert.matches("wait_spec%.lua:" .. line .. ": .*inside a task", message)
    task.run(wait_all_blocked)
    assert.is_false(ran)
  end)
end)

describe("as_completed", function()
  before_each(start_listening)
  after_each(listen.no_more)

  -- What a `for` loop would see, as results of the tasks. (5.1 cannot wait in a for's iterator.)
  local function collect(nexttask)
    local order = {}
    local member = nexttask()
    while member do
      order[#order + 1] = member:status() == "done" and member:result() or member:status()
      member = nexttask()
    end
    return order
  end

  it("gives tasks in the order in which they end", function()
    task.run(function()
      local list = {}
      for i = 1, 7 do
        list[i] = task.spawn(after, (i * 3) % 7 * 2, i)
      end
      assert.same({ 7, 5, 3, 1, 6, 4, 2 }, collect(task.as_completed(list)))
    end)
  end)

  it("gives those that end in one turn one after another, losing none", function()
    task.run(function()
      local list = {}
      for i = 1, 50 do
        list[i] = task.spawn(after, i % 3, i)
      end
      local order = collect(task.as_completed(list))
      assert.equal(50, #order)
      table.sort(order)
      for i = 1, 50 do
        assert.equal(i, order[i])
      end
    end)
  end)

  it("gives the tasks themselves, those first that have ended before", function()
    task.run(function()
      local early, late = task.spawn(after, 0), task.spawn(after, 9)
      after(2)
      local middle = task.spawn(after, 2)
      local nexttask = task.as_completed { late, middle, early }
      assert.equal(early, nexttask())
      assert.is_false(middle:done())
      assert.equal(middle, nexttask())
      assert.equal(late, nexttask())
      assert.is_nil(nexttask())
      assert.is_nil(nexttask())
    end)
  end)

  it("gives also those that fail or are cancelled, and raises nothing", function()
    task.run(function()
      local cancelled = task.spawn(task.sleep, 60)
      task.spawn(function()
        after(4)
        cancelled:cancel()
      end)
      assert.same({ "failed", "cancelled", "last" }, collect(task.as_completed {
        cancelled, task.spawn(fail_after, 1, "x"), task.spawn(after, 9, "last"),
      }))
    end)
    assert.same({ "x" }, told)
  end)

  it("spawns functions at once, and gives nothing for an empty list", function()
    task.run(function()
      local begun = 0
      local function item(turns, result)
        return function()
          begun = begun + 1
          return after(turns, result)
        end
      end
      local nexttask = task.as_completed { item(3, "a"), item(4, "b") }
      after(2)
      assert.equal(2, begun)
      assert.same({ "a", "b" }, collect(nexttask))
      assert.is_nil(task.as_completed({})())
    end)
  end)

  it("leaves the rest running when it is broken off", function()
    task.run(function()
      local slow, others = task.spawn(after, 20, "slow"), task.spawn(after, 1, "quick")
      assert.equal(others, task.as_completed({ slow, others })())
      local event = task.event()
      task.spawn(function()
        slow:await()
        task.sleep(0.002)
        event:set()
      end)
      event:wait() -- which the end of `slow` must not wake
      assert.is_true(event:is_set())
      assert.equal("slow", slow:result())
    end)
  end)

  it("loses no task to a cancelled waiter", function()
    task.run(function()
      local slow = task.spawn(after, 10, "slow")
      local nexttask = task.as_completed { slow }
      local waiter = task.spawn(nexttask)
      after(2)
      waiter:cancel()
      task.pcall(waiter.await, waiter)
      assert.equal("cancelled", waiter:status())
      assert.equal(slow, nexttask())
    end)
  end)

  it("serves several tasks at once, each with tasks of its own", function()
    task.run(function()
      local list, order = {}, {}
      for i = 1, 10 do
        list[i] = task.spawn(after, i - i % 2, i)
      end
      local nexttask = task.as_completed(list)
      task.group(function(g)
        for _ = 1, 3 do
          g:spawn(function()
            for _, result in ipairs(collect(nexttask)) do
              order[#order + 1] = result
            end
          end)
        end
      end)
      table.sort(order)
      assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, order)
    end)
  end)

  it("loses no task to a timeout", function()
    task.run(function()
      local nexttask = task.as_completed { function()
        task.sleep(0.003)
        return "x"
      end }
      local _, err = task.timeout(0, nexttask)
      assert.equal("timeout", err.kind)
      assert.same({ "x" }, collect(nexttask))
    end)
  end)

  if compat.yields_across_pcall then
    it("serves a for loop, which may be left", function()
      task.run(function()
        local list, order = {}, {}
        for i = 1, 5 do
          list[i] = task.spawn(after, (6 - i) * 2, i)
        end
        for member in task.as_completed(list) do
          order[#order + 1] = member:await()
          if #order == 3 then
            break
          end
        end
        assert.same({ 5, 4, 3 }, order)
        assert.is_false(list[1]:done())
        assert.equal(1, list[1]:await())
      end)
    end)
  end

  it("refuses wrong lists, and steps outside of a task, at the caller's line", function()
    local line = here() + 1
    local ok, message = pcall(function() task.as_completed { 5 } end)
    assert.is_false(ok)
    assert.matches("wait_spec%.lua:" .. line .. ": item 1 of the list must be a function", message)
    local nexttask = task.as_completed { task.spawn(after, 1) }
    line = here() + 1
    ok, message = pcall(function() nexttask() end)
    assert.is_false(ok)
    assert.matches("wait_spec%.lua:" .. line .. ": .*inside a task", message)
    assert.equal("done", task.run(nexttask):status())
  end)
end)
