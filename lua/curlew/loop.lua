--- The driver: one libcurl client on luv's loop. One descriptor and one timer wake it; both lead to
--- the one step, in C, which hands back the transfers that have ended.

local closing = require "curlew.closing"
local compat = require "curlew.compat"
local curl = require "curlew.curl"
local errors = require "curlew.error"
local news = require "curlew.news"
local run = require "curlew.run"
local turn = require "curlew.turn"
local uv = require "curlew.uv"

local each = compat.each

local M = {}

-- The handles of drivers, `{ poll =, timer =, client = }`, as keys: `open` owns them, so that no
-- client is collected before its poll has stopped. `orphan` is the first of those of collected
-- drivers, linked by `next_orphan`.
local open, orphan = {}, nil

---@class curlew.Driver
---@field handles table borrowed, see `open`
---@field live table transfers that run: operations by id
---@field count integer how many these are
local Driver = { __name = "curlew.Driver" }
Driver.__index = Driver

-- luv 1.44 crashes when the Lua state is closed while a closed handle still waits for its turn of
-- the loop. So handles are stopped at once, but closed only in a turn, after which the loop goes
-- on; a program that ends before leaves them to luv.
local function close_handles(handles)
  for _, name in ipairs { "poll", "timer" } do
    if handles[name] then
      closing.close(handles[name])
    end
  end
end

-- The poll goes first: its descriptor must not be watched when the client closes it.
local function close(handles)
  open[handles] = nil
  if not handles.poll:is_closing() then
    handles.poll:stop()
  end
  handles.timer:stop()
  handles.client:close()
  turn.enqueue(handles.closing)
end

-- What drivers have left that were collected.
local function close_orphans()
  while orphan do
    local handles = orphan
    close(handles) -- first: it may raise
    orphan = handles.next_orphan
  end
end

-- As well those whose finalizer had no memory to tell of them.
local function close_lost()
  close_orphans()
  for handles, owner in each(open) do
    if owner == true and not handles.weak.driver then
      close(handles)
    end
  end
end

--- For the news: a transfer is no operation's any more.
---@param id integer
function Driver:forget(id)
  self.live[id] = nil
  self.count = self.count - 1
  if self.count == 0 then
    open[self.handles] = true
    self.poll:unref()
  end
end

-- Serves what is ready. What it raises for want of memory, the next call makes good.
local function serve(driver, rang)
  close_orphans()
  local problem = news.tell_all(driver)
  driver.count_news, driver.told = 0, 0
  local count, wait = driver.client:step(rang, driver.news)
  wait = wait or driver.wait
  driver.count_news, driver.wait = count, wait
  if wait then
    driver.timer:start(wait, 0, driver.on_timer)
  end
  driver.wait = nil
  return problem or news.tell_all(driver)
end

local function step(driver, rang)
  if driver.closed then
    return
  elseif driver:why_lost() then
    local _, operation = next(driver.live)
    return operation and operation:lose()
  end
  local ok, problem = pcall(serve, driver, rang)
  if not ok then
    turn.enqueue(driver.kicking)
  end
  if problem then
    error(problem, 0)
  end
end

local function step_kicked(driver)
  step(driver, false)
end

--- Why no transfer can be served any more: others have closed the handles, or this process is a
--- fork of the one that made them. Nil when that is not so.
---@return string?
function Driver:why_lost()
  if self.poll:is_closing() then
    return "its handles in luv's loop were closed by another part of the program"
  elseif self.client:is_inherited() then
    return "it belongs to the process that this one was forked off"
  end
end

-- Transfers start at the end of the turn, all together, in one step.
local function kick(driver)
  turn.enqueue(driver.kicking)
end

--- Starts a transfer. When it has ended, `operation:finish(outcome)` is called from the loop, with
--- the table of `client:take`; before, `operation:on_news()` when a streamed one has brought or
--- wants something; `operation:lose()` when the driver is lost. Does not wait.
---@param operation table
---@param setup table of `curlew.setup`
---@param url string
---@param timeout number seconds in total, 0 for no limit
---@param body? string|true|table true: it comes by `feed`; a list: the parts of a form
---@param tells_socket boolean whether it is news that the transfer has got a socket
---@param shard? integer number of the multi handle that carries it, 0 for the first
---@param allowed? string where it may connect to, as of `curlew.allowing`; nil for anywhere
---@return integer? id for `cancel`; nil when an option was refused
---@return string? option
---@return string? problem
function Driver:start(operation, setup, url, timeout, body, tells_socket, shard, allowed)
  kick(self) -- first: it may raise
  local id, option, problem = self.client:start(setup, url, timeout, body, tells_socket, shard,
    allowed)
  if not id then
    return nil, option, problem
  end
  local ok, err = pcall(rawset, self.live, id, operation)
  if not ok then
    self.client:cancel(id)
    error(err, 0)
  end
  self.count = self.count + 1
  if self.count == 1 then
    open[self.handles] = self -- kept, while a transfer runs
    self.poll:ref()
  end
  return id
end

--- Ends a transfer at once; its operation is not told.
---@param id integer
function Driver:cancel(id)
  if self.live[id] then
    self.client:cancel(id)
    self:forget(id)
    kick(self)
  end
end

--- What has come of the body of a streamed transfer and was not read yet.
---@param id integer
---@param most number bytes
---@return string
function Driver:read(id, most)
  local bytes, has_room = self.client:read(id, most)
  if has_room then
    kick(self)
  end
  return bytes
end

--- Has the core write the body of a streamed transfer to a descriptor: what waits to be read, and
--- what is to come. False where that could hold up the loop: to anything but a file.
---@param id integer
---@param fd integer must stay open until the transfer has ended
---@return boolean
function Driver:divert(id, fd)
  local is_diverted = self.client:divert(id, fd)
  if is_diverted then
    kick(self)
  end
  return is_diverted
end

--- Gives more of the request's body.
---@param id integer
---@param bytes? string nil: that was all
function Driver:feed(id, bytes)
  self.client:feed(id, bytes)
  kick(self)
end

--- Ends all transfers, whose operations get `outcome`, and gives everything back. May be called
--- again.
---@param outcome table
function Driver:close(outcome)
  if self.closed then
    return
  end
  local ended, ok, err = self.live, true, nil
  self.live = {} -- first: it may raise
  self.closed, self.count = true, 0
  close(self.handles)
  for _, operation in each(ended) do
    local is_told, problem = errors.insist(operation.finish, operation, outcome)
    if not is_told then
      ok, err = false, problem
    end
  end
  errors.unwrap(ok, err)
end

-- Makes the driver of `handles`, which has the client, and adds to them. What may raise for want of
-- memory does so before anything is lost: see `M.new`.
local function build(handles)
  local client = handles.client
  handles.closing = turn.later(close_handles, handles)
  handles.poll = uv.new_poll(client:fd())
  handles.timer = uv.new_timer()
  local driver = setmetatable({
    handles = handles,
    client = client,
    poll = handles.poll,
    timer = handles.timer,
    live = {},
    count = 0,
    news = {}, -- ids, see `tell`
    count_news = 0,
    told = 0, -- of these
    wait = nil, -- ms for which the timer is to be set
  }, Driver)
  driver.kicking = turn.later(step_kicked, driver)
  -- luv keeps its callbacks alive; they must not keep the driver.
  local weak = setmetatable({ driver = driver }, { __mode = "v" })
  handles.weak = weak
  local function step_if_alive(rang)
    if weak.driver then
      step(weak.driver, rang)
    end
  end
  driver.on_timer = turn.entry(function()
    step_if_alive(true)
  end)
  driver.sentinel = compat.finalizer(function()
    if open[handles] then
      handles.next_orphan, orphan = orphan, handles
    end
  end)
  driver.poll:start("r", turn.entry(function()
    step_if_alive(false)
  end))
  driver.poll:unref()
  driver.timer:unref()
  open[handles] = true
  return driver
end

--- Makes a driver. It holds the loop open only while a transfer runs, and is closed when it is
--- collected.
---@param cached_connections integer how many are kept for reuse
---@param cookies? boolean|string true for a cookie jar, or the path of its file
---@return curlew.Driver
function M.new(cached_connections, cookies)
  close_orphans()
  local ok, client = pcall(curl.client, cached_connections, cookies)
  if not ok then -- perhaps for want of descriptors, which sessions that were dropped still hold
    collectgarbage()
    collectgarbage()
    close_orphans()
    ok, client = pcall(curl.client, cached_connections, cookies)
    if not ok then
      errors.blame("%s", client)
    end
  end
  local handles = {
    client = client, poll = nil, timer = nil, closing = nil, weak = nil, next_orphan = nil,
  }
  local is_built, driver = pcall(build, handles)
  if not is_built then
    errors.insist(close_handles, handles)
    errors.insist(client.close, client)
  end
  return errors.unwrap(is_built, driver)
end

run.at_end(close_lost)

return M
