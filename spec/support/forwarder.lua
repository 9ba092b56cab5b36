--- Stands between a client and a TLS server, passes on what both send, and keeps back the server's
--- alerts, of which the last is close_notify. Only up to TLS 1.2 can these be told from outside.

local uv = require "curlew.uv"

local ALERT = 21 -- content type of a record (RFC 5246 section 6.2.1)
local HEADER = 5 -- bytes

local M = {}

local function close(handle)
  if not handle:is_closing() then
    handle:close()
  end
end

-- Passes on whole records but for alerts.
local function without_alerts(target)
  local held = ""
  return function(bytes)
    held = held .. bytes
    while #held >= HEADER do
      local size = HEADER + held:byte(4) * 256 + held:byte(5)
      if #held < size then
        return
      end
      if held:byte(1) ~= ALERT then
        target:write(held:sub(1, size))
      end
      held = held:sub(size + 1)
    end
  end
end

local function pass_on(source, target, take)
  source:read_start(function(err, bytes)
    if bytes and not err then
      return take(bytes)
    end
    close(source)
    if not target:is_closing() then
      target:shutdown(function()
        close(target)
      end)
    end
  end)
end

--- Starts one in front of a port of 127.0.0.1.
---@param port integer
---@return { port: integer, close: fun() }
function M.start(port)
  local listener = uv.new_tcp()
  listener:bind("127.0.0.1", 0)
  listener:listen(16, function()
    local client, server = uv.new_tcp(), uv.new_tcp()
    listener:accept(client)
    server:connect("127.0.0.1", port, function(err)
      if err then
        close(server)
        return close(client)
      end
      pass_on(server, client, without_alerts(client))
      pass_on(client, server, function(bytes)
        server:write(bytes)
      end)
    end)
  end)
  return {
    port = listener:getsockname().port,
    close = function()
      close(listener)
    end,
  }
end

return M
