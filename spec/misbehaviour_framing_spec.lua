local encounter = require "support.encounter"

describe("a server that frames bodies wrongly, with", function()
  for _, case in ipairs(encounter.cases "framing") do
    it(encounter.title(case), function()
      encounter.meet(case)
    end)
  end
end)
