--- A limit to the rate of many transfers together.

local curlew = require "curlew"
local uv = require "curlew.uv"

local M = {}

--- Makes `pace(bytes)`, which waits until so many bytes more fit into the rate. Who asks first goes
--- first.
---@param rate number bytes a second
---@return fun(bytes: number) pace
function M.limit(rate)
  local free_at = 0
  return function(bytes)
    local now = uv.hrtime() * 1e-9
    free_at = math.max(free_at, now) + bytes / rate
    curlew.sleep(free_at - now)
  end
end

return M
