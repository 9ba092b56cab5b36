local blamed = require "support.blamed"
local retry = require "curlew.retry"

local DEFAULT = {
  max = 3,
  statuses = {
    [408] = true, [425] = true, [429] = true, [500] = true, [502] = true, [503] = true,
    [504] = true,
  },
  methods = { GET = true, HEAD = true, OPTIONS = true, TRACE = true, PUT = true, DELETE = true },
  backoff = 0.5,
  max_delay = 30,
}

local function policy(value)
  return retry.policy("retry", value)
end

local function refusal(value)
  return blamed(function()
    retry.policy("retry", value)
  end)
end

describe("the option retry", function()
  it("is off when it is false or 0", function()
    assert.equal(false, policy(false))
    assert.equal(false, policy(0))
    assert.equal(false, policy { max = 0 })
  end)

  it("is the number of retries, with defaults for the rest", function()
    assert.same(DEFAULT, policy(3))
    assert.equal(1, policy(1).max)
    assert.equal(math.huge, policy(math.huge).max)
  end)

  it("is a table whose parts have defaults", function()
    assert.same(DEFAULT, policy {})
    local given = policy { max = 5, backoff = 0.1 }
    assert.equal(5, given.max)
    assert.equal(0.1, given.backoff)
    assert.same(DEFAULT.statuses, given.statuses)
    assert.same(DEFAULT.methods, given.methods)
    assert.equal(30, given.max_delay)
  end)

  it("makes sets of its lists, which replace the defaults", function()
    local given = policy { statuses = { 500, 599 }, methods = { "get", "Post", "PURGE" } }
    assert.same({ [500] = true, [599] = true }, given.statuses)
    assert.same({ GET = true, POST = true, PURGE = true }, given.methods)
    assert.same({}, policy({ statuses = {} }).statuses)
    assert.same({}, policy({ methods = {} }).methods)
  end)

  it("takes no pause at all, and no limit of a pause", function()
    assert.equal(0, policy({ backoff = 0 }).backoff)
    assert.equal(math.huge, policy({ max_delay = math.huge }).max_delay)
  end)

  it("does not change what it is given", function()
    local given = { methods = { "get" }, statuses = { 500 } }
    policy(given)
    assert.same({ methods = { "get" }, statuses = { 500 } }, given)
  end)

  it("blames the caller for anything else", function()
    for _, value in ipairs { "3", true, print } do
      assert.equal('option "retry" must be false, a number of retries or a table, got '
        .. tostring(value), refusal(value))
    end
    for _, value in ipairs { -1, 1.5, -math.huge, 0 / 0 } do
      assert.equal('option "retry" must be a whole number of retries, at least 0, got '
        .. tostring(value), refusal(value))
    end
  end)

  it("names the nearest part for one that is unknown", function()
    assert.equal('unknown part of option "retry" "backof": did you mean "backoff"?',
      refusal { backof = 1 })
    assert.equal('unknown part of option "retry" "status": did you mean "statuses"?',
      refusal { status = { 500 } })
    assert.equal('unknown part of option "retry" "frobnicate"', refusal { frobnicate = 1 })
    assert.equal('unknown part of option "retry" 1: names are strings', refusal { 503 })
  end)

  it("blames the caller for a part that is wrong, and names it", function()
    for part, values in pairs {
      max = { -1, 1.5, "3", false, 0 / 0 },
      backoff = { -0.1, "1", math.huge, 0 / 0, false },
      max_delay = { 0, -1, "1", 0 / 0 },
      statuses = { 503, "503", false },
      methods = { "GET", 1, false },
    } do
      for _, value in ipairs(values) do
        assert.matches(('option "retry.%s" must be a '):format(part), refusal { [part] = value },
          1, true)
      end
    end
  end)

  it("blames the caller for an item of a list that is wrong, and names it", function()
    for _, item in ipairs { 99, 1000, 500.5, "503", true, math.huge, 0 / 0 } do
      assert.equal('option "retry.statuses[2]" must be a status such as 503, got '
        .. tostring(item), refusal { statuses = { 500, item } })
    end
    for _, item in ipairs { "", "a b", "GET\r\n", 5, true } do
      assert.matches('option "retry.methods[1]" must be a token such as "GET", got ',
        refusal { methods = { item } }, 1, true)
    end
  end)

  it("does not take a set for a list, nor leaves out what follows a hole", function()
    assert.equal('option "retry.methods" must be a list, got a table with the key "GET"',
      refusal { methods = { GET = true } })
    assert.equal('option "retry.statuses[503]" must be a status such as 503, got true',
      refusal { statuses = { [503] = true } })
    assert.same({ [500] = true, [503] = true },
      policy({ statuses = { 500, nil, 503 } }).statuses)
  end)
end)

describe("another attempt makes sense", function()
  local function applies(given)
    local of = given.policy
    if of == nil then
      of = policy(3)
    end
    return retry.applies(of, given.method or "GET", given.replayable ~= false, given.status,
      given.err)
  end

  it("after a status of the policy", function()
    for status = 100, 599 do
      assert.equal(DEFAULT.statuses[status] == true, applies { status = status })
    end
    assert.is_true(applies { policy = policy { statuses = { 404 } }, status = 404 })
    assert.is_false(applies { policy = policy { statuses = { 404 } }, status = 503 })
  end)

  it("for a method of the policy, whatever its case", function()
    for method, expected in pairs {
      GET = true, HEAD = true, OPTIONS = true, TRACE = true, PUT = true, DELETE = true, get = true,
      POST = false, PATCH = false, CONNECT = false, PURGE = false,
    } do
      assert.equal(expected, applies { method = method, status = 503 })
    end
    assert.is_true(applies { policy = policy { methods = { "Purge" } }, method = "pURGE",
      status = 503 })
    assert.is_false(applies { policy = policy { methods = { "POST" } }, status = 503 })
  end)

  it("never for a body that cannot be sent again", function()
    assert.is_false(applies { replayable = false, status = 503 })
    assert.is_false(applies { replayable = false, err = { kind = "connect", retryable = true } })
  end)

  it("never when retrying is off", function()
    assert.is_false(applies { policy = false, status = 503 })
    assert.is_false(applies { policy = false, err = { kind = "connect", retryable = true } })
  end)

  it("after an error that says so itself", function()
    for _, kind in ipairs { "connect", "resolve", "closed", "timeout", "proxy" } do
      assert.is_true(applies { err = { kind = kind, retryable = true, phase = "connect" } })
      assert.is_false(applies { err = { kind = kind, retryable = false } })
      assert.is_false(applies { err = { kind = kind } })
    end
  end)

  it("never after what the user has ended", function()
    for _, kind in ipairs { "cancelled", "closed_session" } do
      assert.is_false(applies { err = { kind = kind, retryable = true } })
    end
  end)

  it("never after a time that was over in the queue", function()
    assert.is_false(applies { err = { kind = "timeout", phase = "queue", retryable = true } })
    assert.is_true(applies { err = { kind = "timeout", phase = "wait", retryable = true } })
  end)

  it("never after neither", function()
    assert.is_false(applies {})
  end)
end)

describe("the delay", function()
  local NOW = 784111777 -- Sun, 06 Nov 1994 08:49:37 GMT

  local function always(number)
    return function()
      return number
    end
  end

  local function delay(attempt, random, given)
    return retry.delay(policy(given or 3), attempt, nil, NOW, always(random))
  end

  local function after(text, given)
    return retry.delay(policy(given or { max_delay = 1e6 }), 1, text, NOW, always(-1))
  end

  it("is up to twice as long with each attempt, from backoff to max_delay", function()
    for attempt, expected in ipairs { 0.5, 1, 2, 4, 8, 16, 30, 30 } do
      assert.equal(expected, delay(attempt, 1))
    end
    for attempt, expected in ipairs { 3, 6, 12, 20, 20 } do
      assert.equal(expected, delay(attempt, 1, { backoff = 3, max_delay = 20 }))
    end
    assert.equal(2, delay(1, 1, { backoff = 3, max_delay = 2 }))
  end)

  it("is any part of it (full jitter)", function()
    for _, part in ipairs { 0, 0.25, 0.999 } do
      assert.equal(part * 4, delay(4, part))
      assert.equal(part * 30, delay(20, part))
    end
  end)

  it("is by chance, when nothing else is said", function()
    for _ = 1, 100 do
      local seconds = retry.delay(policy(3), 3)
      assert.is_true(seconds >= 0 and seconds < 2)
    end
  end)

  it("stays a number after very many attempts", function()
    assert.equal(30, delay(5000, 1))
    assert.equal(0, delay(5000, 0))
    assert.equal(0, delay(5000, 1, { backoff = 0 }))
    assert.equal(0, delay(5000, 0, { max_delay = math.huge }))
  end)

  it("is what the server asks for in seconds, without jitter", function()
    for text, expected in pairs {
      ["0"] = 0, ["7"] = 7, ["007"] = 7, ["120"] = 120, [" 5 "] = 5, ["\t5"] = 5,
    } do
      assert.equal(expected, after(text))
    end
  end)

  it("is until the date that the server names, in each form (RFC 9110 section 5.6.7)", function()
    for _, date in ipairs {
      "Sun, 06 Nov 1994 08:50:37 GMT", "Sunday, 06-Nov-94 08:50:37 GMT", "Sun Nov  6 08:50:37 1994",
    } do
      assert.equal(60, after(date))
    end
    assert.equal(0, after("Sun, 06 Nov 1994 08:49:37 GMT"))
    assert.equal(59.5, retry.delay(policy { max_delay = 60 }, 1, "Sun, 06 Nov 1994 08:50:37 GMT",
      NOW + 0.5))
  end)

  it("is none when that date has passed", function()
    assert.equal(0, after("Sun, 06 Nov 1994 08:49:36 GMT"))
    assert.equal(0, after("Thu, 01 Jan 1970 00:00:00 GMT"))
    assert.equal(0, retry.delay(policy(3), 1, "Sun, 06 Nov 1994 08:49:37 GMT")) -- it is later now
  end)

  it("is not longer than max_delay, whatever the server asks for", function()
    for _, text in ipairs { "31", "999999", ("9"):rep(400), "Fri, 31 Dec 9999 23:59:59 GMT" } do
      assert.equal(30, after(text, 3))
    end
    assert.equal(30, after("30", 3))
    assert.equal(2, after("5", { max_delay = 2 }))
  end)

  it("is by chance when the server asks for nonsense", function()
    for _, text in ipairs {
      "", " ", "-5", "+5", "1.5", "1e3", "0x10", "5s", "120 seconds", "soon", "5, 10", "nan", "inf",
      "Sun", "10 Jan", "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nov 1994 08:50:37 GMT\0", "5\0",
    } do
      assert.equal(0.25, retry.delay(policy(3), 1, text, NOW, always(0.5)))
    end
  end)
end)
