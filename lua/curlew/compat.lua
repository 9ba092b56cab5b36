--- What the Lua versions name or do differently, in one place.

local M = {}

--- Whether `pcall` lets a wait through: everywhere but on plain Lua 5.1.
M.yields_across_pcall = rawget(_G, "jit") ~= nil or _VERSION ~= "Lua 5.1"

--- `pairs`, by another name: a loop over what is called pairs is compiled by LuaJIT, and a version
--- of it, that of Debian 12, may then end it too early (LuaJIT issue 827).
M.each = pairs

M.unpack = table.unpack or unpack -- luacheck: ignore 113

--- Packs its arguments into a list with their number in `n`.
M.pack = table.pack or function(...)
  return { n = select("#", ...), ... }
end

--- What Lua 5.1 says where `is_yieldable` could not tell beforehand: in a metamethod, or in the
--- iterator of a `for`.
M.YIELD_REFUSED = "attempt to yield across metamethod/C-call boundary"

-- C functions through which a wait can pass where `coroutine.isyieldable` does not exist.
local transparent = {}
if M.yields_across_pcall then
  transparent[pcall], transparent[xpcall], transparent[dofile] = true, true, true
end

--- Whether the running coroutine could yield now. Before Lua 5.3 nobody tells, so its frames are
--- searched for a C function (sort, gsub, require, 5.1's pcall) that a yield cannot cross.
M.is_yieldable = coroutine.isyieldable or function()
  for level = 2, math.huge do
    local frame = debug.getinfo(level, "Sf")
    if not frame then
      return true
    elseif frame.what == "C" and not transparent[frame.func] then
      return false
    end
  end
end

--- Makes an object whose collection calls `fn(object)`; `__gc` of tables is not known to 5.1.
---@param fn fun()
---@return any
function M.finalizer(fn)
  local newproxy = rawget(_G, "newproxy")
  if newproxy then
    local proxy = newproxy(true)
    getmetatable(proxy).__gc = fn
    return proxy
  end
  return setmetatable({}, { __gc = fn })
end

return M
