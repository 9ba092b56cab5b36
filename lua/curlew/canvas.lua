--- Lines at the end of a terminal that are drawn in place, again and again, and lines that are
--- written above them.

local M = {}

local CLEAR_LINE, CLEAR_BELOW = "\27[K", "\27[J"
local WRAP, NO_WRAP = "\27[?7h", "\27[?7l"

---@class curlew.Canvas
---@field terminal curlew.Terminal borrowed
---@field above string[] lines to be written above at the next drawing
---@field picture string? what was drawn last
---@field columns integer what there was room for then
---@field height integer
local Canvas = { __name = "curlew.Canvas" }
Canvas.__index = Canvas

--- Makes a canvas with nothing on it.
---@param terminal curlew.Terminal
---@return curlew.Canvas
function M.new(terminal)
  return setmetatable({ terminal = terminal, above = {} }, Canvas)
end

--- How much can be drawn now. One column stays free, since terminals do not agree where the cursor
--- is after the last; and one line.
---@return integer columns
---@return integer height
function Canvas:room()
  return math.max(1, self.terminal:width() - 1), math.max(1, self.terminal:height() - 1)
end

-- What clears the lines and writes those that go above them.
local function take_above(canvas)
  local above = canvas.above
  canvas.above = {}
  above[#above + 1] = ""
  return "\r" .. CLEAR_BELOW .. table.concat(above, "\r\n")
end

--- Draws lines in the place of those that were drawn last; writes once, and not at all when nothing
--- has changed. The cursor stays at the beginning of the first line: wherever a terminal of another
--- size moves that to, the next drawing begins there. And a ^C begins no other line.
---@param lines string[] which the room is enough for
---@param columns integer of the room
---@param height integer
function Canvas:draw(lines, columns, height)
  local picture = NO_WRAP .. "\r" .. table.concat(lines, CLEAR_LINE .. "\r\n") .. CLEAR_BELOW
    .. (#lines > 1 and ("\27[%dA"):format(#lines - 1) or "") .. "\r" .. WRAP
  if #self.above > 0 or columns ~= self.columns or height ~= self.height then
    -- A terminal of another size may have broken the lines in two, which only this undoes.
    self.terminal:write(take_above(self) .. picture)
  elseif picture ~= self.picture then
    self.terminal:write(picture)
  end
  self.picture, self.columns, self.height = picture, columns, height
end

--- Writes a line above what is drawn, at the next drawing; at once when nothing is.
---@param line string
function Canvas:write_line(line)
  if self.picture then
    self.above[#self.above + 1] = line
  else
    self.terminal:write(line .. "\n")
  end
end

--- Clears what was drawn, and writes what was to be written above.
function Canvas:clear()
  if self.picture then
    self.terminal:write(take_above(self))
    self.picture = nil
  end
end

return M
