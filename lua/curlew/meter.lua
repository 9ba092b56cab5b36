--- A meter of one transfer: from bytes and times to its rate, what is left, and one line of text.
--- Pure: it has no clock of its own.

local errors = require "curlew.error"
local width = require "curlew.width"

local M = {}

local WINDOW = 5 -- seconds over which the rate is taken
local SAMPLES = 50 -- how many of them a window has at most

local UNITS = { "KB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB" }

-- Columns of the parts of a line.
local LABEL, BAR = 40, 60 -- at most
local SHORTEST_LABEL, SHORTEST_BAR = 12, 12
local COLUMNS = { share = 4, bytes = 8, rate = 10, eta = 12 }
-- The parts in the order in which they come as there is room, but for the bar, which is the last;
-- and in the order in which they stand.
local ARRIVAL = { "rate", "bytes", "eta" }
local ORDER = { "bar", "share", "bytes", "rate", "eta" }

local LONGEST_ETA = 100 * 3600 -- seconds; what is further away is not told

---@class curlew.Meter
---@field label string made safe to show
---@field total number? bytes
---@field bytes number? so far
---@field time number? of the last update
---@field samples table[] `{ time, bytes }` of the window and the last one before it
local Meter = { __name = "curlew.Meter" }
Meter.__index = Meter

--- Bytes as they are read: "0 B", "999 B", "1.5 MB". 1 KB is 1000 bytes.
---@param count number
---@return string
function M.bytes(count)
  errors.check_type("the number of bytes", count, "number")
  if math.abs(count) < 999.5 then
    return ("%.0f B"):format(count)
  end
  local unit = 0
  repeat
    count, unit = count / 1000, unit + 1
  until math.abs(count) < 999.95 or unit == #UNITS
  return ("%.1f %s"):format(count, UNITS[unit])
end

--- Seconds as they are read: "0:03", "12:34", "1:02:03".
---@param seconds number rounded to a whole number; 0 or more
---@return string
function M.duration(seconds)
  errors.check_seconds("the duration", seconds)
  local all = math.min(math.max(0, math.floor(seconds + 0.5)), 2 ^ 53)
  local s, m = all % 60, (all - all % 60) / 60
  if m < 60 then
    return ("%.0f:%02.0f"):format(m, s)
  end
  return ("%.0f:%02.0f:%02.0f"):format((m - m % 60) / 60, m % 60, s)
end

-- The samples that are older than the window, but for the last of them, are not needed any more.
local function drop_old(meter)
  local samples, edge = meter.samples, meter.time - meter.window
  local keep = 1
  while samples[keep + 1] and samples[keep + 1].time <= edge do
    keep = keep + 1
  end
  if keep > 1 then
    local count = #samples
    for i = 1, count do
      samples[i] = samples[i + keep - 1]
    end
  end
end

--- Takes how far the transfer is. The first update is where it starts: what a resumed transfer had
--- before is no part of its rate. Fewer bytes than before: it has started again.
---@param bytes number so far, from 0
---@param time number seconds of any clock that does not run back
---@param total? number bytes in all, once that is known; it may change
function Meter:update(bytes, time, total)
  errors.check_type("the number of bytes", bytes, "number")
  errors.check_seconds("the time", time)
  if total ~= nil then
    errors.check_type("the total", total, "number")
    self.total = total
  end
  local samples = self.samples
  if self.bytes and bytes < self.bytes then
    samples = {}
    self.samples = samples
  end
  self.bytes, self.time = bytes, math.max(time, self.time or time)
  local last = samples[#samples]
  if not last or self.time - last.time >= self.window / SAMPLES then
    samples[#samples + 1] = { time = self.time, bytes = bytes }
    drop_old(self)
  end
end

--- Takes bytes, which later updates will count in, out of the rate: they were there before.
---@param bytes number below 0 for those that are lost
function Meter:skip(bytes)
  errors.check_type("the number of bytes", bytes, "number")
  if self.bytes then
    self.bytes = self.bytes + bytes
  end
  for _, sample in ipairs(self.samples) do
    sample.bytes = sample.bytes + bytes
  end
end

--- Bytes a second over the window that ends with the last update.
---@return number? nil while no time has passed
function Meter:rate()
  local first = self.samples[1]
  if first and self.time > first.time then
    return (self.bytes - first.bytes) / (self.time - first.time)
  end
end

--- How much of the total is there.
---@return number? share 0 to 1; nil when the total is unknown
function Meter:share()
  if not self.total or not self.bytes then
    return nil
  elseif self.bytes >= self.total then
    return 1
  end
  return math.max(0, self.bytes / self.total)
end

--- How long the rest will take at this rate.
---@return number? seconds; nil when that cannot be told
function Meter:eta()
  local share, rate = self:share(), self:rate()
  if share == 1 then
    return 0
  elseif share and rate and rate > 0 then
    return (self.total - self.bytes) / rate
  end
end

local cells = {}

-- Of 99.9 % not 100 yet: that is said when all is there.
function cells.share(meter)
  local share = meter:share()
  return share and ("%.0f%%"):format(math.floor(share * 100))
end

function cells.bytes(meter)
  return meter.bytes and M.bytes(meter.bytes)
end

function cells.rate(meter)
  local rate = meter:rate()
  return rate and M.bytes(rate) .. "/s"
end

function cells.eta(meter)
  local eta = meter:eta()
  return eta and eta < LONGEST_ETA and "ETA " .. M.duration(eta)
end

-- A bar of `columns`: "[===>   ]".
local function bar(meter, columns)
  local share, room = meter:share(), columns - 2
  if not share then
    return (" "):rep(columns)
  end
  local full = math.floor(share * room)
  local tip = full > 0 and full < room and ">" or ""
  return "[" .. ("="):rep(full - #tip) .. tip .. (" "):rep(room - full) .. "]"
end

-- Which parts there is room for, with the columns that they take, and those of the label. It
-- depends on nothing else, so the parts of several lines stand below one another.
local function layout(columns)
  local parts, room = {}, columns
  local function add(name, wide, shortest)
    if room - wide - 1 >= shortest then
      parts[name], room = wide, room - wide - 1
      return true
    end
  end
  local fits = add("share", COLUMNS.share, 4)
  for _, name in ipairs(ARRIVAL) do
    fits = fits and add(name, COLUMNS[name], SHORTEST_LABEL)
  end
  if fits and room > SHORTEST_LABEL + SHORTEST_BAR then
    local wide = math.min(BAR, (room - room % 2) / 2)
    add("bar", math.max(wide, math.min(BAR, room - LABEL - 1)), SHORTEST_LABEL)
  end
  return parts, math.min(room, LABEL)
end

--- One line about the transfer: label, bar, share, bytes, rate and ETA, as far as they are known
--- and there is room for them.
---@param columns integer how many it may take
---@return string
function Meter:line(columns)
  errors.check_type("the width", columns, "number")
  local parts, room = layout(columns)
  local line = {}
  for _, name in ipairs(ORDER) do
    local wide = parts[name]
    if wide and name == "bar" then
      line[#line + 1] = bar(self, wide)
    elseif wide then
      local cell = cells[name](self) or (name == "share" and not parts.bytes and cells.bytes(self))
        or ""
      room = room - math.max(0, #cell - wide)
      line[#line + 1] = (" "):rep(wide - #cell) .. cell
    end
  end
  table.insert(line, 1, width.pad(width.fit(self.label, room, "middle"), room))
  return width.fit((table.concat(line, " "):gsub("%s+$", "")), columns)
end

--- Makes a meter.
---@param options? { label?: string, total?: number, window?: number } what the line begins with;
--- bytes in all, when that is known; seconds over which the rate is taken, 5
---@return curlew.Meter
function M.meter(options)
  options = errors.check_options(options, { label = "string", total = "number", window = "number" })
  local window = options.window or WINDOW
  if not (window > 0) then -- luacheck: ignore 581 (NaN)
    errors.blame("the window must be a number of seconds above 0, got %s", tostring(window))
  end
  return setmetatable({
    label = width.escape(options.label or ""),
    total = options.total,
    window = window,
    samples = {},
  }, Meter)
end

return M
