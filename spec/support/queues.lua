--- What waits in a pool.

local M = {}

--- All tickets that wait in a pool, those of an origin in their order.
---@param pool curlew.Pool
---@return table[]
function M.tickets(pool)
  local tickets = {}
  for _, origin in pairs(pool.origins) do
    local ticket = origin.first
    while ticket do
      tickets[#tickets + 1], ticket = ticket, ticket.next
    end
  end
  return tickets
end

return M
