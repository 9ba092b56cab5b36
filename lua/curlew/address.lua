--- IP addresses: which of them are anybody's, and which lead into networks of one's own. Pure.

local curl = require "curlew.curl"
local errors = require "curlew.error"

local M = {}

-- Ranges that are not for the public internet: IANA's registries of special-purpose addresses
-- (RFC 6890). Of IPv6 only 2000::/3 is in use there; these are exceptions within it.
local NOT_PUBLIC = {
  [4] = {
    "0.0.0.0/8", -- this host
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", -- private, RFC 1918
    "100.64.0.0/10", -- shared behind a carrier's NAT, RFC 6598
    "127.0.0.0/8", -- loopback
    "169.254.0.0/16", -- link-local; clouds tell credentials at 169.254.169.254
    "192.0.0.0/24", -- protocol assignments
    "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", -- documentation
    "192.88.99.0/24", -- relays of 6to4, which are no more
    "198.18.0.0/15", -- benchmarks
    "224.0.0.0/3", -- multicast, reserved, broadcast
  },
  [16] = {
    "2001::/23", -- protocol assignments: Teredo, benchmarks, ORCHID
    "2001:db8::/32", "3fff::/20", -- documentation
  },
}

-- Ranges of IPv6 whose addresses stand for one of IPv4, with the place of that in them.
local EMBEDDING = {
  { "::ffff:0:0/96", 13 }, -- mapped, RFC 4291
  { "64:ff9b::/96", 13 }, -- NAT64, RFC 6052
  { "2002::/16", 3 }, -- 6to4, RFC 3056
}

-- From "address/bits" to the bytes that all of its addresses share, and of the next byte the part
-- that they share, as `value` times `unit`.
local function parse_range(text)
  local ip, bits = text:match("^(.*)/(%d+)$")
  local bytes, whole = curl.address_bytes(ip), math.floor(bits / 8)
  local unit = 2 ^ (8 - bits % 8)
  local last = bytes:byte(whole + 1)
  return { prefix = bytes:sub(1, whole), unit = unit, value = math.floor(last / unit) }
end

local function parse_all(texts)
  local ranges = {}
  for i, text in ipairs(texts) do
    ranges[i] = parse_range(text)
  end
  return ranges
end

for _, known in ipairs(EMBEDDING) do
  known.range = parse_range(known[1])
end

local not_public = { [4] = parse_all(NOT_PUBLIC[4]), [16] = parse_all(NOT_PUBLIC[16]) }
local in_use = parse_range("2000::/3")

local function is_in(bytes, range)
  local whole = #range.prefix
  return bytes:sub(1, whole) == range.prefix
    and math.floor(bytes:byte(whole + 1) / range.unit) == range.value
end

-- The address of IPv4 for which one of IPv6 stands; nil for none.
local function embedded(bytes)
  for _, known in ipairs(EMBEDDING) do
    if is_in(bytes, known.range) then
      return bytes:sub(known[2], known[2] + 3)
    end
  end
end

local function is_public(bytes)
  if #bytes == 16 then
    local v4 = embedded(bytes)
    if v4 then
      return is_public(v4)
    elseif not is_in(bytes, in_use) then
      return false
    end
  end
  for _, range in ipairs(not_public[#bytes]) do
    if is_in(bytes, range) then
      return false
    end
  end
  return true
end

--- Whether an IP address is one of the public internet: not private, loopback, link-local, shared
--- by a carrier, unique-local, multicast, for documentation or otherwise special, nor one of IPv6
--- that stands for such a one of IPv4. False for what is no address. Fit for the option "allow".
---@param ip string
---@return boolean
function M.is_public(ip)
  errors.check_type("the address", ip, "string")
  local bytes = curl.address_bytes(ip)
  return bytes ~= nil and is_public(bytes)
end

return M
