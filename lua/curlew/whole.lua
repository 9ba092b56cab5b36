--- Many transfers as one: how many are done, and a meter of all their bytes. Pure.

local meter = require "curlew.meter"

local M = {}

---@class curlew.Whole
---@field count integer? how many transfers there will be, when that is known
---@field added integer how many have begun
---@field done integer
---@field failed integer
---@field bytes number? of those that have not failed, once any has told
---@field expected number bytes of those whose size is known
---@field sized integer how many these are
---@field meter curlew.Meter
local Whole = { __name = "curlew.Whole" }
Whole.__index = Whole

--- Makes a whole of no transfers yet.
---@param count? integer how many there will be
---@return curlew.Whole
function M.new(count)
  return setmetatable({
    count = count, added = 0, done = 0, failed = 0, expected = 0, sized = 0, meter = meter.meter(),
  }, Whole)
end

-- Takes the size of a transfer; nil: it has none any more.
local function set_size(whole, part, size)
  whole.expected = whole.expected + (size or 0) - (part.size or 0)
  whole.sized = whole.sized + (size and 1 or 0) - (part.size and 1 or 0)
  part.size = size
end

--- A transfer begins.
---@param size? number bytes
---@return table part of the whole, for the calls below
function Whole:add(size)
  local part = {}
  self.added = self.added + 1
  set_size(self, part, size)
  return part
end

--- Takes how far a part is. What it begins with, or loses, is no part of the rate.
---@param part table
---@param bytes number so far
---@param now number seconds
---@param size? number bytes in all, if known
function Whole:update(part, bytes, now, size)
  local before = part.bytes
  if not before or bytes < before then
    self.meter:skip(bytes - (before or 0))
  end
  self.bytes = (self.bytes or 0) + bytes - (before or 0)
  part.bytes = bytes
  self.meter:update(self.bytes, now)
  if size then
    set_size(self, part, size)
  end
end

--- A part is there: its size is what has come, if that was told.
---@param part table
function Whole:finish(part)
  self.done = self.done + 1
  if part.bytes then
    set_size(self, part, part.bytes)
  end
end

--- A part has failed: it is not counted any more, nor are its bytes.
---@param part table
---@param now number seconds
function Whole:fail(part, now)
  self.failed = self.failed + 1
  if part.bytes then
    self:update(part, 0, now)
  end
  set_size(self, part, nil)
end

--- How many have begun and not ended.
---@return integer
function Whole:running()
  return self.added - self.done - self.failed
end

-- Bytes in all; as far as sizes are not known yet, they count as the mean of those that are.
local function estimate(whole, all)
  if whole.sized > 0 then
    return whole.expected / whole.sized * (all - whole.failed)
  end
end

--- One line about it: how many of all are done, and the meter.
---@param columns integer
---@param now number seconds
---@return string? line nil when there is nothing that the lines of the parts do not tell
function Whole:line(columns, now)
  local all = math.max(self.count or 0, self.added)
  if not self.count and (self.added < 2 or not self.bytes) then
    return nil
  end
  self.meter.label = ("%d of %d%s"):format(self.done, all,
    self.failed > 0 and (", %d failed"):format(self.failed) or "")
  if self.bytes then
    self.meter.total = estimate(self, all)
    self.meter:update(self.bytes, now)
  end
  return self.meter:line(columns)
end

return M
