--- A scripted server with the answers that the specs of sessions need, by path.

local server = require "support.server"
local shell = require "support.shell"
local uv = require "curlew.uv"

local M = {}

-- A server that writes to a connection whose client has just gone gets SIGPIPE, which ends the
-- process; luv leaves it so.
local function survive_sigpipe()
  shell.once("sigpipe", function()
    local signal = uv.new_signal()
    signal:start("sigpipe", function() end)
    signal:unref()
    return signal
  end)
end

local handlers = {
  ["/"] = function(conn)
    conn:respond { body = "hello" }
  end,
  ["/silent"] = function() end,
  ["/half"] = function(conn)
    conn:send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
  end,
  ["/cut"] = function(conn)
    conn:send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    conn:close()
  end,
  ["/closed"] = function(conn)
    conn:close()
  end,
  ["/reset"] = function(conn)
    conn:reset()
  end,
  ["/garbage"] = function(conn)
    conn:send("SSH-2.0-OpenSSH_9.2\r\n")
    conn:close()
  end,
  ["/hold"] = function(conn, request) -- answered by `site.answer_all()`
    table.insert(conn.server.held, { conn = conn, request = request })
  end,
}

--- Starts the server. `more` adds handlers by path, `(conn, request)`. `site.held` has what waits
--- under /hold, `site.answer_all()` answers it, `site.most` is how many requests were held at most.
---@param more? table
---@param options? table of the server
function M.new(more, options)
  survive_sigpipe()
  local site
  site = server.new(function(conn, request)
    local handler = more and more[request.path] or handlers[request.path]
    if not handler then
      conn:respond { status = 404, body = "nothing at " .. request.path }
      return
    end
    handler(conn, request)
    site.most = math.max(site.most, #site.held)
  end, options)
  site.held, site.most = {}, 0
  function site.answer_all(response)
    local held = site.held
    site.held = {}
    for _, one in ipairs(held) do
      one.conn:respond(response or { body = one.request.query })
    end
    return #held
  end
  return site
end

return M
