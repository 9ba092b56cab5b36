local encounter = require "support.encounter"

describe("a server that sends heads that are none, with", function()
  for _, case in ipairs(encounter.cases "heads") do
    it(encounter.title(case), function()
      encounter.meet(case)
    end)
  end
end)
