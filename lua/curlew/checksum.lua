--- Checksums of files, taken while their bytes come.

local each = require("curlew.compat").each
local curl = require "curlew.curl"
local errors = require "curlew.error"

local M = {}

-- Digits of a sum, by algorithm.
local DIGITS = { md5 = 32, sha1 = 40, sha256 = 64, sha512 = 128 }

---@class curlew.Sums
local Sums = { __name = "curlew.Sums" }
Sums.__index = Sums

--- The option "checksum", "sha256:..." with hexadecimal digits; also sha1, sha512 and md5. Raises,
--- at the caller's line, what is wrong.
---@param name string of the option
---@param value any
---@return { algorithm: string, sum: string }
function M.check(name, value)
  local algorithm, sum = nil, nil
  if type(value) == "string" then
    algorithm, sum = value:lower():match("^(%w+):(%x+)$")
  end
  if not DIGITS[algorithm] then
    errors.blame("option %q must be such as \"sha256:...\" (or sha512, sha1, md5), got %s", name,
      type(value) == "string" and ("%q"):format(value) or type(value))
  elseif #sum ~= DIGITS[algorithm] then
    errors.blame("option %q: a sum of %s has %d hexadecimal digits, got %d", name, algorithm,
      DIGITS[algorithm], #sum)
  end
  return { algorithm = algorithm, sum = sum }
end

--- Whether sums of an algorithm can be taken here.
---@param algorithm string
---@return boolean
function M.can(algorithm)
  return curl.digest ~= nil and curl.digest(algorithm) ~= nil
end

--- Begins the sums of a file's bytes. What cannot be taken here is left out.
---@param algorithms string[]
---@return curlew.Sums
function M.sums(algorithms)
  local digests = {}
  for _, algorithm in ipairs(algorithms) do
    digests[algorithm] = curl.digest and curl.digest(algorithm) or nil
  end
  return setmetatable({ digests = digests }, Sums)
end

--- The next bytes of the file.
---@param bytes string
function Sums:update(bytes)
  for _, digest in each(self.digests) do
    digest:update(bytes)
  end
end

--- The sums, once all bytes have come; may be called again.
---@return table<string, string> sums in hexadecimal digits, by algorithm
function Sums:finish()
  if not self.taken then
    self.taken = {}
    for algorithm, digest in each(self.digests) do
      self.taken[algorithm] = digest:finish()
    end
  end
  return self.taken
end

return M
