local encounter = require "support.encounter"

describe("a server that spoils its connections, with", function()
  for _, case in ipairs(encounter.cases "reuse") do
    it(encounter.title(case), function()
      encounter.meet(case)
    end)
  end
end)
