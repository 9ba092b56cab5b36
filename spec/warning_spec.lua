local process = require "support.process"
local warning = require "curlew.warning"

describe("warning", function()
  after_each(function()
    warning.on_warning(nil)
  end)

  it("tells the hook, and nobody else", function()
    local told = {}
    warning.on_warning(function(text)
      told[#told + 1] = text
    end)
    warning.emit("first")
    warning.emit("second")
    assert.same({ "first", "second" }, told)
  end)

  it("goes to stderr, with the name of curlew in front, when there is no hook", function()
    local child = process.run { process.lua, "-e", [[
      local warning = require "curlew.warning"
      warning.emit("to stderr")
      warning.on_warning(function() end)
      warning.emit("to the hook")
      warning.on_warning(nil)
      warning.emit("to stderr again")
    ]] }
    assert.equal("curlew: to stderr\ncurlew: to stderr again\n", child.stderr)
    assert.equal("", child.stdout)
  end)

  it("goes to stderr when the hook fails", function()
    local child = process.run { process.lua, "-e", [[
      local warning = require "curlew.warning"
      warning.on_warning(function() error("no") end)
      warning.emit("still seen")
    ]] }
    assert.equal("curlew: still seen\n", child.stderr)
    assert.equal(0, child.status)
  end)

  it("refuses a hook that cannot be called, at the caller's line", function()
    local line = debug.getinfo(1, "l").currentline + 1
    local ok, message = pcall(function() warning.on_warning("stderr") end)
    assert.is_false(ok)
    assert.matches("warning_spec%.lua:" .. line .. ": the hook must be a function, got string",
      message)
  end)
end)
