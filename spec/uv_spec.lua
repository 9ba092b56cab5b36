local process = require "support.process"

-- Loads curlew.uv again, as if for the first time; puts everything back afterwards.
local function load_again(prepare)
  local loaded = package.loaded
  local kept, luv = loaded["curlew.uv"], loaded.luv
  loaded["curlew.uv"] = nil
  prepare()
  local ok, result = pcall(require, "curlew.uv")
  loaded["curlew.uv"], loaded.luv = kept, luv
  rawset(_G, "vim", nil)
  assert(ok, result)
  return result
end

describe("uv", function()
  it("is the luv that the program has loaded", function()
    local luv = require "luv"
    assert.equal(luv, load_again(function() end))
  end)

  it("stays the same luv when a test runner has emptied package.loaded", function()
    local uv = require "curlew.uv"
    assert.equal(uv.new_timer, load_again(function()
      package.loaded.luv = nil
    end).new_timer)
  end)

  it("prefers the luv that Neovim has built in, under its new and its old name", function()
    local built_in = {}
    assert.equal(built_in, load_again(function()
      rawset(_G, "vim", { uv = built_in, loop = {} })
    end))
    assert.equal(built_in, load_again(function()
      rawset(_G, "vim", { loop = built_in })
    end))
  end)

  it("can be required in a coroutine that is then collected; callbacks work afterwards", function()
    local child = process.run { process.lua, "-e", [[
      local uv
      local function require_it()
        local deep = function(deep, n) -- a stack that has grown
          if n > 0 then return (deep(deep, n - 1)) end
          return require "curlew.uv"
        end
        return (deep(deep, 100))
      end
      local co = coroutine.create(function() uv = require_it() coroutine.yield() end)
      coroutine.resume(co)
      assert(debug.getregistry()["curlew.uv"].luv == uv) -- the collected one has loaded it
      co = setmetatable({ co }, { __mode = "v" })
      for _ = 1, 3 do collectgarbage() end
      assert(co[1] == nil, "the coroutine must be gone")
      local churn = {}
      for i = 1, 2000 do churn[i] = coroutine.create(function() end) end
      local rung = 0
      local timer = uv.new_timer()
      timer:start(1, 1, function()
        rung = rung + 1
        churn = {}
        collectgarbage()
        for i = 1, 500 do churn[i] = coroutine.create(function() end) end
        if rung == 20 then timer:close() end
      end)
      uv.run()
      print("rung " .. rung)
    ]] }
    assert.equal("", child.stderr)
    assert.equal("rung 20\n", child.stdout)
    assert.equal(0, child.status)
  end)

  it("keeps the whole runtime working after a require in a collected coroutine", function()
    local child = process.run { process.lua, "-e", [[
      local task
      coroutine.wrap(function()
        task = require "curlew.task"
        local _ = task.sleep, task.group, task.run
        coroutine.yield()
      end)()
      for _ = 1, 3 do collectgarbage() end
      print(task.run(function()
        local children = {}
        for i = 1, 50 do
          children[i] = task.spawn(function() task.sleep(0.001) collectgarbage("step") return i end)
        end
        local sum = 0
        for i = 1, 50 do sum = sum + children[i]:await() end
        return sum
      end))
    ]] }
    assert.equal("", child.stderr)
    assert.equal("1275\n", child.stdout)
    assert.equal(0, child.status)
  end)
end)
