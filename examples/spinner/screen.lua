--- One line of the terminal, drawn again and again. Elsewhere nothing is drawn.

local uv = require "luv"

local M = {}

local is_terminal = uv.guess_handle(1) == "tty" and os.getenv("TERM") ~= "dumb"

local function write(text)
  if is_terminal then
    io.stdout:write(text)
    io.stdout:flush()
  end
end

--- Iterates without end over the pictures of a spinner with a message beside it.
---@param message string
---@return fun(): string
function M.frames(message)
  local turn = 0
  return function()
    turn = turn % 4 + 1
    return ("|/-\\"):sub(turn, turn) .. " " .. message
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
