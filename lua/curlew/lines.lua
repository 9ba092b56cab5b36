--- Text that comes in pieces, taken apart into lines. Pure.

local M = {}

local LONGEST = 16 * 1024 * 1024 -- bytes of a line, unless it is said otherwise

local CR = 13

---@class curlew.Splitter
---@field rest string[] pieces of the line that has not ended yet
---@field size integer bytes of them
---@field longest integer bytes of the longest line that is taken
---@field problem string? what ended the splitting
local Splitter = { __name = "curlew.Splitter" }
Splitter.__index = Splitter

--- Makes a splitter.
---@param longest? integer bytes of the longest line that is taken, 16 MiB when it is not said
---@return curlew.Splitter
function M.splitter(longest)
  return setmetatable({ rest = {}, size = 0, longest = longest or LONGEST }, Splitter)
end

local function hold(splitter, part)
  if part ~= "" then
    splitter.rest[#splitter.rest + 1] = part
    splitter.size = splitter.size + #part
  end
end

-- Takes what is held and `part`, which complete a line.
local function take_line(splitter, part)
  local line = part
  if splitter.size > 0 then
    hold(splitter, part)
    line = table.concat(splitter.rest)
    splitter.rest, splitter.size = {}, 0
  end
  return line:byte(-1) == CR and line:sub(1, -2) or line
end

-- Whether what is held and `part` are too long for a line, less the CR that may belong to its end.
local function is_too_long(splitter, part)
  local size = splitter.size + #part
  if size <= splitter.longest then
    return false
  end
  local last = part ~= "" and part or splitter.rest[#splitter.rest]
  return last:byte(-1) ~= CR or size - 1 > splitter.longest
end

local function refuse(splitter)
  splitter.problem = ("a line is longer than %.0f bytes"):format(splitter.longest)
  splitter.rest, splitter.size = {}, 0
  return nil, splitter.problem
end

--- Takes a piece, and returns the lines that are complete now, without their ends (LF or CRLF).
---@param piece string
---@return string[]? lines nil from the first line on that is too long
---@return string? problem
function Splitter:feed(piece)
  if self.problem then
    return nil, self.problem
  end
  local lines, from = {}, 1
  while true do
    local position = piece:find("\n", from, true)
    local part = piece:sub(from, position and position - 1 or -1)
    if is_too_long(self, part) then
      return refuse(self)
    elseif not position then
      hold(self, part)
      return lines
    end
    lines[#lines + 1] = take_line(self, part)
    from = position + 1
  end
end

--- Returns the last line when no end follows it, nil when there is none. A CR is then a part of it.
---@return string? line
---@return string? problem
function Splitter:finish()
  if self.size > self.longest then
    return refuse(self)
  elseif self.size > 0 then
    local line = table.concat(self.rest)
    self.rest, self.size = {}, 0
    return line
  end
end

return M
