--- A program with every kind of transfer under way, for specs of how programs end: it is run as a
--- child, with the addresses as its arguments.

local curlew = require "curlew"

local PATIENCE = 500 -- looks, 20 ms apart
local SPEED = 20000 -- bytes a second

local M = {}

-- Holds the response to a request for a stream, of which it has read something.
local function hold(session, url, it)
  local res = assert(session:get(url, { stream = true }))
  assert(res:read(1))
  it.held = it.held + 1
  curlew.sleep(60)
  res:close()
end

-- What is started: `(session, at, it)`, where `at` has the addresses. None of them ends.
local kinds = {
  function(session, at)
    session:get(at.site .. "/half")
  end,
  function(session, at)
    session:get(at.https .. "/big", { http = "1.1", max_speed = SPEED })
  end,
  function(session, at)
    session:get(at.https .. "/big", { max_speed = SPEED })
  end,
  function(session, at) -- stays in the handshake
    session:get((at.mute:gsub("^http", "https")))
  end,
  function(session, at, it)
    hold(session, at.web .. "/big", it)
  end,
  function(_, at, it) -- on a connection of its own: libcurl 7.88 halts all of its streams
    hold(it.other, at.https .. "/big", it)
  end,
  function(session, at)
    session:post(at.site .. "/silent", { body = function()
      curlew.sleep(0.001)
      return ("x"):rep(1000)
    end })
  end,
  function(session, at)
    curlew.download(at.web .. "/big", at.folder .. "/", { session = session, max_speed = SPEED })
  end,
  function(session, at)
    session:get(at.site .. "/half", { sink = at.folder .. "/sink" })
  end,
  function(session, at) -- sleeps before its retry
    session:get(at.site .. "/later", { retry = { max = 3, max_delay = 60 } })
  end,
}

local function are_there(it)
  return it.held == 2 and it.session:stats().in_flight == #kinds - 2
    and it.narrow:stats().queued == 1
end

--- Starts them all, and returns once each is where it stays, on the wire or in the queue.
---@async
---@return table it `session`; two more, `other`, and `narrow`, whose second request waits in the
--- queue; `tasks`; `at`
function M.start()
  local it = {
    at = {
      site = arg[1], web = arg[2], https = arg[3], ca = arg[4], folder = arg[5], mute = arg[6],
    },
    tasks = {},
    held = 0,
    narrow = curlew.session { max_per_host = 1 },
  }
  it.session = curlew.session { verify = it.at.ca, max_per_host = 20 }
  it.other = curlew.session { verify = it.at.ca }
  for i, kind in ipairs(kinds) do
    it.tasks[i] = curlew.spawn(kind, it.session, it.at, it)
  end
  for _ = 1, 2 do
    table.insert(it.tasks, curlew.spawn(it.narrow.get, it.narrow, it.at.site .. "/silent"))
  end
  for _ = 1, PATIENCE do
    curlew.sleep(0.02)
    if are_there(it) then
      curlew.sleep(0.02)
      if are_there(it) then
        return it
      end
    end
  end
  error("the transfers do not get under way: " .. curlew.tree())
end

return M
