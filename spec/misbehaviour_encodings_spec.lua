local encounter = require "support.encounter"

describe("a server that compresses wrongly, with", function()
  for _, case in ipairs(encounter.cases "encodings") do
    it(encounter.title(case), function()
      encounter.meet(case)
    end)
  end
end)
