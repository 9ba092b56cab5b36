local blamed = require "support.blamed"
local process = require "support.process"
local programs = require "support.programs"
local shell = require "support.shell"
local terminal = require "curlew.terminal"
local width = require "curlew.width"

-- Begins every program below; `t` is its standard error.
local HEAD = [[
local curlew, terminal = require "curlew", require "curlew.terminal"
local t = terminal.open()
local uv = require "curlew.uv"
]]

local script, command = programs.beginning_with(HEAD)

-- Runs a program in a real terminal; `ready` is what it says once it is to be looked at.
local function pane(body, options)
  local it = command(body, options)
  it.width, it.height = it.width or 60, it.height or 12
  return process.tmux(it)
end

-- What a program prints in a terminal until its end.
local function said(body, options)
  local it = pane(body, options)
  assert.equal(0, it:status(10))
  local text = it:capture(options)
  it:kill()
  return text
end

describe("what stands in for a terminal", function()
  it("is any object that can write, and can do nothing but that", function()
    local written = {}
    local stream = { write = function(_, text) table.insert(written, text) end }
    local t = terminal.open(stream)
    assert.is_false(t.is_terminal)
    assert.is_false(t.colours)
    t:hide_cursor()
    t:write("a")
    t:write(t:paint("red", "b"))
    t:show_cursor()
    assert.same({ "a", "b" }, written)
    assert.is_true(t:width() >= 1 and t:height() >= 1)
  end)

  it("is refused, at the caller's line, when it cannot write", function()
    for _, stream in ipairs { 5, {}, true } do
      assert.equal("the stream must have a method write, got a " .. type(stream), blamed(function()
        terminal.open(stream)
      end))
    end
    assert.equal('unknown colour "pink"', blamed(function()
      terminal.open(io.stdout):paint("pink", "x")
    end))
  end)

  it("is a pipe, which gets no escapes", function()
    local result = process.run {
      process.lua, script 't:hide_cursor() t:write(t:paint("red", "x")) print(t.is_terminal)',
    }
    assert.equal("false\n", result.stdout)
    assert.equal("x", result.stderr)
  end)
end)

describe("a terminal", function()
  it("tells its size, also when that changes", function()
    local it = pane([[
      io.stderr:write(t:width(), "x", t:height(), "\n")
      local known = t:width()
      while t:width() == known do uv.sleep(5) end
      io.stderr:write(t:width(), "x", t:height(), "\n")
    ]], { width = 44, height = 9 })
    assert.truthy(it:wait_for("44x9"))
    it:resize(33, 7)
    assert.truthy(it:wait_for("33x7"))
    it:kill()
  end)

  it("leaves its stream as it was: it waits, and children have it", function()
    assert.equal("60\nchild\n0", said [[
      print(t:width())
      os.execute("echo child >&2")
      local flags = io.open("/proc/self/fdinfo/2"):read("*a"):match("flags:%s+(%d+)")
      print(math.floor(tonumber(flags, 8) / 2048) % 2) -- O_NONBLOCK
    ]])
  end)

  it("paints, unless NO_COLOR says no or it is dumb", function()
    local body = 't:write(t:paint("green", "word")) print("", t.is_terminal, t.colours)'
    assert.equal("\27[32mword\27[39m    true    true", said(body, { escapes = true }))
    assert.equal("word    true    false", said(body, { escapes = true, no_colour = "1" }))
    assert.equal("word    false   false", said(body, { escapes = true, term = "dumb" }))
    assert.equal("word    false   false", said(body, { escapes = true, term = "" }))
  end)

  it("gives the names that texts for it need", function()
    assert.equal(width.of, terminal.width)
    assert.equal(width.fit, terminal.fit)
    assert.equal(width.escape, terminal.escape)
  end)
end)

describe("the cursor", function()
  -- Runs a program that has hidden it and said "ready"; tells how it ends, and that it is back.
  local function comes_back(body, status, act)
    local it = pane(body)
    if act then
      assert.truthy(it:wait_for("ready"))
      assert.is_false(it:cursor().visible)
      act(it)
    end
    assert.equal(status, it:status(10))
    assert.is_true(it:cursor().visible)
    local text = it:capture()
    it:kill()
    return text
  end

  local function press(it)
    it:keys "C-c"
  end

  local READY = 't:hide_cursor() io.stderr:write("ready\\n") '

  it("is hidden and comes back when it is asked for", function()
    local it = pane(READY .. 't:hide_cursor() io.read() t:show_cursor() t:show_cursor() io.read()')
    assert.truthy(it:wait_for("ready"))
    assert.is_false(it:cursor().visible)
    it:keys "Enter"
    assert.is_true(shell.turn(function()
      return it:cursor().visible
    end))
    it:kill()
  end)

  it("comes back at the end of a run, and of the program", function()
    comes_back("curlew.run(function() " .. READY .. "io.read() end) io.read()", 0, function(it)
      it:keys "Enter"
      assert.is_true(shell.turn(function()
        return it:cursor().visible
      end))
      it:keys "Enter"
    end)
    comes_back(READY .. "io.read()", 0, function(it)
      it:keys "Enter"
    end)
  end)

  it("comes back on an error, within a run and outside of one", function()
    local text = comes_back("curlew.run(function() " .. READY .. 'error("boom") end)', 1)
    assert.truthy(text:find("boom", 1, true))
    comes_back(READY .. 'error("boom")', 1)
  end)

  it("comes back on Ctrl-C", function()
    comes_back("curlew.run(function() " .. READY .. "curlew.sleep(60) end)", 1, press)
  end)

  it("comes back on SIGTERM, of which the program dies", function()
    local body = READY .. 'io.stderr:write("pid ", uv.os_getpid(), ".\\n") '
    local function terminate(it)
      local screen = assert(it:wait_for("pid %d+%."))
      os.execute("kill " .. screen:match("pid (%d+)"))
    end
    comes_back("curlew.run(function() " .. body .. "curlew.sleep(60) end)", 143, terminate)
    comes_back(body .. "local timer = uv.new_timer() timer:start(60000, 0, print) uv.run()", 143,
      terminate)
  end)

  it("comes back on os.exit, which is itself again afterwards", function()
    comes_back(READY .. "os.exit(3)", 3)
    comes_back("curlew.run(function() " .. READY .. "os.exit(4, true) end)", 4)
    comes_back("local exit = os.exit " .. READY .. [[
      assert(os.exit ~= exit)
      t:show_cursor()
      assert(os.exit == exit)
      os.exit(5)
    ]], 5)
  end)

  it("comes back when nothing refers to its terminal any more", function()
    comes_back(READY .. [[
      io.read()
      t = nil
      collectgarbage()
      collectgarbage()
      io.read()
    ]], 0, function(it)
      it:keys "Enter"
      assert.is_true(shell.turn(function()
        return it:cursor().visible
      end))
      it:keys "Enter"
    end)
  end)

  it("comes back after what was to be done before", function()
    local text = comes_back("curlew.run(function() " .. [[
      t:hide_cursor(function() io.stderr:write("farewell") error("ignored") end)
    ]] .. " end)", 0)
    assert.truthy(text:find("farewell", 1, true))
  end)

  it("keeps nothing in the loop", function()
    assert.truthy(said("curlew.run(function() " .. READY .. [[ t:width() end)
      local handles = 0
      uv.walk(function() handles = handles + 1 end)
      print(handles .. " handles")
    ]]):find("0 handles", 1, true))
  end)
end)
