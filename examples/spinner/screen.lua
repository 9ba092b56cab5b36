--- One line of the terminal, drawn again and again. Elsewhere nothing is drawn.

local progress = require "curlew.progress"
local terminal = require "curlew.terminal"

local M = {}

local screen = terminal.open(io.stdout)

local function write(text)
  if screen.is_terminal then
    screen:write(text)
  end
end

--- Iterates without end over the pictures of a spinner with a message beside it.
---@param message string
---@return fun(): string
function M.frames(message)
  local turn, safe = 0, terminal.escape(message)
  return function()
    turn = turn % #progress.frames + 1
    return progress.frames[turn] .. " " .. safe
  end
end

--- Draws a frame over the last one. A message wider than the terminal is cut off by it. The cursor
--- stays in front, so that the ^C of an interrupt does not begin another line.
---@param frame string
function M.show(frame)
  write("\27[?7l" .. frame .. "\27[?7h\27[K\r")
end

--- Wipes the line clean, of a ^C as well.
function M.clear()
  write("\r\27[K")
end

return M
