local lookups = require "curlew.lookups"
local queues = require "support.queues"
local task = require "curlew.task"
local url = require "curlew.url"

local testing = task.testing

-- Runs on a clock that jumps: what is known, is so for a time.
local function run(fn)
  testing.run(fn)
end

describe("look-ups", function()
  local bound

  before_each(function()
    bound = lookups.new()
  end)

  -- Exchanges are tables with a name here.
  local function admit(name, host)
    local exchange = { name = name }
    return exchange, bound:admit(exchange, host)
  end

  local function names(exchanges)
    local all = {}
    for i, exchange in ipairs(exchanges) do
      all[i] = exchange.name
    end
    table.sort(all)
    return table.concat(all, " ")
  end

  local function waiting()
    local exchanges = {}
    for i, ticket in ipairs(queues.tickets(bound.pool)) do
      exchanges[i] = ticket.exchange
    end
    assert.equal(exchanges[1] ~= nil, bound:waiting() ~= nil)
    return names(exchanges)
  end

  -- All that a method returns, one at a time.
  local function each(method, ...)
    local exchanges = {}
    local exchange = bound[method](bound, ...)
    while exchange do
      exchanges[#exchanges + 1] = exchange
      exchange = bound[method](bound, ...)
    end
    return exchanges
  end

  local function settle(exchange, has_socket)
    bound:settle(exchange, has_socket)
    return each "next"
  end

  local function take_followers(exchange)
    return each("take_follower", exchange)
  end

  it("are for a name that libcurl will look up, and curlew can see", function()
    local function host_of(host, given)
      return lookups.host_of { target = url.parse("http://" .. host), options = given or {} }
    end
    assert.equal("example.org", host_of "example.org")
    assert.equal("example.org", host_of("example.org", { proxy = false }))
    assert.is_nil(host_of "127.0.0.1")
    assert.is_nil(host_of "[::1]")
    for _, given in ipairs {
      { unix_socket = "/s" }, { resolve = {} }, { proxy = "http://p" }, { curl = {} },
    } do
      assert.is_nil(host_of("example.org", given))
    end
  end)

  it("let one exchange of a host ahead, which the others follow once it has a socket", function()
    run(function()
      local leader, ahead = admit("leader", "a")
      assert.is_true(ahead)
      assert.is_false((select(2, admit("one", "a"))))
      assert.is_false((select(2, admit("two", "a"))))
      assert.equal("one two", waiting())
      assert.equal("one two", names(settle(leader, true)))
      assert.equal("", waiting())
      assert.is_nil(leader.lookup)
      assert.equal("", names(settle(leader, false))) -- told again, at its end
    end)
  end)

  it("let the next one ahead, alone, when the first has ended without a socket", function()
    run(function()
      local leader = admit("leader", "a")
      local one = admit("one", "a")
      admit("two", "a")
      assert.equal("one", names(settle(leader, false)))
      assert.equal("two", waiting())
      assert.equal("two", names(settle(one, true)))
      assert.equal("", waiting())
    end)
  end)

  it("hand over those who follow one whose host has no address", function()
    run(function()
      local leader, other = admit("leader", "a"), admit("other", "b")
      local one = admit("one", "a")
      admit("two", "a")
      admit("three", "b")
      assert.equal("one two", names(take_followers(leader)))
      assert.is_nil(one.lookup)
      assert.equal("three", waiting())
      assert.equal("", names(settle(leader, false)))
      assert.equal("three", names(settle(other, true)))
      assert.equal("", names(take_followers(other)))
    end)
  end)

  it("are of 16 hosts at once, at most", function()
    run(function()
      local leaders = {}
      for i = 1, 16 do
        local ahead
        leaders[i], ahead = admit("leader", "host" .. i)
        assert.is_true(ahead)
      end
      assert.is_false((select(2, admit("one", "host17"))))
      assert.is_false((select(2, admit("two", "host18"))))
      assert.is_false((select(2, admit("three", "host17"))))
      assert.equal("one", names(settle(leaders[1], true)))
      assert.equal("two", names(settle(leaders[2], false)))
      assert.equal("three", waiting())
    end)
  end)

  it("are not needed for a host that was reached less than 30 s ago", function()
    run(function()
      local leader = admit("leader", "a")
      settle(leader, true)
      for _ = 1, 3 do
        local one, ahead = admit("one", "a")
        assert.is_true(ahead)
        assert.is_nil(one.lookup)
      end
      task.sleep(29.9)
      assert.is_nil(admit("early", "a").lookup)
      task.sleep(0.2)
      local late, ahead = admit("late", "a")
      assert.is_true(ahead)
      assert.is_table(late.lookup)
      assert.is_false((select(2, admit("behind", "a"))))
      assert.equal("behind", names(settle(late, true)))
      task.sleep(20)
      assert.is_nil(admit("again", "a").lookup) -- it counts from the last time
    end)
  end)

  it("that have failed leave a host unknown", function()
    run(function()
      settle(admit("leader", "a"), false)
      assert.is_table(admit("next", "a").lookup)
    end)
  end)

  it("forget an exchange that is withdrawn while it waits", function()
    run(function()
      local leader = admit("leader", "a")
      local one = admit("one", "a")
      admit("two", "a")
      assert.equal("", names(settle(one, false)))
      assert.equal("two", waiting())
      assert.equal("two", names(settle(leader, true)))
    end)
  end)

  it("leave nothing behind", function()
    run(function()
      for round = 1, 100 do
        local host = "host" .. round
        local leader, one = admit("leader", host), admit("one", host)
        settle(leader, round % 2 == 0)
        settle(one, false)
      end
      assert.equal(0, bound.pool.active)
      assert.equal(0, bound.pool.queued)
      assert.is_nil(next(bound.pool.origins))
    end)
  end)
end)
