--- Where a task stands: tracebacks and positions, for messages.

local errors = require "curlew.error"

local M = {}

local MOST_FRAMES = 30 -- of a task that a traceback shows
local MOST_CHAINED = 4000 -- bytes from which on a traceback does not grow any more

local CALLERS = 2 -- frames of the runtime at the bottom of each task: see `task.lua`, serve

-- Calls `visit(frame, caller)` for each frame, with the given facts, of `stack` and of the stacks
-- around it, until it returns something, and returns that.
local function each_frame(stack, what, visit)
  while stack do
    local level, frame = 0, debug.getinfo(stack.co, 0, what)
    while frame do
      level = level + 1
      local caller = debug.getinfo(stack.co, level, what)
      local found = visit(frame, caller)
      if found then
        return found
      end
      frame = caller
    end
    stack = stack.outer
  end
end

--- The first frame of a suspended or dead task that belongs to the user, as "file:line". When there
--- is none, as for `spawn(task.sleep, 1)`, that of the function which was spawned.
---@param stack { co: thread, outer: table? }
---@return string?
function M.where(stack)
  local place = errors.place_in(stack)
  if place then
    return place
  end
  local own = {}
  each_frame(stack, "Sl", function(frame)
    if frame.currentline > 0 then
      own[#own + 1] = ("%s:%d"):format(frame.short_src, frame.currentline)
    end
  end)
  return own[#own - CALLERS]
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

--- The frames of a task without those of curlew itself, a line each; "" when there is no other.
---@param stack { co: thread, outer: table? }
---@return string
function M.frames(stack)
  local lines = {}
  each_frame(stack, "Sln", function(frame, caller)
    if not errors.is_internal(frame) then
      if #lines == MOST_FRAMES then
        lines[#lines + 1] = "\n\t..."
        return true
      end
      if not caller or errors.is_internal(caller) then
        frame.name = nil -- a name that curlew has given it
      end
      lines[#lines + 1] = "\n" .. describe(frame)
    end
  end)
  return table.concat(lines)
end

--- The frames of a task that has failed, with those of the task that awaits it below them.
---@param frames string of the one that has failed
---@param name string of it
---@param stack { co: thread, outer: table? } of the other
---@return string
function M.chain(frames, name, stack)
  if #frames > MOST_CHAINED then
    return frames
  end
  local below = M.frames(stack)
  return ("%s\n\tin %s%s%s"):format(frames, name, below ~= "" and ", awaited at" or "", below)
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
