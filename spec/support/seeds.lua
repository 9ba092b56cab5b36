--- Chance that can be had again: the seed is told when a test fails, and CURLEW_SEED sets it.

local curlew = require "curlew"

local M = {}

--- Calls `fn(random, seed)`, where `random(n)` gives whole numbers from 1 to n. An error names the
--- seed.
---@async
---@param fn fun(random: fun(n: integer): integer, seed: integer)
function M.with_seed(fn)
  local seed = tonumber(os.getenv("CURLEW_SEED")) or os.time() % 1000000
  local good, err = curlew.pcall(fn, curlew.testing.random(seed), seed)
  if not good then
    error(("with CURLEW_SEED=%d: %s"):format(seed, tostring(type(err) == "table"
      and err.message or err)), 0)
  end
end

return M
