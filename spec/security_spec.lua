-- docs/security.md says for each threat which spec proves that it is met. Here, that they exist.

local misbehaviour = require "support.misbehaviour"
local shell = require "support.shell"

local PAGE = shell.read_file "docs/security.md"

-- The specs' own tables of cases have their sentences in data.
local function has_case(theme, sentence)
  for _, case in ipairs(misbehaviour.cases(theme)) do
    if case[1] == sentence then
      return true
    end
  end
  return false
end

-- Whether a spec file has an `it` of this sentence; tags may follow.
local function has_sentence(name, sentence)
  local theme = name:match "^misbehaviour_(.*)_spec$"
  if theme then
    return has_case(theme, sentence)
  end
  local text = shell.read_file(("spec/%s.lua"):format(name))
  local _, stop = (text or ""):find(('it("%s'):format(sentence), 1, true)
  return stop ~= nil and text:find('^[^"]*"', stop + 1) ~= nil
    and (text:find('^"', stop + 1) or text:find('^ #[^"]*"', stop + 1)) ~= nil
end

-- The rows of the table: { threat, answer, proof }, without the head and the themes.
local function rows()
  local all = {}
  for line in PAGE:gmatch "\n(|[^\n]*)" do
    if not line:find "^| threat |" and not line:find "^| %-%-%-" and not line:find "^| %*%*" then
      all[#all + 1] = { line:match "^| ([^|]+) | ([^|]+) | ([^|]+) |$" }
      assert.equal(3, #all[#all], line)
    end
  end
  return all
end

describe("the page of threats", function()
  it("has a spec for each, which is there", function()
    local count = 0
    for _, row in ipairs(rows()) do
      local proofs = 0
      for name, sentences in row[3]:gmatch "`([%w_]+)`: ([^`]*)" do
        for sentence in sentences:gmatch "%*([^*]+)%*" do
          proofs = proofs + 1
          assert.is_true(has_sentence(name, sentence), ("%s: %s"):format(name, sentence))
        end
      end
      assert.is_true(proofs > 0, "nothing proves: " .. row[1])
      count = count + 1
    end
    assert.is_true(count >= 40, count)
  end)

  it("would notice a sentence that is not there", function()
    assert.is_true(has_sentence("security_spec", "has a spec for each, which is there"))
    assert.is_false(has_sentence("security_spec", "has a spec for each"))
    assert.is_false(has_sentence("no_such_spec", "has a spec for each, which is there"))
    assert.is_false(has_sentence("misbehaviour_framing_spec", "nothing of the kind"))
  end)

  it("is where SECURITY.md says", function()
    local text = shell.read_file "SECURITY.md"
    assert.matches("docs/security.md", text, 1, true)
    assert.not_matches("@", text, 1, true)
  end)
end)
