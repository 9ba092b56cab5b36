local encounter = require "support.encounter"

describe("a server that", function()
  for _, case in ipairs(encounter.cases "silence") do
    it(encounter.title(case), function()
      encounter.meet(case)
    end)
  end
end)
