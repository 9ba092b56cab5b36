--- Lua-cURL's multi interface on luv: a poll handle for each socket, handles used again.

local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = package.path .. (";%s/?.lua;%s/../?.lua"):format(here, here)

local curl = require "cURL"
local peer = require "peer"
local uv = require "luv"

local EVENTS = { [curl.POLL_IN] = "r", [curl.POLL_OUT] = "w", [curl.POLL_INOUT] = "rw" }
local FLAGS = {
  r = curl.CSELECT_IN, w = curl.CSELECT_OUT, rw = curl.CSELECT_IN + curl.CSELECT_OUT,
}

local multi, timer = curl.multi(), uv.new_timer()
local polls = {} -- by descriptor
local requests = {} -- by easy handle

local function take_finished()
  local easy, ok, err = multi:info_read(true)
  while easy and easy ~= 0 do
    local request = requests[easy]
    multi:remove_handle(easy)
    request.done(ok, err)
    easy, ok, err = multi:info_read(true)
  end
end

local function act(descriptor, flags)
  multi:socket_action(descriptor, flags)
  take_finished()
end

multi:setopt_maxconnects(peer.concurrency)
multi:setopt_timerfunction(function(ms)
  if ms < 0 then
    timer:stop()
  else
    timer:start(ms, 0, function()
      act(curl.SOCKET_TIMEOUT, 0)
    end)
  end
  return 0
end)
multi:setopt_socketfunction(function(_, descriptor, what)
  local poll = polls[descriptor]
  if what == curl.POLL_REMOVE then
    if poll then
      poll:close()
      polls[descriptor] = nil
    end
    return 0
  end
  poll = poll or uv.new_poll(descriptor)
  polls[descriptor] = poll
  poll:start(EVENTS[what], function(err, events)
    act(descriptor, err and FLAGS.rw or FLAGS[events])
  end)
  return 0
end)

--- Takes numbers as long as there are some: `begin(easy, number)` sets a request up; `finish(body,
--- number)` says whether its body is right.
local function worker(begin, finish)
  local easy = curl.easy()
  local request = { parts = {} }
  requests[easy] = request
  easy:setopt { url = peer.url, nosignal = true, pipewait = peer.tls }
  if peer.ca then
    easy:setopt_cainfo(peer.ca)
  end
  easy:setopt_writefunction(function(bytes)
    request.parts[#request.parts + 1] = bytes
    return true
  end)
  local function start()
    local number = peer.next()
    if not number then
      return
    end
    request.parts = {}
    if begin then
      begin(easy, number)
    end
    request.done = function(ok, err)
      local fine = ok and easy:getinfo_response_code() == 200
        and finish(table.concat(request.parts), number)
      peer.check(fine, err or easy:getinfo_response_code())
      start()
    end
    multi:add_handle(easy)
  end
  start()
end

local function is_small(body)
  return #body == peer.small
end

local function run_all(begin, finish)
  for _ = 1, peer.concurrency do
    worker(begin, finish or is_small)
  end
  uv.run()
end

-- One big body, to `take(bytes)`.
local function pour(take)
  local size = 0
  peer.total, peer.expected = 1, peer.total
  worker(function(easy)
    easy:setopt_writefunction(function(bytes)
      size = size + #bytes
      take(bytes)
      return true
    end)
  end, function()
    return size == peer.expected
  end)
  uv.run()
end

peer.main {
  get = run_all,
  connect = function()
    run_all(function(easy)
      easy:setopt { fresh_connect = true, forbid_reuse = true,
        http_version = curl.HTTP_VERSION_1_1 }
    end)
  end,
  bursts = function()
    peer.bursts(run_all)
  end,
  files = function()
    run_all(function(easy, number)
      easy:setopt_url((select(2, peer.file(number))))
    end, function(body, number)
      local file = assert(io.open(peer.file(number), "wb"))
      file:write(body)
      return file:close() and #body == peer.picture
    end)
  end,
  read = function()
    pour(function() end)
  end,
  file = function()
    local file = assert(io.open(peer.directory .. "/body", "wb"))
    pour(function(bytes)
      file:write(bytes)
    end)
    file:close()
  end,
}
