--- `collect()` collects garbage, also what finalizers have left.

local TIMES = 4

return function()
  for _ = 1, TIMES do
    collectgarbage()
  end
end
