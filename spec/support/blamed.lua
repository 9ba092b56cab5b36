--- `blamed(fn)` runs `fn`, which must blame one of its own lines, and returns the message without
--- the position.

local assert = require "luassert"

---@param fn fun()
---@return string message
return function(fn)
  local ok, message = pcall(fn)
  assert.is_false(ok)
  local info = debug.getinfo(fn, "S")
  local file, line, text = tostring(message):match("^(.-):(%d+): (.*)$")
  assert.equal(info.short_src, file)
  line = tonumber(line)
  assert.is_true(line >= info.linedefined and line <= info.lastlinedefined)
  return text
end
