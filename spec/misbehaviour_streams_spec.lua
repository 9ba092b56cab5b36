local encounter = require "support.encounter"

describe("a server that breaks HTTP/2 under many requests, with", function()
  for _, case in ipairs(encounter.cases "streams") do
    it(encounter.title(case), function()
      encounter.meet(case)
    end)
  end
end)
