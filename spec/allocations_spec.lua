local nginx = require "support.nginx"
local process = require "support.process"
local shell = require "support.shell"

-- What one GET on a kept connection may cost, whatever the machine's mood: bytes of Lua, of which
-- 1,024 are the body, and allocations, of Lua, libcurl and the core. Each bound is a tenth above
-- what was counted with libcurl 7.88 when it was written: raise one only for a reason, and lower it
-- for every gain.
local BOUNDS = {
  ["Lua 5.4"] = { bytes = 2800, allocations = 54 }, -- 2,537 and 49
  LuaJIT = { bytes = 1450, allocations = 46 }, -- 1,281 and 41; it takes its memory by the page
  -- 8,739 and 120: the others look through the stack to learn whether they may wait
  other = { bytes = 9600, allocations = 132 },
}
local BOUND = BOUNDS[rawget(_G, "jit") and "LuaJIT" or _VERSION] or BOUNDS.other

local PROGRAM = [[
local curlew = require "curlew"
local url, count = arg[1], 200
local function get(session, times)
  for _ = 1, times do
    assert(#assert(session:get(url)).body == 1024)
  end
end
curlew.run(function()
  local session = curlew.session()
  get(session, 50)
  collectgarbage()
  collectgarbage()
  collectgarbage("stop")
  local bytes = collectgarbage("count") * 1024
  get(session, count)
  print("bytes", (collectgarbage("count") * 1024 - bytes) / count)
  collectgarbage("restart")
  local allocations = tonumber(os.getenv("MALLOC_COUNT"))
  get(session, count)
  print("allocations", (tonumber(os.getenv("MALLOC_COUNT")) - allocations) / count)
end)
]]

describe("a GET on a kept connection #confined", function()
  local counted

  setup(function()
    local folder = shell.scratch()
    local counter, program = folder .. "/malloc_count.so", folder .. "/program.lua"
    assert(shell.run(("cc -shared -fPIC -O1 -o %s spec/support/malloc_count.c -ldl"):format(
      shell.quote(counter))))
    shell.write_file(program, PROGRAM)
    local result = process.run {
      process.lua, program, nginx.start().url .. "/1k", env = { LD_PRELOAD = counter },
    }
    assert.equal("", result.stderr)
    counted = {}
    for name, value in result.stdout:gmatch("(%w+)%s+([%d.]+)") do
      counted[name] = tonumber(value)
    end
  end)

  it("makes little work for the collector", function()
    assert.is_true(counted.bytes > 1024)
    assert.is_true(counted.bytes <= BOUND.bytes, counted.bytes .. " bytes")
  end)

  it("asks for memory not more often than it did", function()
    assert.is_true(counted.allocations > 10)
    assert.is_true(counted.allocations <= BOUND.allocations, counted.allocations .. " allocations")
  end)
end)
