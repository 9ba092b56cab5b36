--- Progress on a terminal: a line for each transfer that runs and one for the whole, drawn in
--- place; elsewhere a plain line for each that has ended.

local cancellation = require "curlew.cancellation"
local canvas = require "curlew.canvas"
local closing = require "curlew.closing"
local ending = require "curlew.ending"
local errors = require "curlew.error"
local list = require "curlew.list"
local meter = require "curlew.meter"
local task = require "curlew.task"
local terminal = require "curlew.terminal"
local time = require "curlew.time"
local turn = require "curlew.turn"
local uv = require "curlew.uv"
local whole = require "curlew.whole"

local M = {
  meter = meter.meter,
  bytes = meter.bytes,
  duration = meter.duration,
}

--- What a spinner shows, one after another.
M.frames = { "|", "/", "-", "\\" }

local FRAME = 0.1 -- seconds that a frame is shown
local INTERVAL = 0.05 -- seconds between two drawings
local TICK = 100 -- milliseconds between two looks whether to draw, when nothing is told

---@class curlew.Display
---@field terminal curlew.Terminal
---@field draws boolean whether there are lines that are drawn in place
---@field rows table list of those that run
---@field whole curlew.Whole
---@field canvas curlew.Canvas
---@field drawn_at number
---@field task curlew.Task? in which it was made
---@field timer any luv's
local Display = { __name = "curlew.Display" }
Display.__index = Display

---@class curlew.Row
---@field display curlew.Display
---@field meter curlew.Meter
---@field part table of the display's whole
---@field started number
local Row = { __name = "curlew.Row" }
Row.__index = Row

-- Drawing --------------------------------------------------------------------------------------

local function row_line(row, columns, now)
  local own = row.meter
  if own.bytes then
    own:update(own.bytes, now) -- so that the rate of one that stands still goes down
    return own:line(columns)
  end
  local frame = M.frames[math.floor(now / FRAME) % #M.frames + 1]
  return terminal.fit(frame .. " " .. own.label, columns)
end

-- The lines to draw, at most `height`: rows, how many more there are, and the whole.
local function compose(display, columns, height, now)
  local lines, row = {}, display.rows.first
  local last, running = display.whole:line(columns, now), display.whole:running()
  local free = height - (last and 1 or 0)
  local room = math.min(display.max_rows, free)
  if running > room then
    room = math.min(room, free - 1)
  end
  while row and #lines < room do
    lines[#lines + 1], row = row_line(row, columns, now), row.next
  end
  if row and #lines < free then
    local text = #lines > 0 and ("and %d more"):format(running - #lines)
      or ("%d running"):format(running)
    lines[#lines + 1] = terminal.fit(text, columns)
  end
  lines[#lines + 1] = last
  return lines
end

-- While its task is being cancelled the cursor is there: another Ctrl-C may end the program.
local function set_cursor(display)
  if display.task and display.task.cancel_error then
    display.terminal:show_cursor()
  else
    display.terminal:hide_cursor(function()
      display.canvas:clear()
    end)
  end
end

local function refresh(display)
  if not display.draws then
    return
  end
  local now = time.now()
  if now - display.drawn_at >= INTERVAL then
    local columns, height = display.canvas:room()
    display.drawn_at = now
    set_cursor(display)
    display.canvas:draw(compose(display, columns, height, now), columns, height)
  end
end

-- The timer keeps no program running that has nothing else to wait for, and no display alive.
local function tick(display)
  local timer, weak = uv.new_timer(), setmetatable({ display = display }, { __mode = "v" })
  timer:start(TICK, TICK, turn.entry(function()
    if weak.display then
      refresh(weak.display)
    else
      closing.close(timer)
    end
  end))
  timer:unref()
  display.timer = timer
end

-- Rows -----------------------------------------------------------------------------------------

--- Takes how far the transfer is.
---@param bytes number so far; what the first update tells is not counted in its rate
---@param total? number bytes in all, once that is known
function Row:update(bytes, total)
  if not self.list then
    return
  end
  local now = time.now()
  self.meter:update(bytes, now, total)
  self.display.whole:update(self.part, bytes, now, total)
  refresh(self.display)
end

local function settle(row, word, colour, text)
  local display = row.display
  list.remove(row)
  if word == "failed" or not display.quiet then
    local line = display.terminal:paint(colour, ("%-6s"):format(word)) .. "  " .. row.meter.label
    display.canvas:write_line(text and line .. ": " .. terminal.escape(text) or line)
  end
  refresh(display)
end

--- The transfer is done: its row goes, and one line says so.
---@param text? string how it went; how many bytes came in which time, if these were told
function Row:finish(text)
  if not self.list then
    return
  end
  self.display.whole:finish(self.part)
  if text == nil and self.meter.bytes then
    local seconds = time.now() - self.started
    text = ("%s in %s"):format(M.bytes(self.meter.bytes),
      seconds < 60 and ("%.1f s"):format(seconds) or M.duration(seconds))
  end
  settle(self, "done", "green", text)
end

--- The transfer has failed: its row goes, and one line says why.
---@param text? any an error or a text
function Row:fail(text)
  if not self.list then
    return
  end
  self.display.whole:fail(self.part, time.now())
  settle(self, "failed", "red", text ~= nil and errors.describe(text) or nil)
end

-- Displays -------------------------------------------------------------------------------------

--- A transfer begins, or anything else that takes its time. Until bytes are told, its row is a
--- spinner.
---@param label string
---@param total? number bytes, if known
---@return curlew.Row
function Display:add(label, total)
  errors.check_type("the label", label, "string")
  if total ~= nil then
    errors.check_type("the total", total, "number")
  end
  local row = setmetatable({
    display = self,
    meter = meter.meter { label = label, total = total },
    part = self.whole:add(total),
    started = time.now(),
  }, Row)
  list.push(self.rows, row)
  if self.draws and not self.timer then
    tick(self)
  end
  refresh(self)
  return row
end

--- Writes lines, above the rows where there are any. Controls in them are made visible.
---@param text string
function Display:print(text)
  errors.check_type("the text", text, "string")
  for line in (text:gsub("\n$", "") .. "\n"):gmatch("([^\n]*)\n") do
    self.canvas:write_line(terminal.escape(line))
  end
  refresh(self)
end

--- Ends the display: rows that still run go, without a word, and the cursor is shown. What is told
--- later is written plainly. The end of the task or group that made it does the same.
function Display:close()
  if self.closed then
    return
  end
  self.closed, self.draws = true, false
  ending.disown(self)
  if self.timer then
    self.timer:stop()
    turn.defer(closing.close, self.timer)
    self.timer = nil
  end
  self.canvas:clear()
  self.terminal:show_cursor()
end

Display.abandon = Display.close
Display.__close = Display.close

local function check_count(name, value)
  if value and (value < 0 or value % 1 ~= 0) then
    errors.blame("option %q must be a whole number, at least 0, got %s", name, tostring(value))
  end
end

--- Makes a display of many transfers. On a terminal they are drawn at most 20 times a second, as
--- many as it is high; more are counted. Elsewhere, and when TERM is "dumb" or not set, each gets
--- one plain line, when it has ended. NO_COLOR in the environment turns colours off.
---@param options? { stream?: any, count?: integer, max_rows?: integer, quiet?: boolean } where to
--- (io.stderr; also what `terminal.open` has returned); how many there will be; how many are shown
--- at once; true: nothing but failures and what is printed
---@return curlew.Display
function M.display(options)
  options = errors.check_options(options, {
    count = "number", max_rows = "number", quiet = "boolean",
    stream = type(options) == "table" and type(options.stream), -- `terminal.open` looks at it
  })
  check_count("count", options.count)
  check_count("max_rows", options.max_rows)
  local stream = options.stream or io.stderr
  local screen = type(stream) == "table" and stream.is_terminal ~= nil and stream
    or terminal.open(stream)
  local display = setmetatable({
    terminal = screen,
    canvas = canvas.new(screen),
    draws = screen.is_terminal and not options.quiet,
    quiet = options.quiet or false,
    max_rows = options.max_rows or math.huge,
    rows = {},
    whole = whole.new(options.count),
    drawn_at = -math.huge,
    task = task.current(),
  }, Display)
  if display.task then
    ending.own(cancellation.owner(display.task), display)
  end
  return display
end

return M
