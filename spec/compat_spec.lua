local collect = require "support.collect"
local compat = require "curlew.compat"
local process = require "support.process"
local shell = require "support.shell"
local task = require "curlew.task"

describe("compat", function()
  it("packs and unpacks nils with their number", function()
    local packed = compat.pack(nil, 2, nil)
    assert.equal(3, packed.n)
    assert.equal(3, select("#", compat.unpack(packed, 1, packed.n)))
    assert.equal(2, (select(2, compat.unpack(packed, 1, packed.n))))
    assert.equal(0, compat.pack().n)
  end)

  it("knows whether pcall lets a wait through", function()
    local co = coroutine.create(function()
      pcall(coroutine.yield)
      return "came back"
    end)
    coroutine.resume(co)
    local waited = coroutine.status(co) == "suspended"
    assert.equal(waited, compat.yields_across_pcall)
  end)

  describe("each", function()
    it("takes the place of pairs and next in all loops", function()
      for _, name in ipairs(shell.names("lua/curlew")) do
        local source = shell.read_file("lua/curlew/" .. name)
        assert.is_nil(source:match("in pairs%([^\n]*") or source:match("in next,[^\n]*"), name)
      end
    end)

    -- In a program of its own, as it depends on what else was compiled.
    it("goes over a whole table, also where LuaJIT compiles the loop", function()
      local program = os.tmpname()
      shell.write_file(program, [[
        local options = require "curlew.options"
        local request = require "curlew.request"
        local task = require "curlew.task"
        local random, short = task.testing.random(3), 0
        local defaults = options.for_session { verify = "ca.pem" }
        local function check()
          if random(5) == 1 then
            task.yield()
          end
          local given = { retry = { max = 2, backoff = 0.01 } }
          local _, made = task.pcall(request.new, defaults, "GET", "http://localhost/", given)
          local policy = made.options.retry
          short = short + (policy.methods and policy.statuses and 0 or 1)
        end
        task.run(function()
          for _ = 1, 200 do
            local tasks = {}
            for i = 1, 200 do
              tasks[i] = task.spawn(check)
            end
            for i = 1, 200 do
              tasks[i]:await()
            end
          end
        end)
        print(short)
      ]])
      local result = process.run { process.lua, program }
      os.remove(program)
      assert.equal("0\n", result.stdout)
    end)
  end)

  describe("is_yieldable", function()
    local function ask_in_coroutine(around)
      local answer
      local co = coroutine.create(function()
        around(function()
          answer = compat.is_yieldable()
        end)
      end)
      assert(coroutine.resume(co))
      return answer
    end

    it("is true in a coroutine's own functions", function()
      assert.is_true(ask_in_coroutine(function(ask)
        ask()
      end))
    end)

    it("is true in pcall exactly where pcall lets a wait through", function()
      assert.equal(compat.yields_across_pcall, ask_in_coroutine(pcall))
    end)

    it("is false below a sort comparator, a gsub callback and require", function()
      assert.is_false(ask_in_coroutine(function(ask)
        table.sort({ 1, 2 }, function(a, b)
          ask()
          return a < b
        end)
      end))
      assert.is_false(ask_in_coroutine(function(ask)
        string.gsub("x", "x", function()
          ask()
        end)
      end))
      assert.is_false(ask_in_coroutine(function(ask)
        package.preload["compat_spec.module"] = function()
          ask()
          return true
        end
        require "compat_spec.module"
        package.loaded["compat_spec.module"] = nil
        package.preload["compat_spec.module"] = nil
      end))
    end)
  end)

  describe("finalizer", function()
    it("calls its function once, when the object is collected, and not before", function()
      local called = 0
      local object = compat.finalizer(function()
        called = called + 1
      end)
      collect()
      assert.equal(0, called)
      assert.is_truthy(object)
      object = nil -- luacheck: ignore 311
      collect()
      assert.equal(1, called)
    end)
  end)

  it("offers a task.pcall that a wait can cross on every Lua", function()
    assert.same({ true, "slept", nil, 3, n = 4 }, task.run(function()
      return compat.pack(task.pcall(function(a)
        task.sleep(0.001)
        return "slept", nil, a
      end, 3))
    end))
  end)
end)
