--- Where a task stands: tracebacks and positions, for messages.

local errors = require "curlew.error"

local M = {}

local MOST_FRAMES = 30 -- that a traceback shows

--- The first frame of a suspended or dead coroutine that belongs to the user, as "file:line".
---@param co thread
---@return string?
function M.where(co)
  for level = 0, math.huge do
    local frame = debug.getinfo(co, level, "Sl")
    if not frame then
      return nil
    elseif frame.currentline > 0 and not errors.is_internal(frame) then
      return ("%s:%d"):format(frame.short_src, frame.currentline)
    end
  end
end

local function describe(frame)
  local what = frame.what == "main" and "main chunk"
    or frame.name and ("function '%s'"):format(frame.name)
    or ("function <%s:%d>"):format(frame.short_src, frame.linedefined)
  if frame.currentline < 0 then -- LuaJIT forgets the line of the frame that failed
    return ("\t%s: in %s"):format(frame.short_src, what)
  end
  return ("\t%s:%d: in %s"):format(frame.short_src, frame.currentline, what)
end

--- A traceback of `co` without the frames of curlew itself; nil when there is no other.
---@param co thread
---@return string?
function M.traceback(co)
  local lines = { "stack traceback:" }
  for level = 0, math.huge do
    local frame = debug.getinfo(co, level, "Sln")
    if not frame then
      break
    elseif #lines > MOST_FRAMES then
      lines[#lines + 1] = "\t..."
      break
    elseif not errors.is_internal(frame) then
      local caller = debug.getinfo(co, level + 1, "S")
      if not caller or errors.is_internal(caller) then
        frame.name = nil -- a name that curlew has given it
      end
      lines[#lines + 1] = describe(frame)
    end
  end
  return lines[2] and table.concat(lines, "\n")
end

--- An error and the traceback of where it was raised, for people. Only strings gain one: an error
--- object tells its own story.
---@param err any
---@param traceback? string
---@return string
function M.report(err, traceback)
  local text = errors.describe(err)
  return traceback and (text .. "\n" .. traceback) or text
end

return M
