local process = require "support.process"

-- What both programs do; they differ in what they print first.
local PROGRAMS = {
  { path = "examples/spinner.lua", object = "^<Task spin scheduled>\n" },
  { path = "examples/spinner_thread.lua", object = "^uv_thread_t: 0x%x+\n" },
}

for _, program in ipairs(PROGRAMS) do
  describe(program.path, function()
    it("prints the object that spins and then the answer, and no escapes into a pipe", function()
      local result = process.run { process.lua, program.path, "--seconds", "0.05" }
      assert.equal("", result.stderr)
      assert.equal(0, result.status)
      assert.truthy(result.stdout:find(program.object))
      assert.truthy(result.stdout:find("\nAnswer: 100\n$"))
      assert.falsy(result.stdout:find("[\27\r]"))
    end)

    it("turns its frames beside the message in a terminal, and leaves a clean line", function()
      local pane = process.tmux {
        process.lua, program.path, "--seconds", "1.5", "counting", width = 60, height = 10,
      }
      for _, frame in ipairs { "|", "/", "-", "\\" } do
        pane:wait_for("\n[" .. frame:gsub("%p", "%%%0") .. "] counting", 10)
      end
      assert.equal(0, pane:status(10))
      local text = pane:capture()
      assert.falsy(text:find("counting", 1, true))
      assert.truthy(text:find("\nAnswer: 100", 1, true))
      assert.is_true(pane:cursor().visible)
      pane:kill()
    end)

    it("ends on Ctrl-C with a clean line, a visible cursor and status 130", function()
      local pane = process.tmux {
        process.lua, program.path, "--seconds", "60", "counting", width = 60, height = 10,
      }
      pane:wait_for("counting", 10)
      pane:keys "C-c"
      assert.equal(130, pane:status(10))
      local text = pane:capture()
      assert.falsy(text:find("counting", 1, true))
      assert.falsy(text:find("Answer", 1, true))
      assert.is_true(pane:cursor().visible)
      pane:kill()
    end)

    it("cuts a message that is wider than the terminal, instead of scrolling it", function()
      local pane = process.tmux {
        process.lua, program.path, "--seconds", "60", ("long "):rep(20), width = 30, height = 10,
      }
      pane:wait_for("long long", 10)
      assert.equal(1, pane:cursor().y)
      pane:keys "C-c"
      assert.equal(130, pane:status(10))
      assert.falsy(pane:capture():find("long", 1, true))
      pane:kill()
    end)

    it("says in one line what is wrong with its arguments, with status 2", function()
      local result = process.run { process.lua, program.path, "--seconds", "soon" }
      assert.equal(2, result.status)
      assert.equal("", result.stdout)
      assert.truthy(result.stderr:find("'soon' is not a number of seconds", 1, true))
    end)

    it("draws nothing before the object is printed", function()
      local pane = process.tmux {
        process.lua, program.path, "--seconds", "60", "counting", width = 60, height = 10,
      }
      local screen = assert(pane:wait_for("counting", 10))
      assert.truthy(screen:find(program.object:gsub("\n$", "") .. "\n. counting$"), screen)
      pane:keys "C-c"
      assert.equal(130, pane:status(10))
      pane:kill()
    end)

    it("shows a message of strangers safely", function()
      local pane = process.tmux {
        process.lua, program.path, "--seconds", "60", "a\27[2Jb", width = 60, height = 10,
      }
      assert(pane:wait_for("a\\x1b%[2Jb", 10))
      pane:keys "C-c"
      assert.equal(130, pane:status(10))
      pane:kill()
    end)
  end)
end

describe("examples/spinner.lua --group", function()
  local function start(seconds)
    return process.tmux {
      process.lua, "examples/spinner.lua", "--group", "--seconds", seconds, "working",
      width = 60, height = 12, env = { NO_COLOR = "1" },
    }
  end

  it("gives each function a line, which says that it has failed or was cancelled", function()
    local pane = start "2"
    local rest = "\n. ask the mirror\n. count the stars\n. draw the map"
    assert(pane:wait_for("^working\n. read the list" .. rest, 10))
    assert(pane:wait_for("^working\ndone    read the list" .. rest, 10))
    assert.equal(1, pane:status(10))
    local text = pane:capture()
    assert.truthy(text:find("^working\ndone    read the list\nfailed  ask the mirror: it does not"))
    for _, name in ipairs { "count the stars", "draw the map" } do
      assert.truthy(text:find("\nfailed  " .. name .. ": cancelled\n", 1, true))
    end
    assert.truthy(text:find("\nspinner.lua: it does not answer$"))
    assert.is_true(pane:cursor().visible)
    pane:kill()
  end)

  it("ends on Ctrl-C with all of them cancelled, and status 130", function()
    local pane = start "100"
    assert(pane:wait_for("draw the map", 10))
    pane:keys "C-c"
    assert.equal(130, pane:status(10))
    local _, cancelled = pane:capture():gsub(": cancelled", "")
    assert.equal(4, cancelled)
    assert.is_true(pane:cursor().visible)
    pane:kill()
  end)

  it("prints plain lines into a pipe", function()
    local result = process.run {
      process.lua, "examples/spinner.lua", "--group", "--seconds", "0.1",
    }
    assert.equal(1, result.status)
    assert.equal("spinner.lua: it does not answer\n", result.stderr)
    assert.is_nil(result.stdout:find("[\27\r|]"))
    assert.truthy(result.stdout:find("^thinking!\ndone    read the list\nfailed  ask the mirror"))
  end)
end)
