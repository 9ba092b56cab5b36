--- Text that comes in pieces, taken apart into lines. Pure.

local M = {}

local LONGEST = 16 * 1024 * 1024 -- bytes of a line, unless it is said otherwise

---@class curlew.Splitter
---@field rest string[] pieces of the line that has not ended yet
---@field size integer bytes of them
local Splitter = { __name = "curlew.Splitter" }
Splitter.__index = Splitter

--- Makes a splitter.
---@param longest? integer bytes of the longest line that is taken
---@return curlew.Splitter
function M.splitter(longest)
  return setmetatable({ rest = {}, size = 0, longest = longest or LONGEST }, Splitter)
end

local function take_rest(splitter, tail)
  local rest = splitter.rest
  rest[#rest + 1] = tail
  splitter.rest, splitter.size = {}, 0
  return (table.concat(rest):gsub("\r$", ""))
end

--- Takes a piece, and returns the lines that are complete now, without their ends (LF or CRLF).
---@param piece string
---@return string[]? lines
---@return string? problem when a line is too long
function Splitter:feed(piece)
  local lines, from = {}, 1
  while true do
    local position = piece:find("\n", from, true)
    local size = self.size + (position or #piece + 1) - from
    if size > self.longest then
      return nil, ("a line is longer than %.0f bytes"):format(self.longest)
    elseif not position then
      break
    end
    lines[#lines + 1] = take_rest(self, piece:sub(from, position - 1))
    from = position + 1
  end
  if from <= #piece then
    self.rest[#self.rest + 1] = piece:sub(from)
    self.size = self.size + #piece - from + 1
  end
  return lines
end

--- Returns the last line when no end follows it; nil when there is none.
---@return string?
function Splitter:finish()
  if self.size > 0 then
    return take_rest(self)
  end
end

return M
