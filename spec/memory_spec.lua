local environment = require "support.environment"
local process = require "support.process"
local shell = require "support.shell"

-- Runs a program that may have 400 MB of address space.
local function run_confined(code)
  local script = os.tmpname()
  shell.write_file(script, code)
  local result = process.run {
    "sh", "-c", ("ulimit -v 400000; exec %s %s"):format(process.lua, script),
    env = environment.modules(),
  }
  os.remove(script)
  return result
end

describe("memory that runs out in one task #confined", function()
  it("fails that task only; what it held serves the others", function()
    local result = run_confined [[
      local task = require "curlew.task"
      task.run(function()
        local greedy = task.spawn(function()
          local hoard = {}
          for i = 1, 1e9 do
            hoard[i] = ("x"):rep(1e6) .. i
          end
        end)
        local others = {}
        for i = 1, 100 do
          others[i] = task.spawn(function()
            task.sleep(0.001)
            return i
          end)
        end
        print(task.pcall(greedy.await, greedy))
        print(greedy:status())
        print(task.gather(others)[100])
      end)
    ]]
    assert.equal("false\tnot enough memory\nfailed\n100\n", result.stdout)
    assert.equal("", result.stderr)
    assert.equal(0, result.status)
  end)

  it("is told like any failure, when nobody awaits the task", function()
    local result = run_confined [[
      local task = require "curlew.task"
      task.run(function()
        task.spawn(function()
          local hoard = {}
          for i = 1, 1e9 do
            hoard[i] = ("x"):rep(1e6) .. i
          end
        end):name("greedy")
        task.sleep(0.001)
        print("goes on")
      end)
    ]]
    assert.equal("goes on\n", result.stdout)
    assert.equal("curlew: <Task greedy failed> failed and nobody awaited it: not enough memory\n",
      result.stderr)
    assert.equal(0, result.status)
  end)
end)
