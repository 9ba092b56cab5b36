local blamed = require "support.blamed"
local here = require "support.here"
local pack = require("curlew.compat").pack
local task = require "curlew.task"
local tasks = require "support.tasks"
local wait_all_blocked = require("curlew.testing").wait_all_blocked

local after, is_cancelled, waiting = tasks.after, tasks.is_cancelled, tasks.waiting

describe("semaphore", function()
  it("lets as many tasks in as it has slots, never more", function()
    for _, slots in ipairs { 1, 2, 5, 100 } do
      task.run(function()
        local semaphore = task.semaphore(slots)
        local inside, most, ended = 0, 0, 0
        task.group(function(g)
          for i = 1, 20 do
            g:spawn(function()
              semaphore:acquire()
              inside = inside + 1
              most = math.max(most, inside)
              after(i % 4 + 1)
              inside = inside - 1
              semaphore:release()
              ended = ended + 1
            end)
          end
        end)
        assert.equal(math.min(slots, 20), most)
        assert.equal(20, ended)
      end)
    end
  end)

  it("serves first who came first", function()
    task.run(function()
      local semaphore, came, order = task.semaphore(1), {}, {}
      semaphore:acquire()
      task.group(function(g)
        for i = 1, 5 do
          g:spawn(function()
            came[#came + 1] = i
            semaphore:acquire()
            order[#order + 1] = i
            after(2)
            semaphore:release()
          end)
        end
        wait_all_blocked()
        semaphore:release()
      end)
      assert.equal(5, #came)
      assert.same(came, order)
    end)
  end)

  it("gives a released slot to who waits, not to who comes later in the same turn", function()
    task.run(function()
      local semaphore, order = task.semaphore(1), {}
      semaphore:acquire()
      local child = waiting(function()
        semaphore:acquire()
        order[#order + 1] = "waiter"
        semaphore:release()
      end)
      semaphore:release()
      semaphore:acquire()
      order[#order + 1] = "latecomer"
      assert.same({ "waiter", "latecomer" }, order)
      assert.equal("done", child:status())
    end)
  end)

  it("lets a task hold several slots, and another release them", function()
    task.run(function()
      local semaphore = task.semaphore(2)
      semaphore:acquire()
      semaphore:acquire()
      task.spawn(semaphore.release, semaphore)
      semaphore:acquire()
      semaphore:release()
      semaphore:release()
      assert.is_false((pcall(semaphore.release, semaphore)))
    end)
  end)

  it("may be released outside of tasks", function()
    local semaphore = task.semaphore(1)
    task.run(semaphore.acquire, semaphore)
    semaphore:release()
    task.run(semaphore.acquire, semaphore)
  end)

  it("passes over a waiter that was cancelled", function()
    task.run(function()
      local semaphore, order = task.semaphore(1), {}
      semaphore:acquire()
      local children = {}
      for i = 1, 3 do
        children[i] = waiting(function()
          semaphore:acquire()
          order[#order + 1] = i
        end)
      end
      assert.is_true(children[1]:cancel())
      semaphore:release()
      assert.is_true(is_cancelled(children[1]))
      children[2]:await()
      semaphore:release()
      children[3]:await()
      assert.same({ 2, 3 }, order)
      semaphore:release()
      assert.is_false((pcall(semaphore.release, semaphore)))
    end)
  end)

  it("raises a cancellation that came before, and takes no slot", function()
    task.run(function()
      local semaphore = task.semaphore(1)
      local child = task.spawn(function()
        task.current():cancel()
        semaphore:acquire()
      end)
      assert.is_true(is_cancelled(child))
      semaphore:acquire()
    end)
  end)

  it("leaves the slot with a task cancelled after the release, until its next wait", function()
    task.run(function()
      local semaphore, has_it = task.semaphore(1), false
      semaphore:acquire()
      local child = waiting(function()
        semaphore:acquire()
        has_it = true
        local ok, err = task.pcall(task.yield)
        assert(not ok)
        semaphore:release()
        error(err, 0)
      end)
      semaphore:release()
      child:cancel()
      assert.is_true(is_cancelled(child))
      assert.is_true(has_it)
      semaphore:acquire()
    end)
  end)

  it("loses no slot when a waiter is cancelled before the release, in the same turn", function()
    task.run(function()
      local semaphore = task.semaphore(1)
      semaphore:acquire()
      local first = waiting(semaphore.acquire, semaphore)
      local second = waiting(semaphore.acquire, semaphore)
      first:cancel()
      semaphore:release()
      second:await()
      assert.is_true(is_cancelled(first))
    end)
  end)

  it("loses no slot to a timeout", function()
    task.run(function()
      local semaphore = task.semaphore(1)
      semaphore:acquire()
      local _, err = task.timeout(0.001, semaphore.acquire, semaphore)
      assert.equal("timeout", err.kind)
      semaphore:release()
      semaphore:acquire()
    end)
  end)

  it("survives cancellations in any order without a slot too many or too few", function()
    task.run(function()
      local semaphore, inside, most = task.semaphore(3), 0, 0
      local children = {}
      for i = 1, 60 do
        children[i] = task.spawn(semaphore.with, semaphore, function()
          inside = inside + 1
          most = math.max(most, inside)
          local ok, err = task.pcall(after, i % 3)
          inside = inside - 1
          if not ok then
            error(err, 0)
          end
        end)
      end
      for i = 1, 60 do
        if i % 7 == 0 then
          task.yield()
        end
        children[(i * 37) % 60 + 1]:cancel()
        if i % 2 == 0 then
          children[(i * 11) % 60 + 1]:cancel()
        end
      end
      for _, child in ipairs(children) do
        task.pcall(child.await, child)
      end
      assert.equal(0, inside)
      assert.is_true(most <= 3)
      for _ = 1, 3 do
        semaphore:acquire()
      end
      local _, err = task.timeout(0, semaphore.acquire, semaphore)
      assert.equal("timeout", err.kind)
      for _ = 1, 3 do
        semaphore:release()
      end
      assert.is_false((pcall(semaphore.release, semaphore)))
    end)
  end)

  it("refuses to be released more often than acquired, at the caller's line", function()
    local semaphore = task.semaphore(2)
    assert.equal("the semaphore was released more often than acquired",
      blamed(function() semaphore:release() end))
    task.run(function()
      semaphore:acquire()
      semaphore:release()
      blamed(function() semaphore:release() end)
      semaphore:acquire()
      semaphore:acquire()
      local third = waiting(semaphore.acquire, semaphore)
      assert.equal("waiting", third:status())
      third:cancel()
    end)
  end)

  it("refuses a number of slots that is none, at the caller's line", function()
    for _, slots in ipairs { 0, -1, 1.5, 0 / 0, "1", {}, false } do
      local sentence = blamed(function() task.semaphore(slots) end)
      assert.matches("whole number of at least 1, got " .. tostring(slots):gsub("%p", "%%%0"),
        sentence)
    end
    blamed(function() task.semaphore() end)
  end)

  it("raises at the caller's line outside of a task, and takes nothing", function()
    local semaphore = task.semaphore(1)
    assert.matches("inside a task", blamed(function() semaphore:acquire() end))
    task.run(semaphore.acquire, semaphore)
  end)
end)

for _, kind in ipairs { "semaphore", "lock" } do
  describe(kind .. ":with", function()
    local guard

    before_each(function()
      guard = kind == "lock" and task.lock() or task.semaphore(1)
    end)

    -- Fails when the guard is not free.
    local function check_free()
      local taken = task.spawn(function()
        guard:acquire()
        guard:release()
        return "free"
      end)
      wait_all_blocked()
      assert.equal("done", taken:status())
    end

    it("passes arguments and returns results, nils included", function()
      task.run(function()
        assert.same({ n = 4, nil, 1, nil, nil }, pack(guard:with(function(...)
          task.yield()
          return nil, select(2, ...)
        end, "x", 1, nil, nil)))
        assert.same({ n = 0 }, pack(guard:with(function() end)))
        check_free()
      end)
    end)

    it("holds it while the function runs", function()
      task.run(function()
        guard:with(function()
          local other = waiting(guard.acquire, guard)
          assert.equal("waiting", other:status())
          other:cancel()
        end)
        check_free()
      end)
    end)

    it("releases when the function fails, and raises its error unchanged", function()
      task.run(function()
        for _, err in ipairs { {}, 42, false, "text" } do
          local ok, got = task.pcall(guard.with, guard, function()
            task.yield()
            error(err, 0)
          end)
          assert.is_false(ok)
          assert.equal(err, got)
          check_free()
        end
      end)
    end)

    it("releases when the function is cancelled", function()
      task.run(function()
        local child = waiting(guard.with, guard, task.sleep, 60)
        child:cancel()
        assert.is_true(is_cancelled(child))
        check_free()
      end)
    end)

    it("runs and releases nothing when it is cancelled while it waits to begin", function()
      task.run(function()
        local ran = false
        guard:acquire()
        local child = waiting(guard.with, guard, function()
          ran = true
        end)
        child:cancel()
        assert.is_true(is_cancelled(child))
        assert.is_false(ran)
        local other = waiting(guard.acquire, guard)
        assert.equal("waiting", other:status())
        other:cancel()
        guard:release()
        check_free()
      end)
    end)

    it("refuses what cannot be called, at the caller's line, and takes nothing", function()
      task.run(function()
        assert.equal("the function to run must be a function, got number",
          blamed(function() guard:with(5) end))
        check_free()
      end)
    end)
  end)
end

describe("lock", function()
  it("is held by one task at a time, first come, first served", function()
    task.run(function()
      local lock, came, log = task.lock(), {}, {}
      task.group(function(g)
        for i = 1, 3 do
          g:spawn(function()
            came[#came + 1] = i
            lock:acquire()
            log[#log + 1] = "in " .. i
            after(4 - i)
            log[#log + 1] = "out " .. i
            lock:release()
          end)
        end
      end)
      assert.equal(3, #came)
      local expected = {}
      for _, i in ipairs(came) do
        expected[#expected + 1] = "in " .. i
        expected[#expected + 1] = "out " .. i
      end
      assert.same(expected, log)
    end)
  end)

  it("goes to who waits, not to who releases it and asks again", function()
    task.run(function()
      local lock, order = task.lock(), {}
      lock:acquire()
      waiting(function()
        lock:acquire()
        order[#order + 1] = "waiter"
        lock:release()
      end)
      lock:release()
      lock:acquire()
      order[#order + 1] = "again"
      assert.same({ "waiter", "again" }, order)
    end)
  end)

  it("refuses to be taken twice by one task, at the caller's line", function()
    task.run(function()
      local lock = task.lock()
      lock:acquire()
      local line = here() + 1
      local _, message = task.pcall(function() lock:acquire() end)
      assert.matches("sync_spec%.lua:" .. line .. ": this task holds the lock already", message)
      lock:release()
      lock:acquire()
    end)
  end)

  it("refuses to be released by who does not hold it, at the caller's line", function()
    local sentence = "only the task that holds a lock can release it"
    local lock = task.lock()
    assert.equal(sentence, blamed(function() lock:release() end))
    task.run(function()
      assert.equal(sentence, blamed(function() lock:release() end))
      lock:acquire()
      task.spawn(function()
        assert.equal(sentence, blamed(function() lock:release() end))
      end):await()
      lock:release()
      assert.equal(sentence, blamed(function() lock:release() end))
    end)
  end)

  it("belongs to the waiter from the release on", function()
    task.run(function()
      local lock = task.lock()
      lock:acquire()
      local child = waiting(function()
        lock:acquire()
        lock:release()
      end)
      lock:release()
      assert.is_false((pcall(lock.release, lock)))
      child:await()
    end)
  end)

  it("passes over a waiter that was cancelled", function()
    task.run(function()
      local lock = task.lock()
      lock:acquire()
      local first, second = waiting(lock.acquire, lock), waiting(lock.acquire, lock)
      first:cancel()
      lock:release()
      second:await()
      assert.is_true(is_cancelled(first))
    end)
  end)

  it("stays with a task cancelled after the release, until its next wait", function()
    task.run(function()
      local lock, had_it = task.lock(), false
      lock:acquire()
      local child = waiting(function()
        lock:with(function()
          had_it = true
          task.yield()
        end)
      end)
      lock:release()
      child:cancel()
      assert.is_true(is_cancelled(child))
      assert.is_true(had_it)
      lock:acquire()
    end)
  end)

  it("raises at the caller's line outside of a task", function()
    local lock = task.lock()
    assert.matches("inside a task", blamed(function() lock:acquire() end))
  end)
end)

describe("event", function()
  it("wakes all that wait, in the order in which they came #order", function()
    task.run(function()
      local event, order = task.event(), {}
      task.group(function(g)
        for i = 1, 4 do
          g:spawn(function()
            event:wait()
            order[#order + 1] = i
          end)
        end
        wait_all_blocked()
        assert.same({}, order)
        event:set()
        assert.same({}, order)
      end)
      assert.same({ 1, 2, 3, 4 }, order)
    end)
  end)

  it("does not make wait when it is set", function()
    task.run(function()
      local event, others = task.event(), 0
      event:set()
      event:set()
      task.spawn(function()
        others = others + 1
      end)
      event:wait()
      event:wait()
      assert.equal(0, others)
    end)
  end)

  it("tells whether it is set", function()
    local event = task.event()
    assert.is_false(event:is_set())
    event:set()
    assert.is_true(event:is_set())
    event:clear()
    assert.is_false(event:is_set())
  end)

  it("makes wait again when it was cleared", function()
    task.run(function()
      local event = task.event()
      event:set()
      event:clear()
      local child = waiting(event.wait, event)
      assert.equal("waiting", child:status())
      event:set()
      child:await()
    end)
  end)

  it("lets go all that waited when it is set and cleared in one turn", function()
    task.run(function()
      local event = task.event()
      local first, second = waiting(event.wait, event), waiting(event.wait, event)
      event:set()
      event:clear()
      local third = waiting(event.wait, event)
      assert.same({ "done", "done", "waiting" },
        { first:status(), second:status(), third:status() })
      third:cancel()
    end)
  end)

  it("may be set outside of tasks", function()
    local event = task.event()
    event:set()
    task.run(event.wait, event)
  end)

  it("forgets a waiter that was cancelled", function()
    task.run(function()
      local event, reached = task.event(), false
      local child = waiting(function()
        task.pcall(event.wait, event)
        task.shield(task.sleep, 0.001)
        reached = true
      end)
      child:cancel()
      event:set()
      child:await()
      assert.is_true(reached)
    end)
  end)

  it("lets a task cancelled after the set go on to its next wait", function()
    task.run(function()
      local event, log = task.event(), {}
      local child = waiting(function()
        event:wait()
        log[1] = "woken"
        task.yield()
        log[2] = "too far"
      end)
      event:set()
      child:cancel()
      assert.is_true(is_cancelled(child))
      assert.same({ "woken" }, log)
    end)
  end)

  it("raises a cancellation that came before, also when it is set", function()
    task.run(function()
      local event = task.event()
      event:set()
      local child = task.spawn(function()
        task.current():cancel()
        event:wait()
      end)
      assert.is_true(is_cancelled(child))
    end)
  end)

  it("raises at the caller's line outside of a task", function()
    local event = task.event()
    assert.matches("inside a task", blamed(function() event:wait() end))
  end)
end)

describe("condition", function()
  -- Tasks that wait for the condition, and log their number when they have it, with the lock.
  local function waiters(condition, lock, count, log)
    local children = {}
    for i = 1, count do
      children[i] = waiting(function()
        lock:with(function()
          condition:wait()
          log[#log + 1] = i
        end)
      end)
    end
    return children
  end

  local function cancel_all(children)
    for _, child in ipairs(children) do
      child:cancel()
    end
  end

  it("gives the lock up while it waits, and has it again afterwards", function()
    task.run(function()
      local lock = task.lock()
      local condition, log = task.condition(lock), {}
      local child = waiting(function()
        lock:acquire()
        log[#log + 1] = "waits"
        condition:wait()
        log[#log + 1] = "woken"
        lock:release()
      end)
      lock:acquire()
      log[#log + 1] = "notifies"
      condition:notify()
      wait_all_blocked()
      log[#log + 1] = "releases"
      lock:release()
      child:await()
      assert.same({ "waits", "notifies", "releases", "woken" }, log)
    end)
  end)

  it("wakes one, n or all, first come, first served #order", function()
    task.run(function()
      local lock = task.lock()
      local condition, log = task.condition(lock), {}
      local children = waiters(condition, lock, 7, log)
      lock:with(condition.notify, condition)
      wait_all_blocked()
      assert.same({ 1 }, log)
      lock:with(condition.notify, condition, 2)
      wait_all_blocked()
      assert.same({ 1, 2, 3 }, log)
      lock:with(condition.notify, condition, 0)
      wait_all_blocked()
      assert.same({ 1, 2, 3 }, log)
      lock:with(condition.notify_all, condition)
      wait_all_blocked()
      assert.same({ 1, 2, 3, 4, 5, 6, 7 }, log)
      assert.equal("done", children[7]:status())
    end)
  end)

  it("may be notified when nobody waits, which is not remembered", function()
    task.run(function()
      local lock = task.lock()
      local condition = task.condition(lock)
      lock:with(condition.notify, condition, 5)
      lock:with(condition.notify_all, condition)
      local log = {}
      local children = waiters(condition, lock, 1, log)
      assert.same({}, log)
      cancel_all(children)
    end)
  end)

  it("needs the lock, at the caller's line", function()
    local lock = task.lock()
    local condition = task.condition(lock)
    local sentence = "the lock of the condition must be held by this task"
    local function refuse()
      assert.equal(sentence, blamed(function() condition:notify() end))
      assert.equal(sentence, blamed(function() condition:notify_all() end))
    end
    refuse()
    task.run(function()
      refuse()
      local line = here() + 1
      local _, message = task.pcall(function() condition:wait() end)
      assert.matches("sync_spec%.lua:" .. line .. ": " .. sentence, message)
      lock:acquire()
      task.spawn(refuse):await()
    end)
  end)

  it("makes a lock of its own when none is given", function()
    task.run(function()
      local condition, woken = task.condition(), false
      local child = waiting(function()
        condition.lock:acquire()
        condition:wait()
        woken = true
      end)
      condition.lock:with(condition.notify, condition)
      child:await()
      assert.is_true(woken)
    end)
  end)

  it("shares a lock with another condition", function()
    task.run(function()
      local lock, log = task.lock(), {}
      local full, empty = task.condition(lock), task.condition(lock)
      local children = waiters(full, lock, 1, log)
      lock:with(empty.notify_all, empty)
      wait_all_blocked()
      assert.same({}, log)
      lock:with(full.notify_all, full)
      children[1]:await()
      assert.same({ 1 }, log)
    end)
  end)

  it("has the lock again when it is cancelled, before the error is raised", function()
    task.run(function()
      local lock, log = task.lock(), {}
      local condition = task.condition(lock)
      local child = waiting(function()
        lock:acquire()
        local ok, err = task.pcall(condition.wait, condition)
        log[#log + 1] = ok and "notified" or err.kind
        lock:release() -- an error unless it is held
        error(err, 0)
      end)
      lock:acquire()
      child:cancel()
      wait_all_blocked()
      log[#log + 1] = "releases"
      lock:release()
      assert.is_true(is_cancelled(child))
      assert.same({ "releases", "cancelled" }, log)
      lock:acquire()
    end)
  end)

  it("has the lock again when its time is over", function()
    task.run(function()
      local lock = task.lock()
      local condition = task.condition(lock)
      lock:acquire()
      local _, err = task.timeout(0.001, condition.wait, condition)
      assert.equal("timeout", err.kind)
      lock:release()
    end)
  end)

  it("loses no notification to a waiter that was cancelled before", function()
    task.run(function()
      local lock, log = task.lock(), {}
      local condition = task.condition(lock)
      local children = waiters(condition, lock, 3, log)
      lock:acquire()
      children[1]:cancel()
      condition:notify()
      lock:release()
      children[2]:await()
      wait_all_blocked()
      assert.same({ 2 }, log)
      cancel_all(children)
    end)
  end)

  it("keeps the notification of a task cancelled after it, until its next wait", function()
    task.run(function()
      local lock, log = task.lock(), {}
      local condition = task.condition(lock)
      local child = waiting(function()
        lock:with(function()
          condition:wait()
          log[#log + 1] = "notified"
          task.yield()
          log[#log + 1] = "too far"
        end)
      end)
      lock:acquire()
      condition:notify()
      child:cancel()
      lock:release()
      assert.is_true(is_cancelled(child))
      assert.same({ "notified" }, log)
      lock:acquire()
    end)
  end)

  it("raises a cancellation that came before, with the lock still held", function()
    task.run(function()
      local lock = task.lock()
      local condition, others = task.condition(lock), 0
      local child = task.spawn(function()
        lock:acquire()
        task.current():cancel()
        task.spawn(function()
          others = others + 1
        end)
        local _, err = task.pcall(condition.wait, condition)
        lock:release()
        assert(others == 0)
        error(err, 0)
      end)
      assert.is_true(is_cancelled(child))
    end)
  end)

  it("outside of a task raises at the caller's line", function()
    local condition = task.condition()
    assert.matches("inside a task", blamed(function() condition:wait() end))
  end)
end)
