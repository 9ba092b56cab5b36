--- A terminal to draw on: what it can do, how big it is, and its cursor, which comes back however
--- the program ends.

local closing = require "curlew.closing"
local compat = require "curlew.compat"
local errors = require "curlew.error"
local run = require "curlew.run"
local turn = require "curlew.turn"
local uv = require "curlew.uv"
local width = require "curlew.width"

local each = compat.each

local M = {
  width = width.of,
  fit = width.fit,
  escape = width.escape,
}

local WIDTH, HEIGHT = 80, 24 -- of a terminal that does not tell
local HIDE, SHOW = "\27[?25l", "\27[?25h"
local PLAIN = "\27[m"
local COLOURS = {
  red = "\27[31m", green = "\27[32m", yellow = "\27[33m", bold = "\27[1m", dim = "\27[2m",
}

local hidden = setmetatable({}, { __mode = "k" }) -- terminals without a cursor, as keys
local sizers = {} -- what tells the size, `{ fd =, tty = }`, by the descriptor of a terminal
local on_terminate -- luv's watcher of SIGTERM, made when a cursor is first hidden

---@class curlew.Terminal
---@field is_terminal boolean whether lines can be drawn again; else nothing but lines is written
---@field colours boolean whether colours are wanted and shown
---@field stream any borrowed
---@field descriptor integer? of a terminal
---@field is_hidden boolean? whether the cursor is
---@field leave fun()? to be called when the program ends while the cursor is hidden
---@field guard any shows the cursor when it is collected
local Terminal = { __name = "curlew.Terminal" }
Terminal.__index = Terminal

local function show(terminal)
  if terminal.is_hidden then
    terminal.is_hidden, terminal.leave = nil, nil
    terminal:write(SHOW)
  end
end

-- For an end that comes unforeseen.
local function leave(terminal)
  if terminal.leave then
    pcall(terminal.leave)
  end
  pcall(show, terminal)
end

local function leave_all()
  for terminal in each(hidden) do
    hidden[terminal] = nil
    leave(terminal)
  end
end

-- A program that ends itself by os.exit leaves no other trace: unless it asks for it, nothing is
-- collected then. So the function is another one, as long as a cursor is hidden.
local exit

local function leave_and_exit(...)
  leave_all()
  exit(...)
end

local function watch_exit()
  if os.exit ~= leave_and_exit then
    exit = os.exit
    rawset(os, "exit", leave_and_exit)
  end
end

local function forget_exit()
  if os.exit == leave_and_exit then
    rawset(os, "exit", exit)
  end
end

-- The watcher has stopped when the signal is sent once more, so that the program dies of it.
local function watch_terminate()
  on_terminate = closing.usable(on_terminate, uv.new_signal)
  on_terminate:start("sigterm", turn.entry(function()
    on_terminate:stop()
    leave_all()
    uv.kill(uv.os_getpid(), "sigterm")
  end))
  on_terminate:unref()
end

-- At the end of a run nothing stays in the loop.
run.at_end(function()
  leave_all()
  forget_exit()
  if on_terminate then
    closing.close(on_terminate)
    on_terminate = nil
  end
  for descriptor, sizer in each(sizers) do
    sizers[descriptor] = nil
    closing.close(sizer.tty)
    uv.fs_close(sizer.fd)
  end
end)

-- luv makes the descriptor that it is given one that does not wait, and closes it in children; so
-- it is given another one of the same terminal.
local function open_sizer(descriptor)
  local constants = uv.constants or {}
  local flags = (constants.O_RDONLY or 0) + (constants.O_NOCTTY or 0)
  local fd = uv.fs_open(("/dev/fd/%d"):format(descriptor), flags, 0)
  local tty = fd and uv.new_tty(fd, false)
  if fd and not tty then
    uv.fs_close(fd)
  end
  return tty and { fd = fd, tty = tty }
end

local function size(terminal)
  local descriptor = terminal.descriptor
  if descriptor then
    local sizer = sizers[descriptor] or open_sizer(descriptor)
    sizers[descriptor] = sizer
    if sizer then
      return sizer.tty:get_winsize()
    end
  end
end

-- What the terminal says, else the variable of the environment, else what is usual.
local function either(told, name, usual)
  if not told or told < 1 then
    told = tonumber(os.getenv(name))
  end
  return told and told >= 1 and told < 1e4 and math.floor(told) or usual
end

--- Columns of the terminal, as it is now.
---@return integer
function Terminal:width()
  return either(size(self), "COLUMNS", WIDTH)
end

--- Lines of the terminal, as it is now.
---@return integer
function Terminal:height()
  local _, height = size(self)
  return either(height, "LINES", HEIGHT)
end

--- Writes text as it is, at once. On a terminal that is one call of the system, which a buffer of
--- the stream would make two of, so that no half picture is seen.
---@param text string
function Terminal:write(text)
  local stream, descriptor = self.stream, self.descriptor
  if descriptor then
    stream:flush()
    local written = uv.fs_write(descriptor, text, -1) or 0
    text = text:sub(written + 1)
  end
  if text ~= "" then
    stream:write(text)
    if stream.flush then
      stream:flush()
    end
  end
end

--- The text in a colour; without colours, as it is.
---@param colour "red"|"green"|"yellow"|"bold"|"dim"
---@param text string
---@return string
function Terminal:paint(colour, text)
  local start = COLOURS[colour]
  if not start then
    errors.blame("unknown colour %q", tostring(colour))
  end
  return self.colours and start .. text .. PLAIN or text
end

--- Hides the cursor until `show_cursor`, the end of the run, or that of the program: by an error,
--- `os.exit` or SIGTERM. Nothing happens where there is no terminal.
---@param at_end? fun() is called before, when the program or the run ends first
function Terminal:hide_cursor(at_end)
  if not self.is_terminal or self.is_hidden then
    return
  end
  if not next(hidden) then
    watch_exit()
    watch_terminate()
  end
  hidden[self], self.is_hidden, self.leave = true, true, at_end
  self:write(HIDE)
end

--- Shows the cursor again; nothing happens when it is not hidden.
function Terminal:show_cursor()
  hidden[self] = nil
  show(self)
  if not next(hidden) and on_terminate then
    forget_exit()
    on_terminate:stop()
  end
end

local function descriptor_of(stream)
  if stream == io.stdout then
    return 1
  elseif stream == io.stderr then
    return 2
  end
end

local function is_set(name)
  return (os.getenv(name) or "") ~= ""
end

-- A terminal without a name, or named "dumb", cannot move its cursor.
local function can_draw(descriptor)
  local is_able = is_set("TERM") and os.getenv("TERM") ~= "dumb"
  return is_able and descriptor ~= nil and uv.guess_handle(descriptor) == "tty"
end

--- Looks at a stream: whether it is a terminal, and which. NO_COLOR in the environment turns
--- colours off. With TERM=dumb, or without TERM, it counts as none.
---@param stream? file* io.stderr; io.stdout; anything else that has `write` counts as no terminal
---@return curlew.Terminal
function M.open(stream)
  stream = stream == nil and io.stderr or stream
  local ok, write = pcall(function()
    return stream.write
  end)
  if not ok or not write then
    errors.blame("the stream must have a method write, got a %s", type(stream))
  end
  local descriptor = descriptor_of(stream)
  local terminal = setmetatable({ stream = stream }, Terminal)
  terminal.is_terminal = can_draw(descriptor)
  terminal.descriptor = terminal.is_terminal and descriptor or nil
  terminal.colours = terminal.is_terminal and not is_set("NO_COLOR")
  terminal.guard = terminal.is_terminal and compat.finalizer(function()
    terminal.descriptor = nil -- luv may be gone, when the Lua state ends
    leave(terminal)
  end) or nil
  return terminal
end

return M
