--- What a misbehaving server can do, beside sending a text. A step gets the connection, and calls
--- `go_on` when it is done, for the next one.

local M = {}

--- Sends what waits, then closes.
function M.close(conn)
  conn:close()
end

--- Ends the connection with a RST, once the kernel has what was sent.
function M.reset(conn)
  conn:after(0.005, function()
    conn:reset()
  end)
end

--- Says that no more will come, and goes on reading.
function M.finish(conn, go_on)
  conn:finish()
  go_on()
end

--- Reads no more.
function M.deafen(conn, go_on)
  conn:pause()
  go_on()
end

--- Does nothing for a time.
---@param seconds number
function M.pause(seconds)
  return function(conn, go_on)
    conn:after(seconds, go_on)
  end
end

--- Sends a text byte by byte, each once the kernel has taken the one before.
---@param text string
function M.dribble(text)
  return function(conn, go_on)
    local sent = 0
    local function one_more()
      sent = sent + 1
      if sent > #text then
        return go_on()
      end
      conn:send(text:sub(sent, sent), one_more)
    end
    one_more()
  end
end

--- Sends a text again and again, until the client has had enough.
---@param text string
function M.forever(text)
  return function(conn)
    local function once_more(err)
      if not err then
        conn:send(text, once_more)
      end
    end
    once_more()
  end
end

--- Sends a text again and again, with a pause before each, until the client has had enough.
---@param text string
---@param seconds number
function M.trickle(text, seconds)
  return function(conn)
    local function once_more()
      if conn:send(text) then
        conn:after(seconds, once_more)
      end
    end
    conn:after(seconds, once_more)
  end
end

--- The option `timeout` of a request: it has little time where it is to run out of it, else enough
--- for any machine.
---@param kind? string of the error that is to come
function M.patience(kind)
  local seconds = kind == "timeout" and 0.05 or 10
  return { idle = seconds, connect = seconds }
end

--- The head of an answer: "200 OK", unless the first of the lines is another status.
---@param ... string
---@return string
function M.head(...)
  local lines = { ... }
  if not (lines[1] or ""):find("^%d%d%d ") then
    table.insert(lines, 1, "200 OK")
  end
  return "HTTP/1.1 " .. table.concat(lines, "\r\n") .. "\r\n\r\n"
end

--- Bytes that are written as hexadecimal digits, with any space between.
---@param digits string
---@return string
function M.hex(digits)
  return (digits:gsub("%s", ""):gsub("%x%x", function(pair)
    return string.char(tonumber(pair, 16))
  end))
end

return M
