--- Drives a client of the C core without the rest of curlew: what the driver does, in a few lines.

local core = require "curlew.core"
local uv = require "curlew.uv"

local LIMIT = 10 -- seconds that a transfer may take

local Client = {}
Client.__index = Client

local M = {}

local function step(self, rang)
  local count, wait = self.raw:step(rang, self.news)
  self.steps = self.steps + 1
  if wait then
    self.timer:start(wait, 0, function()
      self.rang = true
    end)
  end
  for i = 1, count do
    local id = self.news[i]
    if id < 0 then
      self.told[-id] = (self.told[-id] or 0) + 1
    else
      self.order[#self.order + 1] = id
      self.ended[id] = self.raw:take(id)
    end
  end
end

--- Starts a transfer; `given` has `url`, `body`, `timeout`, the fields of a setup, and more options
--- by libcurl's names in capitals. Returns what `client:start` returns.
function Client:start(given)
  local setup = { options = {} }
  for name, value in pairs(given) do
    local where = name:find("^%u") and setup.options or setup
    where[name] = value
  end
  local id, option, problem = self.raw:start(setup, given.url, given.timeout, given.body, nil, nil,
    given.allowed)
  self.rang = true -- as good as the timer: a step is due
  return id, option, problem
end

--- Turns the loop until `predicate()`; false when that takes too long.
function Client:turn(predicate)
  local deadline = uv.hrtime() / 1e9 + LIMIT
  while not predicate() do
    if uv.hrtime() / 1e9 > deadline then
      return false
    end
    if self.rang or self.readable then
      local rang = self.rang
      self.rang, self.readable = false, false
      step(self, rang)
    else
      uv.run("once")
    end
  end
  return true
end

--- Turns the loop until the transfer has ended; returns the table of `client:take`.
function Client:finish(id)
  assert(self:turn(function()
    return self.ended[id]
  end), "the transfer does not end")
  return self.ended[id]
end

--- Starts a transfer and waits for its end.
function Client:get(url, given)
  local all = { url = url }
  for name, value in pairs(given or {}) do
    all[name] = value
  end
  return self:finish(assert(self:start(all)))
end

--- Closes the client and the handles around it.
function Client:close()
  self.poll:stop()
  self.raw:close()
  self.poll:close()
  self.timer:close()
  self.guard:close()
  uv.run("nowait")
end

--- Makes a client. Fields: `raw` (the core's), `ended` (what was taken, by id), `order` (ids in the
--- order of their ends), `told` (how often there was news of one that had not ended), `steps`.
---@param cached? integer connections kept
function M.new(cached)
  local raw = core.client(cached)
  local self = setmetatable({
    raw = raw,
    poll = uv.new_poll(raw:fd()),
    timer = uv.new_timer(),
    guard = uv.new_timer(),
    news = {},
    ended = {},
    order = {},
    told = {},
    steps = 0,
  }, Client)
  self.poll:start("r", function()
    self.readable = true
  end)
  self.guard:start(20, 20, function() end) -- lets `turn` look at its clock
  return self
end

return M
