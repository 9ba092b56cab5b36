--- What download.lua says: of each file on standard output, of what has failed on standard error.

local command_line = require "command_line"
local curlew = require "curlew"
local json = require "curlew.json"

local M = {}

local Report = {}
Report.__index = Report

--- Begins a report.
---@param program string its name
---@param given table options
---@param is_watched boolean whether a display tells on the same terminal of what is done
function M.new(program, given, is_watched)
  return setmetatable({
    program = program, given = given, is_watched = is_watched,
    done = 0, failed = 0, bytes = 0, reasons = {},
  }, Report)
end

local function as_json(item, result, err, seconds)
  local known = result or {}
  return json.encode {
    url = item.url, ok = result ~= nil, seconds = seconds, path = known.path, bytes = known.bytes,
    resumed_from = known.resumed_from, sha256 = known.sha256, there_already = known.is_old,
    attempts = known.attempts or err and err.attempts,
    error = err and { kind = err.kind, message = tostring(err) } or nil,
  }
end

local function as_text(result, seconds, is_verbose)
  local text = ("%s  %s"):format(curlew.terminal.escape(result.path:match("[^/]*$")),
    curlew.progress.bytes(result.bytes))
  if result.is_old then
    return text .. "  there already"
  elseif result.resumed_from > 0 then
    text = text .. "  continued at " .. curlew.progress.bytes(result.resumed_from)
  end
  return is_verbose and ("%s  %.0f ms  %d attempts  sha256:%s"):format(text, seconds * 1000,
    result.attempts, result.sha256 or "?") or text
end

--- Tells of a file that is there now, or of its error.
function Report:add(item, result, err, seconds)
  if result then
    self.done = self.done + 1
    self.bytes = self.bytes + (result.is_old and 0 or result.bytes - result.resumed_from)
  else
    self.failed = self.failed + 1
    self.reasons[err.kind] = (self.reasons[err.kind] or 0) + 1
  end
  if self.given.json then
    print(as_json(item, result, err, seconds))
  elseif result and not self.given.quiet and not self.is_watched then
    print(as_text(result, seconds, self.given.verbose))
  end
end

--- Tells of all.
---@param seconds number
---@param what string what they are
function Report:finish(seconds, what)
  if not self.given.quiet and not self.given.json then
    local bytes = curlew.progress.bytes
    print(("%s, %s/s"):format(bytes(self.bytes), bytes(self.bytes / math.max(seconds, 1e-3))))
    print(("%d %s downloaded in %.2fs"):format(self.done, what, seconds))
  end
  local reasons = {}
  for kind, count in pairs(self.reasons) do
    reasons[#reasons + 1] = ("%d %s"):format(count, kind)
  end
  table.sort(reasons)
  if self.failed > 0 then
    command_line.complain(self.program, "%d of %d failed: %s", self.failed,
      self.done + self.failed, table.concat(reasons, ", "))
  end
end

return M
