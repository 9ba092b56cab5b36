--- Listens to what curlew would print: `before_each(listen.to_failures)` keeps it silent, and
--- `after_each(listen.no_more)` puts things back.

local task = require "curlew.task"

local M = {}

--- Listens to failures that nobody awaits.
---@return any[] told their errors, to which those to come are added
function M.to_failures()
  local told = {}
  task.on_unhandled(function(err)
    told[#told + 1] = err
  end)
  return told
end

--- Listens to warnings.
---@return string[] told to which those to come are added
function M.to_warnings()
  local told = {}
  task.on_warning(function(text)
    told[#told + 1] = text
  end)
  return told
end

--- Lets curlew print again.
function M.no_more()
  task.on_unhandled(nil)
  task.on_warning(nil)
end

return M
