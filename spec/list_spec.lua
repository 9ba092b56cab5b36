local list = require "curlew.list"
local testing = require "curlew.testing"

local function names(of)
  local forwards, backwards = {}, {}
  local member = of.first
  while member do
    forwards[#forwards + 1] = member.name
    member = member.next
  end
  member = of.last
  while member do
    table.insert(backwards, 1, member.name)
    member = member.previous
  end
  assert.same(forwards, backwards)
  return table.concat(forwards, " ")
end

local function filled(...)
  local of, members = {}, {}
  for i, name in ipairs { ... } do
    members[i] = { name = name }
    list.push(of, members[i])
  end
  return of, members
end

describe("list", function()
  it("keeps the order in which members joined", function()
    assert.equal("a b c", names((filled("a", "b", "c"))))
  end)

  it("takes members out of the front, the middle and the end", function()
    for i, expected in ipairs { "b c", "a c", "a b" } do
      local of, members = filled("a", "b", "c")
      list.remove(members[i])
      assert.equal(expected, names(of))
    end
  end)

  it("gives its members first come, first served, and then nil", function()
    local of, members = filled("a", "b")
    assert.equal(members[1], list.shift(of))
    assert.equal(members[2], list.shift(of))
    assert.is_nil(list.shift(of))
    assert.equal("", names(of))
  end)

  it("is as new when its last member has left", function()
    local of, members = filled("a")
    list.remove(members[1])
    assert.same({}, of)
    list.push(of, members[1])
    assert.equal("a", names(of))
  end)

  it("leaves no trace on a member that has left, which may join another list", function()
    local of, members = filled("a", "b", "c")
    list.remove(members[2])
    assert.same({ name = "b" }, members[2])
    local other = {}
    list.push(other, members[2])
    assert.equal("b", names(other))
    assert.equal("a c", names(of))
  end)

  it("does nothing for a member that is in no list", function()
    local of, members = filled("a", "b")
    list.remove({ name = "stranger" })
    list.remove(members[1])
    list.remove(members[1])
    assert.equal("b", names(of))
  end)

  it("behaves as a plain array does, whatever joins and leaves", function()
    local random = testing.random(7)
    local of, model, made = {}, {}, 0
    for _ = 1, 2000 do
      local action = random(4)
      if action <= 2 then
        made = made + 1
        local member = { name = made }
        list.push(of, member)
        model[#model + 1] = member
      elseif action == 3 then
        assert.equal(table.remove(model, 1), list.shift(of))
      elseif #model > 0 then
        list.remove(table.remove(model, random(#model)))
      end
      assert.equal(model[1], of.first)
      assert.equal(model[#model], of.last)
    end
    local expected = {}
    for i, member in ipairs(model) do
      expected[i] = member.name
    end
    assert.equal(table.concat(expected, " "), names(of))
  end)
end)
