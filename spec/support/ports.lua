--- Ports of this machine that do not serve. To be used within a task.

local curlew = require "curlew"
local uv = require "curlew.uv"

local M = {}

local MOST = 20 -- connections that a queue of one may hold, with what the kernel and luv add

local function listen(address, port)
  local listener = uv.new_tcp()
  assert(listener:bind(address or "127.0.0.1", port or 0))
  assert(listener:listen(1, function() end))
  return listener, listener:getsockname().port
end

--- One whose connections are made, and never read from.
---@return integer port
---@return fun() close
function M.deaf()
  local listener, port = listen()
  return port, function()
    listener:close()
  end
end

--- One whose queue of connections is full: the kernel does not answer further ones.
---@async
---@param address? string default 127.0.0.1
---@param port? integer default any that is free
---@return integer port
---@return fun() close
function M.full(address, port)
  local listener, found = listen(address, port)
  local callers, unanswered = {}, 0
  while unanswered < 2 do -- two in a row
    local caller, connected = uv.new_tcp(), false
    callers[#callers + 1] = caller
    caller:connect(address or "127.0.0.1", found, function(err)
      connected = not err
    end)
    curlew.sleep(0.05)
    unanswered = connected and 0 or unanswered + 1
    assert(#callers < MOST, "the queue does not fill up")
  end
  return found, function()
    listener:close()
    for _, caller in ipairs(callers) do
      caller:close()
    end
  end
end

return M
