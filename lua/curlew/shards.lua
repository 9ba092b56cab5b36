--- Which multi handle carries a request. Those that ask for different versions of HTTP share none:
--- once a host has a connection of HTTP/2 there, libcurl 7.88 has its others, of HTTP/1.1, carry
--- several requests at once as well, and one gets the answer to another. Pure.

---@class curlew.Shards
local Shards = {}
Shards.__index = Shards

local M = {}

local MOST = 64 -- multi handles of a client
local RESERVED = 5 -- of these, one for each version: auto, 1.1, 2, 2-prior-knowledge, 3

---@return curlew.Shards
function M.new()
  return setmetatable({ count = 0, versions = {} }, Shards)
end

--- The number of the multi handle for a request, from 0 on.
---@param http string the option
---@param shard integer which one of that version, from 0 on; when there are no more, the last
---@return integer
function Shards:number(http, shard)
  local numbers = self.versions[http]
  if not numbers then
    numbers = { [0] = self.count }
    self.versions[http], self.count = numbers, self.count + 1
  end
  local number = numbers[shard]
  if not number and self.count < MOST - RESERVED then
    number = self.count
    self.count = self.count + 1
  end
  numbers[shard] = number or numbers[shard - 1] or numbers[0]
  return numbers[shard]
end

return M
