local encounter = require "support.encounter"

describe("a server that is a proxy gone wrong, with", function()
  for _, case in ipairs(encounter.cases "proxies") do
    it(encounter.title(case), function()
      encounter.meet(case)
    end)
  end
end)
