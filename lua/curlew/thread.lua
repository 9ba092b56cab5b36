--- Work on luv's worker threads, for what computes long or blocks.

local callback = require "curlew.callback"
local compat = require "curlew.compat"
local errors = require "curlew.error"
local run = require "curlew.run"
local turn = require "curlew.turn"
local uv = require "curlew.uv"

local M = {}

-- What a thread can be given and can give back.
local PLAIN = { ["nil"] = true, boolean = true, number = true, string = true }

-- luv passes nine values; two are the code and this number, or one is whether it went well.
local MOST_VALUES = 7

local at_work = 0 -- threads that have not reported yet

-- Runs in the worker thread, in a Lua of its own: it may use nothing from around it.
local function work(code, most, ...)
  local fn = (loadstring or load)(code) -- luacheck: ignore 113
  local function pack(...)
    return { n = select("#", ...), ... }
  end
  local results = pack(pcall(fn, ...))
  local err = results[2]
  if not results[1] then
    if err == nil then
      return false, "an error was raised with the value nil"
    end
    local kind = type(err)
    local is_plain = kind == "string" or kind == "number" or kind == "boolean"
    if not is_plain then
      err = tostring(err)
    end
    return false, err
  elseif results.n - 1 > most then
    return false, ("a thread can give back %d results at most, not %d"):format(most, results.n - 1)
  end
  for index = 2, results.n do
    local kind = type(results[index])
    if kind ~= "nil" and kind ~= "boolean" and kind ~= "number" and kind ~= "string" then
      local sentence = "result %d of a thread must be a string, number, boolean or nil, got %s"
      return false, sentence:format(index - 1, kind)
    end
  end
  return (table.unpack or unpack)(results, 1, results.n) -- luacheck: ignore 113 143
end

local function check_self_contained(fn)
  for index = 1, math.huge do
    local name = debug.getupvalue(fn, index)
    if not name then
      return
    elseif name ~= "_ENV" then
      errors.blame("a function for a thread must be self-contained, but this one uses %q from "
        .. "outside: pass it as an argument, or require it inside", name)
    end
  end
end

local function check_plain(...)
  if select("#", ...) > MOST_VALUES then
    errors.blame("a thread can be given %d arguments at most", MOST_VALUES)
  end
  for index = 1, select("#", ...) do
    local kind = type((select(index, ...)))
    if not PLAIN[kind] then
      errors.blame("argument %d for a thread must be a string, number, boolean or nil, got %s",
        index, kind)
    end
  end
end

--- Runs `fn(...)` on a worker thread, in a Lua of its own, and waits for its results. `fn` must not
--- use anything from around it; arguments and results are strings, numbers (which arrive as
--- floats), booleans or nil, seven at most. A thread cannot be ended from outside: when the task is
--- cancelled, its results are dropped.
---@async
---@param fn function
---@param ... any
---@return any ... its results; its error is raised
function M.thread(fn, ...)
  errors.check_type("the function for a thread", fn, "function")
  if debug.getinfo(fn, "S").what == "C" then
    errors.blame("a function for a thread must be a Lua function")
  end
  check_self_contained(fn)
  check_plain(...)
  local code = string.dump(fn)
  local args = compat.pack(...)
  return errors.unwrap(callback.await(function(done)
    -- luv would free a context under its thread: the callback, which luv keeps, keeps it.
    local context
    at_work = at_work + 1
    context = uv.new_work(work, turn.entry(function(...)
      context, at_work = nil, at_work - 1
      done(...)
    end))
    context:queue(code, MOST_VALUES, compat.unpack(args, 1, args.n))
  end))
end

-- A thread that goes on after its task was cancelled must not report to a loop that has ended.
run.at_end(function()
  while at_work > 0 do
    uv.run("once")
  end
end)

return M
