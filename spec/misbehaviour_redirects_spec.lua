local encounter = require "support.encounter"

describe("a server that redirects to nowhere, with", function()
  for _, case in ipairs(encounter.cases "redirects") do
    it(encounter.title(case), function()
      encounter.meet(case)
    end)
  end
end)
