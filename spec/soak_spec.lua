local process = require "support.process"
local shell = require "support.shell"

-- libcurl 7.88 loses what it holds of a paused HTTP/2 stream that ends by its time.
local NO_LEAKS = "detect_leaks=0:exitcode=99"

describe("mixed work without a break #stress", function()
  it("ends as it should, all of it, and leaves nothing: 5 s of spec/torture/soak", function()
    local folder = shell.scratch()
    local result = process.run {
      process.lua, "spec/torture/soak.lua", "5", "1", folder .. "/soak.tsv", timeout = 100,
      env = { ASAN_OPTIONS = NO_LEAKS },
    }
    assert.equal("", result.stderr)
    assert.equal(0, result.status, result.stdout)
    assert.matches("%d started = %d+ succeeded %+ %d+ failed %+ %d+ cancelled; 0 unexpected",
      result.stdout)
    assert.matches("nothing stays", result.stdout)
  end)
end)
