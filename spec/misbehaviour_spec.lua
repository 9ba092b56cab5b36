local case_table = require "support.case_table"
local curlew = require "curlew"
local misbehaviour = require "support.misbehaviour"
local shell = require "support.shell"

describe("the server that misbehaves", function()
  it("has a name of its own for each case of a theme", function()
    for _, theme in ipairs(misbehaviour.THEMES) do
      local seen = {}
      for _, case in ipairs(misbehaviour.cases(theme[1])) do
        assert.is_nil(seen[case[1]], case[1])
        seen[case[1]] = true
        assert.equal(case, misbehaviour.find(theme[1], case[1]))
      end
    end
  end)

  it("has a page of all cases, which is up to date", function()
    assert.is_true(case_table.text() == shell.read_file("docs/misbehaviour.md"),
      "make docs/misbehaviour.md anew, as spec/support/case_table.lua says")
  end)

  it("has a file for each theme, and a spec", function()
    local files, themes = {}, {}
    for _, name in ipairs(shell.names("spec/support/misbehaviour")) do
      files[#files + 1] = name ~= "steps.lua" and name:gsub("%.lua$", "") or nil
    end
    for _, theme in ipairs(misbehaviour.THEMES) do
      themes[#themes + 1] = theme[1]
      local path = ("spec/misbehaviour_%s_spec.lua"):format(theme[1])
      assert.truthy(shell.read_file(path):find(('cases "%s"'):format(theme[1]), 1, true))
    end
    table.sort(themes)
    assert.same(files, themes)
  end)

  it("says that it knows no such case", function()
    assert.error_matches(function()
      misbehaviour.find("framing", "nothing of the kind")
    end, "no case \"nothing of the kind\" in framing")
  end)

  it("answers / well all the time", function()
    curlew.run(function()
      local site = misbehaviour.start(misbehaviour.find("framing", "a negative length"))
      assert.equal("hello", assert(curlew.fetch(site.url .. "/")).body)
      site:close()
    end)
  end)
end)
