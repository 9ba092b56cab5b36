--- The SHA-256 sum of bytes, in hexadecimal digits.

local curl = require "curlew.curl"

return function(bytes)
  local digest = curl.digest("sha256")
  digest:update(bytes)
  return digest:finish()
end
