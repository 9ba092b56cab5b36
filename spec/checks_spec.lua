local checks = require "curlew.checks"

-- The message of a check that raises, without its position.
local function refusal(check, ...)
  local args = { ... }
  local ok, message = pcall(function()
    check(args[1], args[2], args[3])
  end)
  assert.is_false(ok)
  return (assert(message:match("checks_spec%.lua:%d+: (.*)$")))
end

describe("the checks of options", function()
  it("return the value that is right, timeouts and headers in a simpler form", function()
    assert.equal("x", checks.line("user_agent", "x"))
    assert.same({ total = 5 }, checks.timeout("timeout", 5))
    assert.same({ ["x-a"] = { name = "X-A", values = { "1", "2" } } },
      checks.headers("headers", { ["X-A"] = { 1, "2" } }))
    assert.same({ TCP_NODELAY = true }, checks.escape_hatch("curl", { CURLOPT_TCP_NODELAY = true }))
  end)

  it("blame the caller's line, and name the option", function()
    assert.equal('option "x" must be a boolean, got string',
      refusal(checks.of_type "boolean", "x", "yes"))
    assert.matches('option "max_body" must be a whole number of bytes, at least 0',
      refusal(checks.whole(0, "bytes"), "max_body", 1.5), 1, true)
    assert.matches('header "A" must not contain CR, LF or NUL',
      refusal(checks.headers, "headers", { A = "b\r\nC: d" }), 1, true)
  end)

  it("name the nearest known word", function()
    assert.equal('unknown option "timout": did you mean "timeout"?',
      refusal(checks.check_known, "timout", { timeout = true }, "option"))
    assert.equal('unknown option "frobnicate"',
      refusal(checks.check_known, "frobnicate", { timeout = true }, "option"))
  end)

  it("repeat no more than the beginning of a very long name", function()
    assert.is_true(#refusal(checks.check_known, ("x"):rep(100000), { a = true }, "option") < 200)
  end)
end)
