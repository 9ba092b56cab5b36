local pool = require "curlew.pool"
local queues = require "support.queues"
local testing = require "curlew.testing"

-- Admits a ticket for `origin`; returns it, and what the pool said.
local function enter(of, origin, label)
  local ticket = { origin = origin, label = label }
  return ticket, of:admit(ticket)
end

local function labels(tickets)
  local list = {}
  for i, ticket in ipairs(tickets) do
    list[i] = ticket.label
  end
  table.sort(list)
  return list
end

-- Gives places back and takes the next, until nothing waits; returns the labels in order.
local function drain(of, ticket)
  local order = {}
  while ticket do
    of:leave(ticket)
    ticket = of:next()
    order[#order + 1] = ticket and ticket.label
  end
  return order
end

describe("the pool", function()
  it("admits up to the limit of an origin, and queues the rest", function()
    local of = pool.new(100, 2)
    assert.is_true(select(2, enter(of, "a")))
    assert.is_true(select(2, enter(of, "a")))
    assert.is_false(select(2, enter(of, "a")))
    assert.is_true(select(2, enter(of, "b")))
    assert.equal(3, of.active)
    assert.equal(1, of.queued)
  end)

  it("admits up to the total, whatever the origins", function()
    local of = pool.new(2, 2)
    assert.is_true(select(2, enter(of, "a")))
    assert.is_true(select(2, enter(of, "b")))
    assert.is_false(select(2, enter(of, "c")))
  end)

  it("has nothing next while no place is free", function()
    local of = pool.new(1, 1)
    enter(of, "a")
    enter(of, "b")
    assert.is_nil(of:next())
  end)

  it("serves an origin first come, first served", function()
    local of = pool.new(100, 1)
    local first = enter(of, "a")
    for i = 1, 5 do
      enter(of, "a", i)
    end
    assert.same({ 1, 2, 3, 4, 5 }, drain(of, first))
    assert.equal(0, of.active)
    assert.equal(0, of.queued)
  end)

  it("serves origins that wait for the total in turn", function()
    local of = pool.new(1, 1)
    local first = enter(of, "x")
    for i = 1, 3 do
      enter(of, "a", "a" .. i)
    end
    enter(of, "b", "b1")
    enter(of, "c", "c1")
    assert.same({ "a1", "b1", "c1", "a2", "a3" }, drain(of, first))
  end)

  it("does not let one origin at its limit hold up another", function()
    local of = pool.new(2, 1)
    enter(of, "a")
    enter(of, "a", "a1")
    local other = enter(of, "b")
    enter(of, "b", "b1")
    of:leave(other)
    assert.equal("b1", of:next().label)
    assert.is_nil(of:next())
  end)

  it("lets nobody overtake those that wait for the same origin", function()
    local of = pool.new(2, 1)
    local first = enter(of, "a")
    enter(of, "a", "waits")
    of:leave(first)
    assert.is_false(select(2, enter(of, "a", "late")))
    assert.equal("waits", of:next().label)
  end)

  it("refuses what its queue has no room for, and stays in order", function()
    local of = pool.new(1, 1, 2)
    local first = enter(of, "x")
    enter(of, "a", 1)
    enter(of, "b", 2)
    assert.is_nil(select(2, enter(of, "a", 3)))
    assert.is_nil(select(2, enter(of, "c", 4)))
    assert.equal(2, of.queued)
    assert.same({ 1, 2 }, drain(of, first))
  end)

  it("queues nothing with a queue of 0", function()
    local of = pool.new(1, 1, 0)
    local first = enter(of, "a")
    assert.is_nil(select(2, enter(of, "a")))
    of:leave(first)
    assert.is_true(select(2, enter(of, "a")))
  end)

  it("forgets a ticket that is withdrawn, from the front, the middle and the end", function()
    for withdrawn = 1, 3 do
      local of = pool.new(1, 1)
      local first = enter(of, "a")
      local tickets, expected = {}, {}
      for i = 1, 3 do
        tickets[i] = enter(of, "a", i)
        expected[#expected + 1] = i ~= withdrawn and i or nil
      end
      of:withdraw(tickets[withdrawn])
      assert.equal(2, of.queued)
      assert.same(expected, drain(of, first))
    end
  end)

  it("passes over an origin whose only waiting ticket was withdrawn", function()
    local of = pool.new(1, 1)
    local first = enter(of, "x")
    local lone = enter(of, "a", "a1")
    enter(of, "b", "b1")
    of:withdraw(lone)
    assert.same({ "b1" }, drain(of, first))
  end)

  it("tells who waits, one at a time", function()
    local of = pool.new(1, 1)
    enter(of, "a")
    assert.is_nil(of:waiting())
    enter(of, "a", "1")
    enter(of, "b", "2")
    enter(of, "a", "3")
    assert.equal("1", of:waiting("a").label)
    assert.equal("2", of:waiting("b").label)
    assert.is_nil(of:waiting("c"))
    local told = {}
    for i = 1, 3 do
      told[i] = of:waiting()
      of:withdraw(told[i])
    end
    assert.same({ "1", "2", "3" }, labels(told))
    assert.is_nil(of:waiting())
  end)

  it("lets a ticket be given back, and taken out, twice", function()
    local of = pool.new(1, 1)
    local one, two = enter(of, "a"), enter(of, "a")
    for _ = 1, 2 do
      of:withdraw(two)
      of:leave(one)
      assert.equal(0, of.active)
      assert.equal(0, of.queued)
    end
  end)

  it("can raise the limit of an origin that multiplexes", function()
    local of = pool.new(100, 1)
    enter(of, "a")
    for i = 1, 4 do
      enter(of, "a", i)
    end
    of:set_limit("a", 4)
    assert.equal(1, of:next().label)
    assert.equal(2, of:next().label)
    assert.equal(3, of:next().label)
    assert.is_nil(of:next())
    of:set_limit("nobody", 4)
  end)

  it("starts nobody beyond a limit that was lowered", function()
    local of = pool.new(100, 3)
    local first, second = enter(of, "a"), enter(of, "a")
    enter(of, "a")
    enter(of, "a", "waits")
    of:set_limit("a", 1)
    of:leave(first)
    assert.is_nil(of:next())
    of:leave(second)
    assert.is_nil(of:next())
  end)

  it("keeps nothing of origins that are gone", function()
    local of = pool.new(2, 1, 1)
    for i = 1, 100 do
      local ticket = enter(of, "origin" .. i)
      local waiting = enter(of, "origin" .. i)
      local other = enter(of, "other" .. i)
      enter(of, "refused" .. i)
      of:withdraw(waiting)
      of:leave(ticket)
      of:leave(other)
    end
    assert.is_nil(next(of.origins))
    assert.equal(0, of.active)
    assert.equal(0, of.queued)
  end)

  it("never exceeds a limit, loses or doubles a ticket, whatever happens", function()
    local random = testing.random(12345)
    local of = pool.new(5, 2, 20)
    local running, waiting, per_origin = {}, {}, {}
    local function started(ticket)
      per_origin[ticket.origin] = (per_origin[ticket.origin] or 0) + 1
      running[#running + 1] = ticket
      assert.is_true(per_origin[ticket.origin] <= 2 and #running <= 5)
    end
    for step = 1, 3000 do
      local action = random(3)
      if action == 1 then
        local ticket, admitted = enter(of, "o" .. random(6), step)
        if admitted then
          started(ticket)
        elseif admitted == false then
          waiting[ticket] = true
        end
      elseif action == 2 and #running > 0 then
        local ticket = table.remove(running, random(#running))
        per_origin[ticket.origin] = per_origin[ticket.origin] - 1
        of:leave(ticket)
      elseif next(waiting) then
        local ticket = of:waiting()
        waiting[ticket] = nil
        of:withdraw(ticket)
      end
      local ticket = of:next()
      while ticket do
        assert.is_true(waiting[ticket])
        waiting[ticket] = nil
        started(ticket)
        ticket = of:next()
      end
      assert.equal(#running, of.active)
      assert.equal(#queues.tickets(of), of.queued)
    end
  end)

  it("lets a newcomer of another origin not overtake those that wait for the total", function()
    local of = pool.new(1, 1)
    local first = enter(of, "x")
    enter(of, "a", "waits")
    of:leave(first)
    assert.is_false(select(2, enter(of, "b", "late")))
    assert.equal("waits", of:next().label)
  end)

  it("spreads the tickets of an origin over shards, the first ones first", function()
    local of = pool.new(10000, 10000)
    local tickets, sizes = {}, {}
    for i = 1, 600 do
      tickets[i] = enter(of, "a")
      sizes[tickets[i].shard] = (sizes[tickets[i].shard] or 0) + 1
    end
    assert.same({ [0] = 128, 128, 128, 128, 88 }, sizes)
    assert.equal(0, enter(of, "b").shard)
    of:leave(tickets[300])
    of:leave(tickets[600])
    assert.equal(2, enter(of, "a").shard) -- where a connection is free
    assert.equal(4, enter(of, "a").shard)
    for i = 1, 10 do
      of:leave(tickets[i])
    end
    for _ = 1, 10 do
      assert.equal(0, enter(of, "a").shard)
    end
  end)

  it("begins with the first shard again once an origin has rested", function()
    local of = pool.new(10000, 10000)
    local tickets = {}
    for i = 1, 300 do
      tickets[i] = enter(of, "a")
    end
    for i = 1, 300 do
      of:leave(tickets[i])
    end
    assert.equal(0, enter(of, "a").shard)
  end)
end)
