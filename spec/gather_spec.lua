local here = require "support.here"
local listen = require "support.listen"
local pack = require("curlew.compat").pack
local task = require "curlew.task"
local tasks = require "support.tasks"
local wait_all_blocked = require("curlew.testing").wait_all_blocked

local after, waiting = tasks.after, tasks.waiting

local told

local function start_listening()
  told = listen.to_failures()
end

describe("map", function()
  before_each(start_listening)
  after_each(listen.no_more)

  it("returns results in the list's order, whatever ends first", function()
    task.run(function()
      local ended = {}
      local results = task.map({ 5, 1, 4, 2, 3 }, function(item)
        for _ = 1, item do
          task.yield()
        end
        ended[#ended + 1] = item
        return item * 10
      end)
      assert.same({ n = 5, 50, 10, 40, 20, 30 }, results)
      assert.same({ 1, 2, 3, 4, 5 }, ended)
    end)
  end)

  it("calls the function with item and index, once each", function()
    task.run(function()
      local seen = {}
      task.map({ "a", "b", "c" }, function(...)
        seen[#seen + 1] = table.concat({ ... }, "/")
      end)
      assert.same({ "a/1", "b/2", "c/3" }, seen)
    end)
  end)

  it("keeps only the first result of each call; nils leave holes, which n counts", function()
    task.run(function()
      local results = task.map({ 1, 2, 3 }, function(item)
        if item ~= 2 then
          return item, "second result"
        end
      end)
      assert.same({ n = 3, 1, nil, 3 }, results)
    end)
  end)

  it("believes the n of a list with holes", function()
    task.run(function()
      local results = task.map({ n = 3, nil, "b", nil }, function(item, index)
        return (item or "hole") .. index
      end)
      assert.same({ n = 3, "hole1", "b2", "hole3" }, results)
    end)
  end)

  it("returns an empty list for an empty one", function()
    task.run(function()
      assert.same({ n = 0 }, task.map({}, error))
      assert.same({ n = 0 }, task.map({}, error, { limit = 3 }))
    end)
  end)

  it("runs all at once without a limit", function()
    task.run(function()
      local items, running, most = {}, 0, 0
      for i = 1, 50 do
        items[i] = i
      end
      task.map(items, function()
        running = running + 1
        most = math.max(most, running)
        task.yield()
        running = running - 1
      end)
      assert.equal(50, most)
    end)
  end)

  it("never exceeds the limit, and makes full use of it", function()
    for _, limit in ipairs { 1, 2, 7, 50, 1000, math.huge } do
      task.run(function()
        local items, running, most = {}, 0, 0
        for i = 1, 50 do
          items[i] = i
        end
        local results = task.map(items, function(item)
          running = running + 1
          most = math.max(most, running)
          for _ = 0, item % 4 do
            task.yield()
          end
          running = running - 1
          return item
        end, { limit = limit })
        assert.equal(math.min(limit, 50), most)
        for i = 1, 50 do
          assert.equal(i, results[i])
        end
      end)
    end
  end)

  it("takes items in order", function()
    task.run(function()
      local order = {}
      task.map({ 1, 2, 3, 4, 5, 6 }, function(item)
        order[#order + 1] = item
        task.yield()
      end, { limit = 2 })
      assert.same({ 1, 2, 3, 4, 5, 6 }, order)
    end)
  end)

  it("raises the first failure unchanged, cancels the rest, and starts no further items", function()
    for _, err in ipairs { {}, 42, false, "text" } do
      task.run(function()
        local started, cancelled = 0, 0
        local ok, got = task.pcall(task.map, { 1, 2, 3, 4, 5, 6 }, function(item)
          started = started + 1
          if item == 2 then
            task.yield()
            error(err, 0)
          end
          local slept, cancel = task.pcall(task.sleep, 60)
          cancelled = cancelled + (slept and 0 or 1)
          error(cancel, 0)
        end, { limit = 3 })
        assert.is_false(ok)
        assert.equal(err, got)
        assert.equal(3, started)
        assert.equal(2, cancelled)
      end)
    end
    assert.same({}, told)
  end)

  it("passes a cancellation to the calls in progress, and starts no others", function()
    task.run(function()
      local started = 0
      local child = task.spawn(task.map, { 1, 2, 3, 4 }, function()
        started = started + 1
        task.sleep(60)
      end, { limit = 2 })
      wait_all_blocked()
      child:cancel()
      task.pcall(child.await, child)
      assert.equal("cancelled", child:status())
      assert.equal(2, started)
    end)
  end)

  it("obeys a timeout around it", function()
    task.run(function()
      local value, err = task.timeout(0.001, task.map, { 1, 2, 3 }, function()
        task.sleep(60)
      end)
      assert.is_nil(value)
      assert.equal("timeout", err.kind)
    end)
  end)

  it("refuses wrong arguments, at the caller's line", function()
    task.run(function()
      local function refusal(...)
        local args = { n = select("#", ...), ... }
        local line = here() + 1
        local ok, message = task.pcall(function() task.map(args[1], args[2], args[3]) end)
        assert.is_false(ok)
        return (message:gsub("^.*gather_spec%.lua:" .. line .. ": ", ""))
      end
      assert.equal("the list must be a table, got string", refusal("list", print))
      assert.equal("the list must be a table, got nothing", refusal())
      assert.equal("the function to map must be a function, got nothing", refusal({}))
      for _, limit in ipairs { 0, -1, 0 / 0, "2", {} } do
        assert.matches("limit.* must be a number", refusal({ 1 }, print, { limit = limit }))
      end
      assert.equal("the options must be a table, got number", refusal({ 1 }, print, 5))
      assert.matches("unknown option \"limt\"", refusal({ 1 }, print, { limt = 1 }))
    end)
  end)

  it("outside of a task raises at the caller's line", function()
    local line = here() + 1
    local ok, message = pcall(function() task.map({ 1 }, print) end)
    assert.is_false(ok)
    assert.matches("gather_spec%.lua:" .. line .. ": .*inside a task", message)
  end)
end)

local function failing_after(count, err)
  return function()
    after(count)
    error(err, 0)
  end
end

-- A function that counts in `log` that it has begun, and that it was cancelled.
local function sleeper(log)
  return function()
    log.begun = (log.begun or 0) + 1
    local ok, err = task.pcall(task.sleep, 60)
    log.cancelled = (log.cancelled or 0) + (ok and 0 or 1)
    error(err, 0)
  end
end

-- Lets the tasks that were cancelled just now end.
local function check_cancelled(...)
  wait_all_blocked()
  for _, child in ipairs { ... } do
    assert.equal("cancelled", child:status())
  end
end

for _, name in ipairs { "gather", "settle", "race" } do
  describe(name, function()
    it("refuses a wrong list, at the caller's line, and starts nothing", function()
      task.run(function()
        local ran = false
        local function refusal(list)
          local line = here() + 1
          local ok, message = task.pcall(function() task[name](list) end)
          assert.is_false(ok)
          return message:match("^.*gather_spec%.lua:" .. line .. ": (.*)$")
        end
        assert.equal("the list must be a table, got nothing", refusal())
        assert.equal("the list must be a table, got function", refusal(print))
        assert.equal("item 2 of the list must be a function, got number", refusal {
          function() ran = true end, 5,
        })
        assert.equal("item 1 of the list must be a function, got nothing",
          refusal { n = 2, nil, print })
        wait_all_blocked()
        assert.is_false(ran)
      end)
    end)

    it("outside of a task raises at the caller's line", function()
      local line = here() + 1
      local ok, message = pcall(function() task[name] { print } end)
      assert.is_false(ok)
      assert.matches("gather_spec%.lua:" .. line .. ": .*inside a task", message)
    end)

    it("raises a cancellation that came before, and starts nothing", function()
      task.run(function()
        local ran = false
        local child = task.spawn(function()
          task.current():cancel()
          task[name] { function() ran = true end }
        end)
        task.pcall(child.await, child)
        assert.equal("cancelled", child:status())
        assert.is_false(ran)
      end)
    end)

    it("passes a cancellation to its functions, and waits for their clean-up", function()
      task.run(function()
        local log = {}
        local function careful()
          local _, err = task.pcall(task.sleep, 60)
          task.shield(after, 3)
          log[#log + 1] = "cleaned up"
          error(err, 0)
        end
        local child = task.spawn(task[name], { careful, careful })
        wait_all_blocked()
        child:cancel("from outside")
        local _, err = task.pcall(child.await, child)
        assert.equal("from outside", err.reason)
        assert.equal("cancelled", child:status())
        assert.same({ "cleaned up", "cleaned up" }, log)
      end)
    end)

    it("obeys a timeout around it", function()
      task.run(function()
        local value, err = task.timeout(0.001, task[name], {
          function() task.sleep(60) end,
          function() task.sleep(60) end,
        })
        assert.is_nil(value)
        assert.equal("timeout", err.kind)
      end)
    end)

    it("takes coroutine objects", function()
      task.run(function()
        local double = task.async(function(x)
          task.yield()
          return 2 * x
        end)
        local first, second = task[name] { double(4) }
        if name == "race" then
          assert.same({ 1, 8 }, { first, second })
        else
          assert.equal(8, name == "gather" and first[1] or first[1].value)
        end
      end)
    end)
  end)
end

describe("gather", function()
  before_each(start_listening)
  after_each(listen.no_more)

  it("returns results in the list's order, whatever ends first", function()
    task.run(function()
      local ended = {}
      local function item(turns)
        return function()
          after(turns)
          ended[#ended + 1] = turns
          return turns * 10
        end
      end
      assert.same({ n = 3, 30, 10, 20 }, task.gather { item(3), item(1), item(2) })
      assert.same({ 1, 2, 3 }, ended)
    end)
  end)

  it("runs all at once, and begins in the list's order #order", function()
    task.run(function()
      local list, order, running = {}, {}, 0
      for i = 1, 20 do
        list[i] = function()
          order[i], running = i, running + 1
          assert(#order == i)
          task.yield()
          assert(running == 20)
        end
      end
      assert.equal(20, task.gather(list).n)
    end)
  end)

  it("keeps the first result of each; nils leave holes, which n counts", function()
    task.run(function()
      local results = task.gather {
        function() return 1, "second result" end,
        function() end,
        function() return nil, "x" end,
        function() return false end,
        function() end,
      }
      assert.same({ n = 5, 1, nil, nil, false, nil }, results)
    end)
  end)

  it("takes tasks and functions mixed, and tasks that have ended", function()
    task.run(function()
      local event = task.event()
      local ended = waiting(after, 0, "ended", 2)
      assert.is_true(ended:done())
      local member = waiting(function()
        event:wait()
        return "waiting"
      end)
      local function set()
        event:set()
        return "function"
      end
      assert.same({ n = 5, "ended", "function", "waiting", "scheduled", "ended" },
        task.gather { ended, set, member, task.spawn(after, 0, "scheduled"), ended })
    end)
  end)

  it("returns an empty list for an empty one", function()
    task.run(function()
      assert.same({ n = 0 }, task.gather {})
    end)
  end)

  it("raises the first failure unchanged, and cancels the rest, given tasks included", function()
    for _, err in ipairs { {}, 42, false, "text" } do
      task.run(function()
        local log, given = {}, waiting(task.sleep, 60)
        local ran_on = false
        local ok, got = task.pcall(task.gather, {
          sleeper(log), given, failing_after(2, err), sleeper(log),
          task.spawn(function()
            after(50)
            ran_on = true
          end),
        })
        assert.is_false(ok)
        assert.equal(err, got)
        assert.same({ begun = 2, cancelled = 2 }, log)
        check_cancelled(given)
        assert.is_false(ran_on)
      end)
    end
    assert.same({}, told)
  end)

  it("raises the failure of a given task unchanged, also of one that has failed before", function()
    task.run(function()
      for _, count in ipairs { 0, 3 } do
        local log, err = {}, {}
        local given = task.spawn(failing_after(count, err))
        after(2)
        local ok, got = task.pcall(task.gather, { sleeper(log), given })
        assert.is_false(ok)
        assert.equal(err, got)
        assert.equal(log.begun, log.cancelled)
        assert.equal("failed", given:status())
      end
    end)
    assert.same({}, told)
  end)

  it("raises an error of kind cancelled when a given task was cancelled, and goes on", function()
    task.run(function()
      local log, given = {}, waiting(task.sleep, 60)
      task.spawn(function()
        after(3)
        given:cancel("by a third")
      end)
      local ok, err = task.pcall(task.gather, { given, sleeper(log) })
      assert.is_false(ok)
      assert.same({ "cancelled", "by a third" }, { err.kind, err.reason })
      assert.same({ begun = 1, cancelled = 1 }, log)
      task.yield() -- the gatherer itself is not cancelled
    end)
  end)

  it("waits for the clean-up of the rest; later failures go to the unhandled hook", function()
    task.run(function()
      local ok, err = task.pcall(task.gather, {
        function()
          task.pcall(task.sleep, 60)
          task.shield(after, 3)
          error("later", 0)
        end,
        failing_after(1, "first"),
      })
      assert.same({ false, "first" }, { ok, err })
      assert.same({ "later" }, told)
    end)
    assert.same({ "later" }, told)
  end)

  it("cancels given tasks when the gatherer is cancelled", function()
    task.run(function()
      local first, second = waiting(task.sleep, 60), waiting(task.sleep, 60)
      local gatherer = waiting(task.gather, { first, second })
      gatherer:cancel()
      task.pcall(gatherer.await, gatherer)
      assert.equal("cancelled", gatherer:status())
      check_cancelled(first, second)
    end)
  end)

  it("ends given tasks together with its functions, and waits for the clean-up of both", function()
    task.run(function()
      local log = {}
      local function work(name)
        local _, err = task.pcall(task.sleep, 60)
        log[#log + 1] = name .. " is cancelled"
        task.shield(task.sleep, 0.001)
        log[#log + 1] = name .. " has cleaned up"
        error(err, 0)
      end
      local given = task.spawn(work, "given")
      local ok, err = task.pcall(task.gather, {
        function() work "function" end,
        given,
        function()
          task.yield()
          error("on purpose", 0)
        end,
      })
      assert.same({ false, "on purpose" }, { ok, err })
      local first, second = log[1] .. log[2], log[3] .. log[4]
      assert.matches("given is cancelled", first, 1, true)
      assert.matches("function is cancelled", first, 1, true)
      assert.matches("given has cleaned up", second, 1, true)
      assert.matches("function has cleaned up", second, 1, true)
      assert.equal("cancelled", given:status())
    end)
  end)

  it("refuses the task itself in its list, at the caller's line", function()
    task.run(function()
      for _, wait in ipairs { task.gather, task.settle, task.race, task.wait, task.as_completed } do
        local ok, err = task.pcall(wait, { task.current() })
        assert.is_false(ok)
        assert.matches("gather_spec%.lua:%d+: item 1 of the list is the task itself", err)
      end
    end)
  end)

  it("ends when the task around it is cancelled that it was given", function()
    task.run(function()
      local host
      host = task.spawn(function()
        task.group(function(group)
          group:spawn(task.race, { host, function()
            task.yield()
          end })
        end)
      end)
      task.pcall(host.await, host)
      assert.equal("cancelled", host:status())
    end)
  end)

  it("loses no failure in the clean-up of a given task", function()
    task.run(function()
      local given = task.spawn(function()
        task.pcall(task.sleep, 60)
        error("clean-up failed", 0)
      end)
      task.pcall(task.gather, { given, function()
        task.yield()
        error("on purpose", 0)
      end })
      assert.equal("failed", given:status())
    end)
    assert.same({ "clean-up failed" }, told)
  end)

  it("leaves given tasks that have ended as they are", function()
    task.run(function()
      local given = waiting(after, 0, "fine")
      task.pcall(task.gather, { given, failing_after(0, "x") })
      assert.equal("fine", given:result())
    end)
  end)
end)

describe("settle", function()
  before_each(start_listening)
  after_each(listen.no_more)

  it("tells of each item what became of it, in the list's order", function()
    task.run(function()
      local err = {}
      local failed = waiting(failing_after(0, "before"))
      assert.same({
        n = 6,
        { ok = true, value = "a" },
        { ok = false, err = "text" },
        { ok = true },
        { ok = true, value = "task" },
        { ok = false, err = "before" },
        { ok = false, err = false },
      }, task.settle {
        function() return after(5, "a", "second result") end,
        failing_after(1, "text"),
        function() end,
        task.spawn(after, 2, "task"),
        failed,
        failing_after(0, false),
      })
      assert.equal(err, task.settle({ failing_after(1, err) })[1].err)
      assert.same({ n = 0 }, task.settle {})
    end)
    assert.same({}, told)
  end)

  it("does not cancel the others when one fails", function()
    task.run(function()
      local ended = 0
      local outcomes = task.settle {
        failing_after(0, "x"),
        function()
          after(5)
          ended = ended + 1
        end,
      }
      assert.equal(1, ended)
      assert.is_true(outcomes[2].ok)
    end)
  end)

  it("cancels given tasks when it is cancelled itself", function()
    task.run(function()
      local given = waiting(task.sleep, 60)
      local settler = waiting(task.settle, { given })
      settler:cancel()
      task.pcall(settler.await, settler)
      assert.equal("cancelled", settler:status())
      check_cancelled(given)
    end)
  end)

  it("describes an error that is nil", function()
    task.run(function()
      local outcome = task.settle({ function() error(nil) end })[1]
      assert.is_false(outcome.ok)
      assert.equal("string", type(outcome.err))
    end)
  end)

  it("shows cancelled tasks as failed with an error of kind cancelled", function()
    task.run(function()
      local before, meanwhile = waiting(task.sleep, 60), waiting(task.sleep, 60)
      before:cancel("first")
      task.spawn(function()
        after(3)
        meanwhile:cancel("second")
      end)
      local outcomes = task.settle { before, meanwhile, function() return after(6, "fine") end }
      for i, reason in ipairs { "first", "second" } do
        assert.is_false(outcomes[i].ok)
        assert.is_nil(outcomes[i].value)
        assert.same({ "cancelled", reason }, { outcomes[i].err.kind, outcomes[i].err.reason })
      end
      assert.same({ ok = true, value = "fine" }, outcomes[3])
    end)
  end)
end)

describe("race", function()
  before_each(start_listening)
  after_each(listen.no_more)

  it("returns the index and all results of the first to end", function()
    task.run(function()
      assert.same({ n = 5, 2, nil, "b", false, nil }, pack(task.race {
        function() return after(4, "a") end,
        function() return after(1, nil, "b", false, nil) end,
        function() return after(8, "c") end,
      }))
      assert.same({ n = 1, 1 }, pack(task.race { function() end }))
    end)
  end)

  it("takes the first of the list when all end in one turn, and starts no others #order", function()
    task.run(function()
      local others = 0
      local function other()
        others = others + 1
        return "other"
      end
      assert.same({ 1, "first" }, { task.race { function() return "first" end, other, other } })
      assert.equal(0, others)
    end)
  end)

  it("takes the one that ended first of several that end in one turn", function()
    task.run(function()
      local ended = {}
      local function item(index)
        return function()
          after(2)
          ended[#ended + 1] = index
          return "result of " .. index
        end
      end
      local winner, result = task.race { function() task.sleep(60) end, item(2), item(3) }
      assert.equal(2, #ended)
      assert.same({ ended[1], "result of " .. ended[1] }, { winner, result })
    end)
  end)

  it("cancels the rest, given tasks included, and waits for the clean-up of functions", function()
    task.run(function()
      local log, given, cleaned = {}, waiting(task.sleep, 60), false
      local index, value = task.race {
        sleeper(log), given, function() return after(2, "winner") end,
        function()
          local _, err = task.pcall(task.sleep, 60)
          task.shield(after, 3)
          cleaned = true
          error(err, 0)
        end,
      }
      assert.same({ 3, "winner" }, { index, value })
      assert.same({ begun = 1, cancelled = 1 }, log)
      assert.is_true(cleaned)
      check_cancelled(given)
      task.yield() -- the racer itself is not cancelled
    end)
  end)

  it("may be won by a given task, also by one that has ended before", function()
    task.run(function()
      local log = {}
      local ended = waiting(after, 0, "x", "y")
      assert.same({ 2, "x", "y" }, { task.race { sleeper(log), ended } })
      assert.equal(log.begun, log.cancelled)
      assert.same({ 1, "z" }, { task.race { task.spawn(after, 3, "z"), sleeper(log) } })
      assert.equal("x", (ended:result()))
    end)
  end)

  it("raises the error of the first to end unchanged, and cancels the rest", function()
    for _, err in ipairs { {}, 42, false, "text" } do
      task.run(function()
        local log, given = {}, waiting(task.sleep, 60)
        local ok, got = task.pcall(task.race, { sleeper(log), given, failing_after(2, err) })
        assert.is_false(ok)
        assert.equal(err, got)
        assert.same({ begun = 1, cancelled = 1 }, log)
        check_cancelled(given)
      end)
    end
  end)

  it("raises the error of the first even when the next would have won in the same turn", function()
    task.run(function()
      local event = task.event()
      local ok, err = task.pcall(task.race, {
        function()
          after(2)
          event:set()
          error("first", 0)
        end,
        function()
          event:wait()
          return "second"
        end,
      })
      assert.same({ false, "first" }, { ok, err })
    end)
  end)

  it("returns the first's results even when the next fails in the same turn", function()
    task.run(function()
      local event = task.event()
      assert.same({ 1, "first" }, { task.race {
        function()
          after(2)
          event:set()
          return "first"
        end,
        function()
          event:wait()
          error("second", 0)
        end,
      } })
    end)
    assert.same({ "second" }, told)
  end)

  it("cancels given tasks when the racer is cancelled", function()
    task.run(function()
      local first, second = waiting(task.sleep, 60), waiting(task.sleep, 60)
      local racer = waiting(task.race, { first, second })
      racer:cancel()
      task.pcall(racer.await, racer)
      assert.equal("cancelled", racer:status())
      check_cancelled(first, second)
    end)
  end)

  it("refuses an empty list, at the caller's line", function()
    task.run(function()
      local line = here() + 1
      local ok, message = task.pcall(function() task.race {} end)
      assert.is_false(ok)
      assert.matches("gather_spec%.lua:" .. line .. ": a race needs at least one item", message)
    end)
  end)
end)
