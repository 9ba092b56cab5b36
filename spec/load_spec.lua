-- More requests in flight than the process may have descriptors: 600 and 128 of them; 10,000 and
-- 1,024 with CURLEW_TORTURE in the environment.

local nginx = require "support.nginx"
local process = require "support.process"

local IS_LONG = os.getenv "CURLEW_TORTURE" ~= nil
local REQUESTS, DESCRIPTORS = IS_LONG and 10000 or 600, IS_LONG and 1024 or 128
local NONE_LEFT = "io: too many open files: the process has no descriptor left"

describe("with few descriptors #confined #stress", function()
  local function ends(url, mode)
    local child = process.run {
      "sh", "-c", 'ulimit -n "$0" && exec "$@"', DESCRIPTORS, process.lua,
      "spec/support/load_program.lua", url, REQUESTS, mode, timeout = 120,
    }
    assert.equal("", child.stderr)
    local counts = {}
    for count, name in child.stdout:gmatch "(%-?%d+)\t([^\n]+)" do
      counts[name] = tonumber(count)
    end
    return counts
  end

  it("requests wait for their turn within the default limits, and all are answered", function()
    local counts = ends(nginx.start().url .. "/1k", "by default")
    assert.equal(REQUESTS, counts.answered)
    assert.equal(1, counts["answered afterwards"])
    assert.is_true(counts["descriptors more"] <= 0)
  end)

  it("requests without limits are answered as far as they go, and the others are told", function()
    local counts = ends(nginx.start().url .. "/sleep/0.5", "at once")
    assert.is_true(counts.answered > DESCRIPTORS / 2)
    assert.equal(REQUESTS, counts.answered + (counts[NONE_LEFT] or 0))
    assert.is_true(counts[NONE_LEFT] > 0)
    assert.equal(1, counts["answered afterwards"])
    assert.is_true(counts["descriptors more"] <= 0)
    if IS_LONG then
      print(("%d answered, %d without a descriptor"):format(counts.answered, counts[NONE_LEFT]))
    end
  end)
end)
