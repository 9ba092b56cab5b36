--- Which names of header fields and parameters look as if their values were secrets.

local M = {}

local WORDS = {
  "auth", "cookie", "credential", "key", "passphrase", "passwd", "password", "secret", "session",
  "signature", "token",
}

-- These only as whole words: "pass" is also in "compass".
local SHORT_WORDS = { jwt = true, otp = true, pass = true, pin = true, pwd = true, sig = true }

--- Whether a value under this name should neither be shown nor follow to another origin.
---@param name string
---@return boolean
function M.is_secret(name)
  name = name:lower()
  for _, word in ipairs(WORDS) do
    if name:find(word, 1, true) then
      return true
    end
  end
  for word in name:gmatch("%w+") do
    if SHORT_WORDS[word] then
      return true
    end
  end
  return false
end

return M
