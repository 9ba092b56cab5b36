--- The cases of `support.misbehaviour` as a page, docs/misbehaviour.md:
---
---     lua -e 'package.path = "lua/?.lua;spec/?.lua;" .. package.path
---       io.write(require("support.case_table").text())' >docs/misbehaviour.md

local misbehaviour = require "support.misbehaviour"

local HEAD = [[
# A server that misbehaves

What the suite's server does wrong on purpose, and what comes of a request to it. After each case, a
good request succeeds on the same session, and nothing stays behind: no descriptor, no handle of
luv's, no transfer. [A guide](guide/testing.md) tells how to use it for a program of your own. This
page is made by spec/support/case_table.lua; specs run each of the %d cases, and check that it is up
to date.
]]

local M = {}

-- What a case promises, in words.
local function outcome(case)
  local words = {}
  for name, count in pairs(case.outcomes or { [case.kind or case.status or 200] = 1 }) do
    words[#words + 1] = (case.outcomes and count .. " times " or "")
      .. (type(name) == "string" and "`%s`" or "%d"):format(name)
  end
  table.sort(words)
  return table.concat(words, ", ") .. (case.unmet and " (not yet)" or "")
end

--- The text of the page.
---@return string
function M.text()
  local sections, count = {}, 0
  for _, theme in ipairs(misbehaviour.THEMES) do
    local lines = { ("\n## It %s (%s)\n"):format(theme[2], theme[1]), "| it sends | result |",
      "| --- | --- |" }
    for _, case in ipairs(misbehaviour.cases(theme[1])) do
      count = count + 1
      lines[#lines + 1] = ("| %s | %s |"):format(case[1], outcome(case))
    end
    sections[#sections + 1] = table.concat(lines, "\n") .. "\n"
  end
  return HEAD:format(count) .. table.concat(sections)
end

return M
