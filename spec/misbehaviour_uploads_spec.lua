local encounter = require "support.encounter"

describe("a server that does not take what is sent, with", function()
  for _, case in ipairs(encounter.cases "uploads") do
    it(encounter.title(case), function()
      encounter.meet(case)
    end)
  end
end)
