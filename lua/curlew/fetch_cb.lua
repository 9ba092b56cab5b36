--- Requests for those without tasks: the response comes to a callback.

local errors = require "curlew.error"
local list = require "curlew.list"
local options = require "curlew.options"
local request = require "curlew.request"
local session = require "curlew.session"
local task = require "curlew.task"
local turn = require "curlew.turn"
local unhandled = require "curlew.unhandled"

local M = {}

---@class curlew.Call
---@field task curlew.Task
---@field callback function? until it is called
local Call = { __name = "curlew.Call" }
Call.__index = Call

-- What fetch would have raised, as an error object.
local function raised(problem)
  return errors.new {
    kind = "raised",
    message = errors.describe(problem),
    retryable = false,
    cause = problem,
  }
end

local function call_back(call, err, res)
  local callback = call.callback
  call.callback = nil
  callback(err, res)
end

local function perform(call, address, given)
  local ok, res, err = task.protect(session.fetch, address, given)
  if call.task.cancel_error then
    return -- see `conclude`
  elseif ok then
    call_back(call, err, res)
  else
    call_back(call, errors.is(res) and res or raised(res))
  end
end

local function refuse(call, problem)
  call_back(call, raised(problem))
end

-- The task has ended. Where it was cancelled, perhaps before it began, or memory was out, nobody
-- was called yet.
local function conclude(call)
  local own = call.task
  if call.callback then
    local ok, problem = pcall(call_back, call, own.cancel_error or raised(own.error))
    if not ok then
      unhandled.tell(errors.or_described(problem), own)
    end
  elseif own.state == "failed" then -- the callback has raised
    unhandled.report(own)
  end
end

local function on_end(observer)
  turn.enqueue(observer.conclusion)
end

--- Cancels the request, whose callback is then called, later, with an error of kind "cancelled",
--- even where the response has come by now. Where the callback runs already, and waits for more of
--- a streamed response, that wait is cancelled. Does not wait.
---@return boolean closed false when the call has ended already
function Call:close()
  return self.task:cancel("the call was closed")
end

-- The text of what is wrong in a call, with the caller's line; nil when nothing is.
local function problem_of(address, given)
  local ok, problem = pcall(request.new, options.for_session(), nil, address, given)
  return not ok and problem or nil
end

--- Sends a request as `curlew.fetch` does, and calls `callback(err, res)` once, in a later turn of
--- the loop, never inside of this call; which neither waits nor raises, and may be made anywhere in
--- a live loop. `err` is nil or an error object: of kind "raised" for wrong options, and for what a
--- function among the options has raised, which is its `cause`. An error of the callback goes to
--- the hook of `on_unhandled`.
---
--- The callback runs in a task: it may wait, and read a response with `stream = true`, which ends
--- when the callback returns.
---@param address string
---@param given? table the options of a request
---@param callback fun(err: curlew.Error?, res: curlew.Response?)
---@return curlew.Call call its `close()` cancels
function M.fetch_cb(address, given, callback)
  local is_callable, problem = pcall(errors.check_callable, "the callback", callback)
  if problem == errors.OUT_OF_MEMORY then
    error(problem, 0) -- it says nothing about the callback
  end
  local call = setmetatable({}, Call)
  call.callback = is_callable and callback or function()
    error(problem, 0)
  end
  problem = problem or problem_of(address, given)
  local observer = { notify = on_end, conclusion = turn.later(conclude, call) }
  if problem then
    call.task = task.spawn(refuse, call, problem)
  else -- the options are those of now, whatever becomes of their table
    call.task = task.spawn(perform, call, address, given and options.union(given))
  end
  list.push(call.task, observer)
  return call
end

return M
