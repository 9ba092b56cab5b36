local census = require "support.census"
local loop = require "curlew.loop"
local process = require "support.process"
local run = require "curlew.run"
local server = require "support.server"
local shell = require "support.shell"
local turn = require "curlew.turn"
local uv = require "curlew.uv"

describe("the driver", function()
  local site, drivers

  before_each(function()
    drivers = {}
    site = server.new(function(conn, request)
      if request.path == "/" then
        conn:respond { body = "hello" }
      end
    end)
  end)

  after_each(function()
    for _, driver in ipairs(drivers) do
      driver:close({})
    end
    site:close()
    uv.run("nowait")
    turn.release()
    uv.run("nowait")
    site:check()
  end)

  local function new(cached)
    local driver = loop.new(cached or 10)
    drivers[#drivers + 1] = driver
    return driver
  end

  local function operation()
    return {
      finish = function(self, outcome)
        self.outcome, self.times = outcome, (self.times or 0) + 1
      end,
    }
  end

  local function start(driver, path, given)
    local op = operation()
    op.id = assert(driver:start(op, { options = given }, site.url .. (path or "/")))
    return op
  end

  local function wait_for(op)
    assert.is_true(shell.turn(function()
      return op.outcome
    end))
    return op.outcome
  end

  it("calls an operation's finish once, with the outcome, on a later turn #valgrind", function()
    local driver = new()
    local op = start(driver)
    assert.is_nil(op.outcome)
    assert.equal(1, driver.count)
    assert.equal("hello", wait_for(op).body)
    shell.turn(function() end, 0.02)
    assert.equal(1, op.times)
    assert.equal(0, driver.count)
    assert.is_nil(next(driver.live))
  end)

  it("does not tell an operation that it cancels #valgrind", function()
    local driver = new()
    local at_once, later = start(driver), start(driver, "/silent")
    driver:cancel(at_once.id)
    assert.equal(1, driver.count)
    shell.turn(function()
      return #site.requests == 1
    end)
    driver:cancel(later.id)
    driver:cancel(later.id)
    driver:cancel(12345)
    assert.equal(0, driver.count)
    shell.turn(function()
      return site.open == 0
    end)
    assert.is_nil(at_once.outcome)
    assert.is_nil(later.outcome)
    assert.equal("hello", wait_for(start(driver)).body)
  end)

  it("returns what libcurl refuses, and is as before", function()
    local driver = new()
    local id, option, problem = driver:start(operation(), { options = { NO_SUCH = 1 } }, site.url)
    assert.is_nil(id)
    assert.equal("NO_SUCH", option)
    assert.is_string(problem)
    assert.equal(0, driver.count)
    assert.is_nil(next(driver.live))
  end)

  it("holds the loop only while a transfer runs", function()
    site:close()
    shell.settle()
    turn.release()
    shell.settle()
    assert.is_false(uv.loop_alive())
    local driver = new()
    assert.is_false(uv.loop_alive())
    local op = operation()
    op.id = driver:start(op, {}, "http://127.0.0.1:1/")
    uv.run("nowait")
    while not op.outcome do
      assert.is_true(uv.loop_alive())
      uv.run("once")
    end
    uv.run("nowait") -- the idle handle of the turn
    assert.is_false(uv.loop_alive())
    driver:close({})
    uv.run("nowait")
    uv.run("nowait")
    assert.is_false(uv.loop_alive())
  end)

  it("does not hold the loop after a cancel", function()
    local driver = new()
    local op = start(driver, "/silent")
    shell.turn(function()
      return #site.requests == 1
    end)
    driver:cancel(op.id)
    shell.turn(function()
      return site.open == 0
    end)
    site:close()
    uv.run("nowait")
    assert.is_false(uv.loop_alive())
  end)

  it("arms its timer for 1 ms or more, so that it starves nobody", function()
    local driver = new()
    local waits, real = {}, driver.timer
    driver.timer = {
      start = function(_, wait, ...)
        waits[#waits + 1] = wait
        return real:start(wait, ...)
      end,
    }
    for _ = 1, 20 do
      wait_for(start(driver))
    end
    local op = operation()
    driver:start(op, { idle = 0.001 }, site.url .. "/silent", 0.001)
    wait_for(op)
    assert.is_true(#waits > 0)
    for _, wait in ipairs(waits) do
      assert.is_true(wait >= 1, wait)
    end
  end)

  it("ends its transfers when it closes, with the outcome that it is given #valgrind", function()
    local driver = new()
    local ops = {}
    for i = 1, 5 do
      ops[i] = start(driver, "/silent")
    end
    shell.turn(function()
      return #site.requests == 5
    end)
    local outcome = { result = 42 }
    driver:close(outcome)
    for _, op in ipairs(ops) do
      assert.equal(outcome, op.outcome)
      assert.equal(1, op.times)
    end
    assert.equal(0, driver.count)
    shell.turn(function()
      return site.open == 0
    end)
    assert.equal(0, site.open)
  end)

  it("gives back its handles and descriptors, and may be closed twice", function()
    local before = census.take()
    local driver = loop.new(10)
    local op = start(driver)
    wait_for(op)
    driver:close({})
    driver:close({})
    shell.turn(function()
      return site.open == 0
    end)
    shell.settle()
    turn.release()
    shell.settle()
    assert.same(before, census.take())
  end)

  it("may be closed by an operation that ends", function()
    local driver = new()
    local op = operation()
    local others = { start(driver, "/silent"), start(driver, "/silent") }
    function op.finish(self, outcome)
      self.outcome = outcome
      driver:close({ result = 42 })
    end
    driver:start(op, {}, site.url .. "/")
    assert.equal(200, wait_for(op).status)
    for _, other in ipairs(others) do
      assert.equal(42, other.outcome.result)
    end
    shell.turn(function()
      return site.open == 0
    end)
  end)

  it("starts transfers that operations ask for as they end", function()
    local driver = new()
    local first, second = operation(), nil
    function first.finish(self, outcome)
      self.outcome = outcome
      second = start(driver)
    end
    driver:start(first, {}, site.url .. "/")
    wait_for(first)
    assert.equal("hello", wait_for(second).body)
  end)

  it("lets operations cancel each other as they end", function()
    local driver = new()
    local ops = {}
    for i = 1, 10 do
      ops[i] = operation()
      ops[i].finish = function(self, outcome)
        self.outcome = outcome
        for _, other in ipairs(ops) do
          if other ~= self then
            driver:cancel(other.id)
          end
        end
      end
      ops[i].id = driver:start(ops[i], {}, site.url .. "/")
    end
    shell.turn(function()
      return driver.count == 0
    end)
    assert.equal(0, driver.count)
    assert.equal("hello", wait_for(start(driver)).body)
  end)

  it("that is collected gives everything back when the next one is made", function()
    local before = census.take()
    local function use_one()
      local driver = loop.new(10)
      wait_for(start(driver))
      return driver.count -- which also keeps it until here
    end
    for _ = 1, 50 do
      assert.equal(0, use_one())
    end
    collectgarbage()
    collectgarbage()
    loop.new(10):close({})
    shell.turn(function()
      return site.open == 0
    end)
    shell.settle()
    turn.release()
    shell.settle()
    assert.same(before, census.take())
  end)

  it("that is collected gives everything back when a run ends", function()
    run.run(function() end)
    local before = census.take()
    run.run(function()
      for _ = 1, 50 do
        loop.new(10)
      end
      collectgarbage()
      collectgarbage()
    end)
    assert.same(before, census.take())
  end)

  it("outlives the variable that held it while a transfer runs", function()
    local op = operation()
    op.driver = loop.new(10)
    op.driver:start(op, {}, site.url .. "/")
    collectgarbage()
    collectgarbage()
    assert.equal("hello", wait_for(op).body)
    op.driver:close({})
  end)

  it("lets a program end in the middle of its transfers", function()
    local script = [[
      local loop = require "curlew.loop"
      local uv = require "curlew.uv"
      driver = loop.new(10)
      other = loop.new(10)
      driver:start({ finish = print }, {}, os.getenv("SITE") .. "/silent")
      for _ = 1, 3 do uv.run("nowait") end
      if os.getenv("CLOSE") then other:close({}) driver:close({ result = 42 }) end
    ]]
    for _, close in ipairs { false, "yes" } do
      local child = process.run {
        process.lua, "-e", script, env = { SITE = site.url, CLOSE = close },
      }
      assert.equal("", child.stderr)
      assert.equal(0, child.status)
      assert.equal(0, child.signal)
    end
  end)

  it("works in a loop that turns without curlew's runner", function()
    local driver = new()
    local op = start(driver)
    local timer = uv.new_timer()
    timer:start(1, 1, function()
      if op.outcome then
        uv.stop()
      end
    end)
    uv.run()
    timer:close()
    shell.settle()
    assert.equal("hello", op.outcome.body)
  end)
end)
