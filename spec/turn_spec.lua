local listen = require "support.listen"
local process = require "support.process"
local shell = require "support.shell"
local task = require "curlew.task"
local turn = require "curlew.turn"
local uv = require "curlew.uv"

describe("turn", function()
  local log, warnings

  local function note(text)
    log[#log + 1] = text
  end

  local function settle()
    assert.is_true(shell.turn(function()
      return not turn.has_more()
    end))
  end

  -- One turn, to its end: the clock stands still, so that a slow machine does not cut it short.
  local function turn_once()
    local clock = stub(uv, "hrtime")
    clock.returns(0)
    turn.turn()
    clock:revert()
  end

  local function handles()
    local count = 0
    uv.walk(function()
      count = count + 1
    end)
    return count
  end

  before_each(function()
    log, warnings = {}, listen.to_warnings()
  end)

  after_each(function()
    settle()
    turn.release()
    shell.settle()
    listen.no_more()
  end)

  it("runs tasks later, in order, never inside spawn #order", function()
    task.spawn(note, 1)
    task.spawn(note, 2)
    assert.same({}, log)
    assert.is_true(turn.has_more())
    settle()
    assert.same({ 1, 2 }, log)
  end)

  it("runs what becomes ready in a round in the next, in the same turn", function()
    for _ = 1, 2 do
      task.spawn(function()
        task.spawn(note, "next")
        note "first"
      end)
    end
    turn_once()
    assert.same({ "first", "first", "next", "next" }, log)
    assert.is_false(turn.has_more())
  end)

  it("begins no further round once it was stopped", function()
    for _ = 1, 2 do
      task.spawn(function()
        task.spawn(note, "next")
        turn.stop()
        note "first"
      end)
    end
    turn.turn()
    assert.same({ "first", "first" }, log)
    turn.turn()
    assert.same({ "first", "first", "next", "next" }, log)
  end)

  it("begins no further round once a millisecond has passed", function()
    local clock = stub(uv, "hrtime")
    local nanoseconds = 0
    clock.invokes(function()
      return nanoseconds
    end)
    task.spawn(function()
      for i = 1, 3 do
        note(i)
        task.yield()
      end
      nanoseconds = 1e6
      note "late"
      task.yield()
      note "after the loop was served"
    end)
    turn.turn()
    assert.same({ 1, 2, 3, "late" }, log)
    assert.is_true(turn.has_more())
    clock:revert()
    settle()
    assert.equal("after the loop was served", log[5])
  end)

  it("runs what was deferred at its end, also when deferred meanwhile", function()
    turn.defer(note, "deferred")
    task.spawn(function()
      turn.defer(note, "deferred meanwhile")
      note "ran"
      task.yield()
      note "ran on"
    end)
    turn_once()
    assert.same({ "ran", "ran on", "deferred", "deferred meanwhile" }, log)
  end)

  it("reports a call that fails, and runs all the others, each once", function()
    task.spawn(note, 1)
    turn.defer(note, 2)
    turn.defer(function()
      error("broken", 0)
    end)
    turn.defer(note, 3)
    settle()
    assert.same({ 1, 2, 3 }, log)
    assert.same({ "error in a callback: broken" }, warnings)
  end)

  it("turns a function into a callback for luv, which wakes tasks before it returns", function()
    local callback = turn.entry(function(...)
      task.spawn(note, "woken")
      note(select("#", ...) .. " arguments")
    end)
    callback(nil, "two")
    assert.same({ "2 arguments", "woken" }, log)
  end)

  it("lets no error out of a callback, and still runs the turn", function()
    task.spawn(note, "woken")
    turn.entry(function()
      error({}, 0)
    end)()
    assert.same({ "woken" }, log)
    assert.equal(1, #warnings)
    assert.matches("^error in a callback: table", warnings[1])
  end)

  it("survives an error that cannot be described", function()
    turn.entry(function()
      error(setmetatable({}, { __tostring = function() error("no") end }))
    end)()
    assert.matches("__tostring failed", warnings[1])
  end)

  it("does not begin a turn inside a turn", function()
    task.spawn(function()
      task.spawn(note, "inner")
      turn.entry(note)("callback")
      note "outer"
    end)
    turn_once()
    assert.same({ "callback", "outer", "inner" }, log)
  end)

  it("leaves no handle in the loop after release, and makes another when needed", function()
    local before = handles()
    for _ = 1, 2 do
      task.spawn(note, "x")
      assert.equal(before + 1, handles())
      settle()
      turn.release()
      shell.settle()
      assert.equal(before, handles())
    end
    assert.same({ "x", "x" }, log)
  end)

  it("keeps its handle while something is pending", function()
    task.spawn(note, "kept")
    turn.release()
    settle()
    assert.same({ "kept" }, log)
  end)

  it("starves no timer while tasks never cease to yield", function()
    task.run(function()
      local rung = 0
      local timer = uv.new_timer()
      timer:start(1, 1, function()
        rung = rung + 1
      end)
      while rung < 3 do
        task.sleep(0)
      end
      timer:close()
    end)
  end)

  it("starves no socket while tasks never cease to yield", function()
    task.run(function()
      local received
      local server, client = uv.new_tcp(), uv.new_tcp()
      server:bind("127.0.0.1", 0)
      server:listen(1, function()
        local peer = uv.new_tcp()
        server:accept(peer)
        peer:read_start(function(_, bytes)
          received = bytes or received
          if not bytes then
            peer:close()
            server:close()
          end
        end)
      end)
      client:connect("127.0.0.1", server:getsockname().port, function()
        client:write("hello", function()
          client:close()
        end)
      end)
      while not server:is_closing() do
        task.yield()
      end
      assert.equal("hello", received)
    end)
  end)

  it("does not end the process when a callback of curlew's fails", function()
    local child = process.run { process.lua, "-e", [[
      local uv, turn = require "curlew.uv", require "curlew.turn"
      local timer = uv.new_timer()
      timer:start(1, 0, turn.entry(function() timer:close() error("in a callback", 0) end))
      uv.run()
      print("alive")
    ]] }
    assert.equal("alive\n", child.stdout)
    assert.equal("curlew: error in a callback: in a callback\n", child.stderr)
    assert.equal(0, child.status)
  end)
end)
