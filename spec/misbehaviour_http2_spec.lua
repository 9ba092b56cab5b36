local encounter = require "support.encounter"

describe("a server that breaks HTTP/2, with", function()
  for _, case in ipairs(encounter.cases "http2") do
    it(encounter.title(case), function()
      encounter.meet(case)
    end)
  end
end)
