local encounter = require "support.encounter"

describe("a server that is not to be trusted, with", function()
  for _, case in ipairs(encounter.cases "tls") do
    it(encounter.title(case), function()
      encounter.meet(case)
    end)
  end
end)
