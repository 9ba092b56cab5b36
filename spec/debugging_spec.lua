local process = require "support.process"
local shell = require "support.shell"

-- Runs a program with diagnosis on, or off.
local function run(code, value)
  local script = os.tmpname()
  shell.write_file(script, 'local task = require "curlew.task"\n' .. code)
  local result = process.run { process.lua, script, env = { CURLEW_DEBUG = value } }
  os.remove(script)
  assert.equal(0, result.status, result.stderr)
  return result
end

describe("CURLEW_DEBUG=1", function()
  it("adds to each task where it was spawned", function()
    local code = [[
      task.run(function()
        local child = task.spawn(function() task.sleep(60) end)
        task.yield()
        print(child)
        child:cancel()
      end)
    ]]
    assert.matches("^<Task task%-2 waiting at %S+:3, spawned at %S+:3>\n$", run(code, "1").stdout)
    assert.matches("^<Task task%-2 waiting at %S+:3>\n$", run(code, false).stdout)
  end)

  it("warns of a step that has blocked the loop, and names the line", function()
    local code = [[
      task.run(function()
        local started = os.clock()
        while os.clock() - started < 0.15 do end
        task.sleep(0.001)
      end)
    ]]
    local told = run(code, "1").stderr
    assert.matches("curlew: <Task task%-1 .-> blocked the loop for %d%.%d+ s", told)
    assert.matches("up to its wait at %S+:5\n$", told)
    assert.equal("", run(code, false).stderr)
  end)

  it("warns of a queue that is thrown away unclosed, not of a closed one", function()
    local code = [[
      do
        local open, closed = task.queue(), task.queue()
        open:close()
        open = task.queue()
        closed:close()
      end
      collectgarbage()
      collectgarbage()
    ]]
    local told = run(code, "1").stderr
    assert.matches("^curlew: a queue made at %S+:5 was thrown away without being closed\n$", told)
    assert.equal("", run(code, false).stderr)
  end)
end)
