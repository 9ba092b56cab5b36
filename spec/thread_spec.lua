local here = require "support.here"
local pack = require("curlew.compat").pack
local task = require "curlew.task"
local uv = require "curlew.uv"

-- For a thread: keeps its processor busy for some seconds. Self-contained.
local function work(seconds, ...)
  local start = os.clock() -- of all threads together, so it is over too early rather than too late
  while os.clock() - start < seconds do
    math.sqrt(2)
  end
  return ...
end

-- For a thread: writes a file, unless its name is "", then waits for another to be there, for some
-- seconds of work at most, and returns whether it is. Self-contained.
local function exchange(written, awaited)
  if written ~= "" then
    assert(io.open(written, "w")):close()
  end
  local start = os.time()
  local file
  repeat
    file = io.open(awaited)
  until file or os.time() - start > 10
  return file ~= nil and file:close()
end

-- What `task.thread(...)` complains of, without the position, which must be that of the call.
local function refusal(...)
  local args = pack(...)
  local line = here() + 2
  local ok, message = task.pcall(function()
    task.thread(args[1], args[2], args[3], args[4])
  end)
  assert.is_false(ok)
  local position, sentence = message:match("^.*thread_spec%.lua:(%d+): (.*)$")
  assert.equal(line, tonumber(position))
  return sentence
end

describe("thread", function()
  local path -- of files that threads and loop tell one another by

  before_each(function()
    path = os.tmpname()
  end)

  after_each(function()
    uv.run() -- until threads whose results were dropped have ended, too
    for _, suffix in ipairs { "", "a", "b", "c" } do
      os.remove(path .. suffix)
    end
  end)

  it("passes plain arguments and returns plain results, nils included", function()
    task.run(function()
      assert.same({ n = 6, "a\0b", true, nil, false, 1.5, nil }, pack(task.thread(function(...)
        return ...
      end, "a\0b", true, nil, false, 1.5, nil)))
      assert.same({ n = 0 }, pack(task.thread(function() end)))
      assert.equal(3, task.thread(function(...) return select("#", ...) end, nil, nil, nil))
    end)
  end)

  it("passes long strings whole", function()
    task.run(function()
      local long = ("x\0\255"):rep(100000)
      assert.equal(long .. "!", task.thread(function(s) return s .. "!" end, long))
    end)
  end)

  it("has the globals and modules of a Lua of its own", function()
    task.run(function()
      _G.thread_spec_global = "outside" -- luacheck: ignore
      local seen, length = task.thread(function()
        local name = "thread_spec_global"
        local before = _G[name]
        _G[name] = "inside"
        return before, #require("string").rep("x", 3)
      end)
      assert.is_nil(seen)
      assert.equal(3, length)
      assert.equal("outside", _G.thread_spec_global) -- luacheck: ignore
      _G.thread_spec_global = nil -- luacheck: ignore
    end)
  end)

  it("raises the error of the function, with its position", function()
    task.run(function()
      local line = here() + 2
      local ok, message = task.pcall(task.thread, function(text)
        error(text .. " in the thread")
      end, "failed")
      assert.is_false(ok)
      assert.matches("thread_spec%.lua:" .. line .. ": failed in the thread", message)
      for _, err in ipairs { 42, "text" } do
        local failed, got = task.pcall(task.thread, function(e) error(e, 0) end, err)
        assert.is_false(failed)
        assert.equal(err, got)
      end
    end)
  end)

  it("raises what Lua raises in it, and serves on", function()
    task.run(function()
      local ok, message = task.pcall(task.thread, function()
        return #5
      end)
      assert.is_false(ok)
      assert.matches("attempt to get length", message)
      assert.equal("fine", task.thread(function() return "fine" end))
    end)
  end)

  it("lets the timers of the loop go on while two threads work at once", function()
    task.run(function()
      local ticks = 0
      task.group(function(g)
        g:spawn(function() -- each thread waits for the other, then both for the loop
          assert.is_true(task.thread(exchange, path .. "a", path .. "b"))
          assert.is_true(task.thread(exchange, "", path .. "c"))
          assert.equal(3, ticks)
        end)
        g:spawn(function()
          assert.is_true(task.thread(exchange, path .. "b", path .. "a"))
          assert.is_true(task.thread(exchange, "", path .. "c"))
          assert.equal(3, ticks)
        end)
        for _ = 1, 3 do
          task.sleep(0.001)
          ticks = ticks + 1
        end
        assert(io.open(path .. "c", "w")):close()
      end)
    end)
  end)

  it("runs more threads than there are workers, each with its own result", function()
    task.run(function()
      local list = {}
      for i = 1, 20 do
        list[i] = i
      end
      local doubled = task.map(list, function(i)
        return task.thread(function(n) return 2 * n end, i)
      end)
      for i = 1, 20 do
        assert.equal(2 * i, doubled[i])
      end
    end)
  end)

  it("survives collections of garbage while threads are at work", function()
    task.run(function()
      local ended = 0
      task.group(function(g)
        for i = 1, 4 do
          g:spawn(function()
            assert.equal(i, task.thread(work, 0.01, i))
            ended = ended + 1
          end)
        end
        while ended < 4 do
          collectgarbage()
          task.sleep(0.001)
        end
      end)
      assert.equal(4, ended)
    end)
  end)

  it("drops the result when the task is cancelled, which does not wait for the thread", function()
    task.run(function()
      local log, event = {}, task.event()
      local child = task.spawn(function()
        local ok, err = task.pcall(task.thread, exchange, path .. "a", path .. "b")
        log[1] = ok and "returned" or err.kind
        assert(io.open(path .. "b", "w")):close() -- lets the thread end, which nobody must hear
        task.shield(event.wait, event)
        log[2] = event:is_set() and "waited"
        error(err, 0)
      end)
      task.thread(exchange, "", path .. "a")
      child:cancel("not needed")
      task.thread(exchange, "", path .. "b")
      task.sleep(0.02)
      event:set()
      local ok, err = task.pcall(child.await, child)
      assert.is_false(ok)
      assert.same({ "cancelled", "not needed" }, { err.kind, err.reason })
      assert.same({ "cancelled", "waited" }, log)
    end)
  end)

  it("obeys a timeout around it", function()
    task.run(function()
      local value, err = task.timeout(0.001, task.thread, exchange, path .. "a", path .. "b")
      assert.is_nil(value)
      assert.equal("timeout", err.kind)
      assert(io.open(path .. "b", "w")):close()
      assert.is_true(task.thread(exchange, "", path .. "a")) -- the thread has begun
    end)
  end)

  it("raises a cancellation that came before", function()
    task.run(function()
      local child = task.spawn(function()
        task.current():cancel()
        task.thread(work, 0)
      end)
      task.pcall(child.await, child)
      assert.equal("cancelled", child:status())
    end)
  end)

  it("refuses a function that uses something from around it, by name", function()
    task.run(function()
      local outer = 1
      local sentence = refusal(function() return outer end)
      assert.matches('must be self%-contained, but this one uses "outer" from outside', sentence)
      sentence = refusal(function() return print(here()) end)
      assert.matches('uses "here"', sentence)
    end)
  end)

  it("raises a sentence for results that cannot come from another Lua", function()
    task.run(function()
      for _, code in ipairs { "return {}", "return 1, print" } do
        local ok, message = task.pcall(task.thread, assert((loadstring or load)(code)))
        assert.is_false(ok)
        assert.matches("result %d of a thread must be a string, number, boolean or nil", message)
      end
    end)
  end)

  it("raises errors that cannot come from another Lua as text, nil described", function()
    task.run(function()
      local ok, message = task.pcall(task.thread, function()
        error(setmetatable({}, { __tostring = function() return "an object" end }))
      end)
      assert.same({ false, "an object" }, { ok, message })
      ok, message = task.pcall(task.thread, function() error(nil) end)
      assert.is_false(ok)
      assert.matches("nil", message)
    end)
  end)

  it("passes seven values each way, and refuses more", function()
    task.run(function()
      local function count(...)
        return select("#", ...), ...
      end
      assert.equal(7, (select("#", task.thread(count, 1, 2, 3, 4, 5, 6))))
      assert.equal(7, task.thread(function(...) return (select(7, ...)) end, 1, 2, 3, 4, 5, 6, 7))
      local ok, message = task.pcall(task.thread, count, 1, 2, 3, 4, 5, 6, 7)
      assert.is_false(ok)
      assert.matches("7 results at most, not 8", message)
      local line = here() + 2
      ok, message = task.pcall(function()
        task.thread(count, 1, 2, 3, 4, 5, 6, 7, 8)
      end)
      assert.is_false(ok)
      assert.matches("thread_spec%.lua:" .. line .. ": .*7 arguments at most", message)
    end)
  end)

  it("refuses what is no Lua function, at the caller's line", function()
    task.run(function()
      assert.equal("the function for a thread must be a function, got nothing", refusal())
      assert.equal("the function for a thread must be a function, got string", refusal "print")
      assert.equal("the function for a thread must be a function, got table",
        refusal(setmetatable({}, { __call = function() end })))
      assert.matches("must be a Lua function", refusal(print))
    end)
  end)

  it("refuses arguments that cannot go to another Lua, at the caller's line", function()
    task.run(function()
      for index, arg in ipairs { {}, print, task.current(), io.stdout } do
        local args = { work, 0, n = 3 }
        local position = index % 2 + 1
        args[position + 1] = arg
        assert.matches(("argument %d for a thread must be .*, got %s"):format(position, type(arg)),
          refusal(args[1], args[2], args[3]))
      end
    end)
  end)

  it("outside of a task raises at the caller's line", function()
    local line = here() + 1
    local ok, message = pcall(function() task.thread(function() end) end)
    assert.is_false(ok)
    assert.matches("thread_spec%.lua:" .. line .. ": .*inside a task", message)
  end)
end)
