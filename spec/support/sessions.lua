--- What the specs of sessions share.

local answers = require "support.answers"
local curlew = require "curlew"

local M = {}

--- Makes `run(fn, given, more)`, which runs `fn` as the main task, with a scripted server and a
--- session that are closed afterwards. `given` are its options, `more` handlers of the server.
---@param set fun(site: table, session: curlew.Session) is told both before
---@return fun(fn: fun(), given?: table, more?: table) run
function M.runner(set)
  return function(fn, given, more)
    curlew.run(function()
      local site, session = answers.new(more), curlew.session(given)
      set(site, session)
      local good, err = curlew.pcall(fn)
      session:close()
      site:close()
      if not good then
        error(err, 0)
      end
      site:check()
    end)
  end
end

--- The value, or the error raised with all that it says.
function M.ok(value, err)
  if value == nil then
    error(tostring(err), 2)
  end
  return value
end

--- The error of a call that has returned nil and one.
function M.failed(value, err)
  if value ~= nil then
    error("no failure but " .. tostring(value), 2)
  elseif not curlew.is_error(err) then
    error("no error object but " .. tostring(err), 2)
  end
  return err
end

--- Waits until `predicate()`, while the loop turns.
---@async
---@param predicate fun(): any
function M.wait(predicate)
  for _ = 1, 2000 do
    if predicate() then
      return
    end
    curlew.sleep(0.002)
  end
  error("what was waited for does not come", 2)
end

return M
