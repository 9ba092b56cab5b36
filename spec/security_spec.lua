-- docs/security.md says for each threat which spec proves that it is met, docs/reliability.md for
-- each trap. Here, that they exist.

local proofs = require "support.proofs"
local shell = require "support.shell"

local has_sentence = proofs.has_sentence

describe("the page of threats", function()
  it("has a spec for each, which is there", function()
    assert.is_true(proofs.check("docs/security.md", "the spec that proves it") >= 40)
  end)

  it("would notice a sentence that is not there", function()
    assert.is_true(has_sentence("security_spec", "is where SECURITY.md says"))
    assert.is_false(has_sentence("security_spec", "is where"))
    assert.is_false(has_sentence("no_such_spec", "is where SECURITY.md says"))
    assert.is_false(has_sentence("misbehaviour_framing_spec", "nothing of the kind"))
  end)

  it("is where SECURITY.md says", function()
    local text = shell.read_file "SECURITY.md"
    assert.matches("docs/security.md", text, 1, true)
    assert.not_matches("@", text, 1, true)
  end)
end)

describe("the page of traps", function()
  it("has a spec for each, which is there", function()
    assert.is_true(proofs.check("docs/reliability.md", "the spec that would see it") >= 20)
  end)
end)
