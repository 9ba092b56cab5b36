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
  end)
end
