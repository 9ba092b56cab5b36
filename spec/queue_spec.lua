local compat = require "curlew.compat"
local here = require "support.here"
local task = require "curlew.task"
local tasks = require "support.tasks"
local wait_all_blocked = require("curlew.testing").wait_all_blocked

local after, is_cancelled, waiting = tasks.after, tasks.is_cancelled, tasks.waiting

-- Takes what is in the queue, without waiting.
local function drain(queue)
  local values = {}
  local value = queue:try_get()
  while value ~= nil do
    values[#values + 1] = value
    value = queue:try_get()
  end
  return values
end

local function check_closed(...)
  local returned = compat.pack(...)
  assert.equal(2, returned.n)
  assert.is_nil(returned[1])
  assert.equal("closed", returned[2].kind)
  assert.matches("closed", tostring(returned[2]))
end

describe("queue", function()
  it("gives values out in the order in which they came in", function()
    task.run(function()
      local queue = task.queue()
      for i = 1, 100 do
        assert.is_true(queue:put(i))
      end
      for i = 1, 100 do
        assert.equal(i, queue:get())
      end
    end)
  end)

  it("keeps the order over many rounds of filling and partly emptying", function()
    task.run(function()
      local queue, put, got = task.queue(10), 0, 0
      for round = 1, 50 do
        for _ = 1, round % 4 + 1 do
          if queue:try_put(put + 1) then
            put = put + 1
          end
        end
        for _ = 1, round % 3 + 1 do
          local value = queue:try_get()
          if value then
            got = got + 1
            assert.equal(got, value)
          end
        end
        assert.equal(put - got, queue:size())
      end
      assert.is_true(got > 50)
    end)
  end)

  it("takes values of every type but nil, false included", function()
    task.run(function()
      local queue = task.queue()
      local values = { false, {}, print, 0, "", task.current(), true }
      for _, value in ipairs(values) do
        queue:put(value)
      end
      for _, value in ipairs(values) do
        assert.equal(value, queue:get())
      end
      assert.is_true(queue:try_put(false))
      assert.is_false(queue:try_get())
      local getter = waiting(queue.get, queue)
      queue:put(false)
      assert.is_false(getter:await())
    end)
  end)

  it("passes false from a put that waits", function()
    for capacity = 0, 1 do
      task.run(function()
        local queue = task.queue(capacity)
        for _ = 1, capacity do
          queue:put(false)
        end
        local putter = waiting(queue.put, queue, false)
        assert.equal("waiting", putter:status())
        for _ = 0, capacity do
          assert.is_false(queue:get())
        end
        assert.is_true(putter:await())
      end)
    end
  end)

  it("refuses nil, at the caller's line", function()
    task.run(function()
      local queue = task.queue()
      for _, name in ipairs { "put", "try_put" } do
        local line = here() + 1
        local ok, message = task.pcall(function() queue[name](queue, nil) end)
        assert.is_false(ok)
        assert.matches("queue_spec%.lua:" .. line .. ": nil cannot be put", message)
      end
      assert.equal(0, queue:size())
    end)
  end)

  it("makes a get wait while it is empty", function()
    task.run(function()
      local queue = task.queue()
      local getter = waiting(queue.get, queue)
      assert.equal("waiting", getter:status())
      queue:put("x")
      assert.equal("x", getter:await())
    end)
  end)

  it("serves getters first come, first served", function()
    task.run(function()
      local queue, getters = task.queue(), {}
      for i = 1, 4 do
        getters[i] = waiting(queue.get, queue)
      end
      for _, value in ipairs { "a", "b", "c", "d" } do
        queue:put(value)
      end
      for i, value in ipairs { "a", "b", "c", "d" } do
        assert.equal(value, getters[i]:await())
      end
    end)
  end)

  it("gives a value to the getter that waits, not to one that comes later in the turn", function()
    task.run(function()
      local queue = task.queue()
      local getter = waiting(queue.get, queue)
      queue:put("x")
      assert.equal(0, queue:size())
      assert.is_nil(queue:try_get())
      assert.equal("x", getter:await())
    end)
  end)

  it("makes a put wait while it is full, first come, first served", function()
    for capacity = 0, 3 do
      task.run(function()
        local queue, log = task.queue(capacity), {}
        for i = 1, 6 do
          waiting(function()
            assert(queue:put(i) == true)
            log[#log + 1] = "put " .. i
          end)
        end
        local expected = {}
        for i = 1, capacity do
          expected[i] = "put " .. i
        end
        assert.same(expected, log)
        assert.equal(capacity, queue:size())
        for i = 1, 6 do
          assert.equal(i, queue:get())
          wait_all_blocked()
          if capacity + i <= 6 then
            expected[#expected + 1] = "put " .. capacity + i
          end
          assert.same(expected, log)
        end
        assert.equal(0, queue:size())
      end)
    end
  end)

  it("never waits in a put when it is unbounded", function()
    task.run(function()
      for _, queue in ipairs { task.queue(), task.queue(math.huge) } do
        local others = 0
        local other = task.spawn(function()
          others = others + 1
        end)
        for i = 1, 5000 do
          queue:put(i)
        end
        assert.equal(0, others)
        assert.equal(5000, queue:size())
        other:await()
      end
    end)
  end)

  it("hands over directly when its capacity is 0", function()
    task.run(function()
      local queue, log = task.queue(0), {}
      assert.is_false(queue:try_put("nobody waits"))
      local putter = waiting(function()
        queue:put("a")
        log[#log + 1] = "put"
      end)
      assert.equal(0, queue:size())
      assert.same({}, log)
      assert.equal("a", queue:get())
      putter:await()
      local getter = waiting(queue.get, queue)
      assert.is_true(queue:try_put("b"))
      assert.is_false(queue:try_put("c"))
      assert.equal("b", getter:await())
    end)
  end)

  it("keeps a latecomer's put behind those that wait", function()
    task.run(function()
      local queue = task.queue(1)
      queue:put(1)
      local putter = waiting(queue.put, queue, 2)
      assert.equal(1, queue:try_get())
      assert.is_false(queue:try_put(3))
      assert.equal(2, queue:try_get())
      assert.is_true(queue:try_put(3))
      assert.equal(3, queue:get())
      putter:await()
    end)
  end)

  it("answers try_put and try_get at once, also outside of tasks", function()
    local queue = task.queue(2)
    assert.is_nil(queue:try_get())
    assert.is_true(queue:try_put("a"))
    assert.is_true(queue:try_put("b"))
    assert.is_false(queue:try_put("c"))
    assert.equal(2, queue:size())
    assert.same({ "a", "b" }, drain(queue))
    assert.equal(0, queue:size())
  end)

  it("lets try_get wake the putter that waits", function()
    task.run(function()
      local queue = task.queue(0)
      local putter = waiting(queue.put, queue, "x")
      assert.equal("x", queue:try_get())
      assert.is_true(putter:await())
      assert.is_nil(queue:try_get())
    end)
  end)

  it("loses no value to a getter that was cancelled before the put", function()
    task.run(function()
      local queue = task.queue()
      local first, second = waiting(queue.get, queue), waiting(queue.get, queue)
      first:cancel()
      queue:put("x")
      assert.equal("x", second:await())
      assert.is_true(is_cancelled(first))
    end)
  end)

  it("keeps the value in the queue when the only getter was cancelled before", function()
    task.run(function()
      local queue = task.queue(0)
      local getter = waiting(queue.get, queue)
      getter:cancel()
      assert.is_false(queue:try_put("x"))
      assert.is_true(is_cancelled(getter))
      queue = task.queue(1)
      getter = waiting(queue.get, queue)
      getter:cancel()
      assert.is_true(queue:try_put("x"))
      assert.same({ "x" }, drain(queue))
    end)
  end)

  it("leaves the value with a getter cancelled after the put, until its next wait", function()
    task.run(function()
      local queue, got = task.queue(), nil
      local getter = waiting(function()
        got = queue:get()
        task.yield()
        got = "too far"
      end)
      queue:put("x")
      getter:cancel()
      assert.is_true(is_cancelled(getter))
      assert.equal("x", got)
      assert.equal(0, queue:size())
    end)
  end)

  it("ends a getter cancelled after the put as done, when it waits no more", function()
    task.run(function()
      local queue = task.queue()
      local getter = waiting(queue.get, queue)
      queue:put("x")
      getter:cancel()
      assert.equal("x", getter:await())
      assert.equal("done", getter:status())
    end)
  end)

  it("raises a cancellation that came before, and takes and puts nothing", function()
    task.run(function()
      local queue = task.queue()
      queue:put("x")
      for _, name in ipairs { "get", "put" } do
        assert.is_true(is_cancelled(task.spawn(function()
          task.current():cancel()
          queue[name](queue, "y")
        end)))
      end
      assert.same({ "x" }, drain(queue))
    end)
  end)

  it("does not put the value of a put that was cancelled while it waited", function()
    for capacity = 0, 1 do
      task.run(function()
        local queue = task.queue(capacity)
        for _ = 1, capacity do
          queue:put("a")
        end
        local first, second = waiting(queue.put, queue, "b"), waiting(queue.put, queue, "c")
        first:cancel()
        assert.same({ capacity == 1 and "a" or "c", capacity == 1 and "c" or nil }, drain(queue))
        assert.is_true(is_cancelled(first))
        assert.is_true(second:await())
      end)
    end
  end)

  it("keeps the value of a put cancelled after it was taken, until the next wait", function()
    for capacity = 0, 1 do
      task.run(function()
        local queue, has_put = task.queue(capacity), nil
        for _ = 1, capacity do
          queue:put("a")
        end
        local putter = waiting(function()
          has_put = queue:put("b")
          task.yield()
          has_put = "too far"
        end)
        local values = { queue:try_get() }
        putter:cancel()
        values[#values + 1] = queue:try_get()
        assert.is_true(is_cancelled(putter))
        assert.is_true(has_put)
        assert.same({ capacity == 1 and "a" or "b", capacity == 1 and "b" or nil }, values)
      end)
    end
  end)

  it("loses no value to a timeout of a get", function()
    task.run(function()
      local queue = task.queue()
      local _, err = task.timeout(0.001, queue.get, queue)
      assert.equal("timeout", err.kind)
      queue:put("x")
      assert.same({ "x" }, drain(queue))
    end)
  end)

  it("passes 1,000 values through producers and consumers, none lost, none doubled", function()
    for _, capacity in ipairs { 0, 1, 7, math.huge } do
      task.run(function()
        local queue, seen, count = task.queue(capacity), {}, 0
        task.group(function(g)
          for _ = 1, 3 do
            g:spawn(function()
              local last = {}
              local value = queue:get()
              while value do
                assert(not seen[value])
                assert(value > (last[value % 4] or 0)) -- in each producer's order
                seen[value], last[value % 4], count = true, value, count + 1
                after(value % 3)
                value = queue:get()
              end
            end)
          end
          task.group(function(producers)
            for producer = 0, 3 do
              producers:spawn(function()
                for i = 1, 250 do
                  assert(queue:put(4 * i + producer))
                  after((i + producer) % 2)
                end
              end)
            end
          end)
          queue:close()
        end)
        assert.equal(1000, count)
      end)
    end
  end)

  it("loses and doubles no value when consumers are cancelled all the time", function()
    task.run(function()
      local queue, seen, count = task.queue(3), {}, 0
      local function consume()
        while true do
          local value = queue:get()
          if value == nil then
            return "end"
          end
          assert(not seen[value])
          seen[value], count = true, count + 1
        end
      end
      local producer = task.spawn(function()
        for i = 1, 1000 do
          queue:put(i)
        end
        queue:close()
      end)
      while not producer:done() do
        local consumers = { task.spawn(consume), task.spawn(consume), task.spawn(consume) }
        after(3)
        for _, consumer in ipairs(consumers) do
          consumer:cancel()
          task.yield()
        end
      end
      consume()
      assert.equal(1000, count)
    end)
  end)

  it("loses and doubles no value when producers are cancelled all the time", function()
    task.run(function()
      local queue, put, got = task.queue(1), {}, {}
      local function produce(first)
        for value = first, first + 20 do
          assert(queue:put(value))
          put[#put + 1] = value
        end
      end
      local consumer = task.spawn(function()
        local value = queue:get()
        while value do
          got[#got + 1] = value
          task.yield()
          value = queue:get()
        end
      end)
      for round = 1, 100 do
        local producers = { task.spawn(produce, round * 1000), task.spawn(produce, -round * 1000) }
        after(round % 7 + 1)
        for _, producer in ipairs(producers) do
          producer:cancel()
        end
        task.settle(producers)
      end
      queue:close()
      consumer:await()
      table.sort(put)
      table.sort(got)
      assert.is_true(#put > 100)
      assert.same(put, got)
    end)
  end)

  describe("that is closed", function()
    it("still gives out what is in it, then nil", function()
      task.run(function()
        local queue = task.queue()
        queue:put("a")
        queue:put(false)
        queue:close()
        assert.equal(2, queue:size())
        assert.equal("a", queue:get())
        assert.is_false(queue:try_get())
        assert.is_nil(queue:get())
        assert.is_nil(queue:get())
        assert.is_nil(queue:try_get())
      end)
    end)

    it("refuses what is put in", function()
      task.run(function()
        local queue = task.queue()
        queue:close()
        check_closed(queue:put("x"))
        assert.is_false(queue:try_put("x"))
        assert.equal(0, queue:size())
      end)
    end)

    it("tells getters that wait", function()
      task.run(function()
        local queue = task.queue()
        local getters = { waiting(queue.get, queue), waiting(queue.get, queue) }
        queue:close()
        for _, getter in ipairs(getters) do
          assert.is_nil(getter:await())
          assert.equal("done", getter:status())
        end
      end)
    end)

    it("tells putters that wait, whose values are not put in", function()
      for capacity = 0, 1 do
        task.run(function()
          local queue = task.queue(capacity)
          for _ = 1, capacity do
            queue:put("a")
          end
          local putters = { waiting(queue.put, queue, "b"), waiting(queue.put, queue, "c") }
          queue:close()
          for _, putter in ipairs(putters) do
            check_closed(putter:await())
          end
          assert.same({ capacity == 1 and "a" or nil }, drain(queue))
        end)
      end
    end)

    it("does not take back what a putter or getter has got in the same turn", function()
      task.run(function()
        local queue = task.queue(0)
        local getter = waiting(queue.get, queue)
        queue:put("x")
        queue:close()
        assert.equal("x", getter:await())
        queue = task.queue(0)
        local putter = waiting(queue.put, queue, "y")
        assert.equal("y", queue:try_get())
        queue:close()
        assert.is_true(putter:await())
      end)
    end)

    it("may be closed again, and outside of tasks", function()
      local queue = task.queue()
      queue:close()
      queue:close()
      assert.is_false(queue:try_put("x"))
      task.run(function()
        assert.is_nil(queue:get())
      end)
    end)
  end)

  describe("items", function()
    it("yields each value until the queue is closed and empty", function()
      task.run(function()
        local queue, seen = task.queue(2), {}
        local consumer = task.spawn(function()
          local nextvalue = queue:items()
          local value = nextvalue()
          while value ~= nil do
            seen[#seen + 1] = value
            value = nextvalue()
          end
          seen[#seen + 1] = "end"
        end)
        for i = 1, 5 do
          queue:put(i)
        end
        queue:put(false)
        queue:close()
        consumer:await()
        assert.same({ 1, 2, 3, 4, 5, false, "end" }, seen)
      end)
    end)

    if compat.yields_across_pcall then
      it("serves a for loop", function()
        task.run(function()
          local queue, seen = task.queue(1), {}
          local consumer = task.spawn(function()
            for value in queue:items() do
              seen[#seen + 1] = value
            end
          end)
          for _, value in ipairs { "a", false, "c" } do
            queue:put(value)
          end
          queue:close()
          consumer:await()
          assert.same({ "a", false, "c" }, seen)
        end)
      end)
    end

    it("loses no value when it is broken off", function()
      task.run(function()
        local queue = task.queue()
        queue:put(1)
        queue:put(2)
        assert.equal(1, queue:items()())
        assert.same({ 2 }, drain(queue))
      end)
    end)
  end)

  it("refuses a capacity that is none, at the caller's line", function()
    for _, capacity in ipairs { -1, 0 / 0, "5", {}, -math.huge } do
      local line = here() + 1
      local ok, message = pcall(function() task.queue(capacity) end)
      assert.is_false(ok)
      assert.matches("queue_spec%.lua:" .. line .. ": the capacity of a queue must be", message)
    end
  end)

  it("raises at the caller's line when put or get is called outside of a task", function()
    local queue = task.queue()
    for _, name in ipairs { "put", "get" } do
      local line = here() + 1
      local ok, message = pcall(function() queue[name](queue, "x") end)
      assert.is_false(ok)
      assert.matches("queue_spec%.lua:" .. line .. ": .*inside a task", message)
    end
    assert.equal(0, queue:size())
  end)
end)
