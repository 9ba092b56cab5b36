--- How the body of a response is read that comes as a stream. Where it was read into memory, the
--- same calls read from there.

local cancellation = require "curlew.cancellation"
local compat = require "curlew.compat"
local debugging = require "curlew.debugging"
local ending = require "curlew.ending"
local errors = require "curlew.error"
local failure = require "curlew.failure"
local fs = require "curlew.fs"
local lines = require "curlew.lines"
local parser = require "curlew.events"
local task = require "curlew.task"
local turn = require "curlew.turn"

local M = {}

--- Where a response keeps its request and its stream.
M.REQUEST, M.STREAM = {}, {}

--- The methods of a response that read its body.
M.methods = {}

local methods = M.methods
local REQUEST, STREAM = M.REQUEST, M.STREAM

--- Ends the stream when its response is collected: not at once, as that may happen anywhere.
---@param response curlew.Response
---@param stream curlew.Stream
function M.watch(response, stream)
  stream.made_at = debugging.enabled and errors.caller() or nil
  rawset(response, "collector", compat.finalizer(function()
    if not stream.outcome then
      turn.defer(stream.abandon, stream)
    end
  end))
end

-- What a response in memory has not given yet; such a one is read like a stream.
local function read_memory(response, most)
  local position = rawget(response, "position") or 1
  local bytes = response.body:sub(position, most < #response.body and position + most - 1 or -1)
  rawset(response, "position", position + #bytes)
  return bytes ~= "" and bytes or nil
end

--- The next bytes of the body, as they come; waits until there are some.
---@async
---@param most? integer bytes at most
---@return string? bytes nil at the end
---@return curlew.Error? err when the body was cut short
function methods:read(most)
  if most ~= nil and (type(most) ~= "number" or not (most >= 1)) then -- luacheck: ignore 581 (NaN)
    errors.blame("the bytes to read must be a number of at least 1, got %s", tostring(most))
  end
  most = most and most < math.huge and math.floor(most) or math.huge
  local stream = self[STREAM]
  if stream then
    return stream:read(most)
  end
  return read_memory(self, most)
end

-- Calls `use(bytes)` for all of the rest; returns true, or nil and an error.
local function read_all(response, use)
  while true do
    local bytes, err = response:read()
    if not bytes then
      return not err or nil, err
    end
    local _, problem = use(bytes)
    if problem then
      return nil, problem
    end
  end
end

--- The rest of the body as one string; in `body` from then on. At most `max_body`, if that was
--- said, or 64 MiB.
---@async
---@return string?
---@return curlew.Error?
function methods:text()
  if self.body then
    return self.body
  end
  local pieces, size = {}, 0
  local most = self[REQUEST].text_limit
  local ok, err = read_all(self, function(bytes)
    pieces[#pieces + 1], size = bytes, size + #bytes
    if size > most then
      self:close()
      return nil, failure.of(self[REQUEST], "too_large", "the body is larger than %.0f bytes", most)
    end
  end)
  if not ok then
    return nil, err
  end
  self.body = table.concat(pieces)
  return self.body
end

-- An error of the body ends a loop over it as an error: a loop has no second value to look at.
local function raise(err)
  if err then
    error(err, 0)
  end
end

--- Iterates over the body as it comes: `for bytes in response:chunks() do`. Each step waits; raises
--- the error of a body that is cut short.
---@return fun(): string?
function methods:chunks()
  return function()
    local bytes, err = self:read()
    raise(err)
    return bytes
  end
end

-- Iterates over what `split:feed(bytes)` makes of the body, in lists; `finish` gives the last.
local function each(response, split, finish)
  local ready, position, is_over = {}, 0, false
  return function()
    while position == #ready do
      if is_over then
        return nil
      end
      local bytes, err = response:read()
      raise(err)
      local problem
      if bytes then
        ready, problem = split:feed(bytes)
      else
        local last
        if finish then
          last, problem = finish(split)
        end
        ready, is_over = not problem and { last } or nil, true
      end
      if not ready then
        response:close()
        raise(failure.of(response[REQUEST], "too_large", "%s", problem))
      end
      position = 0
    end
    position = position + 1
    return ready[position]
  end
end

--- Iterates over the lines of the body, without their ends.
---@return fun(): string?
function methods:lines()
  local splitter = lines.splitter()
  return each(self, splitter, splitter.finish)
end

--- Iterates over the server-sent events of the body (WHATWG HTML, server-sent events).
---@return fun(): { type: string, data: string, id: string }?
function methods:events()
  return each(self, parser.parser())
end

--- Writes the rest of the body into a file.
---@async
---@param path string
---@return integer? bytes written
---@return curlew.Error? err
function methods:save(path)
  errors.check_type("the path", path, "string")
  return M.pour(self, path)
end

-- What takes the bytes of a body: `write(bytes)` and `close()`.
local function open_sink(sink)
  if type(sink) == "function" then
    return {
      write = function(_, bytes)
        sink(bytes)
        return true
      end,
      close = function()
        return true
      end,
    }
  elseif type(sink) == "number" then
    return fs.of_descriptor(sink)
  end
  return fs.create(sink)
end

-- Brings the rest of a body to where it goes. Returns its size; or nil and the error of the body;
-- or nil, nil and why it could not be written.
local function transfer_to(target, response)
  local stream = response[STREAM]
  if stream and target.fd then
    local size, err, broken = stream:divert(target.fd)
    if size or err or broken then
      return size, err, broken
    end
  end
  local size, broken = 0, nil
  local done, err = read_all(response, function(bytes)
    local written, problem = target:write(bytes)
    size, broken = size + #bytes, problem
    return written, problem
  end)
  if broken then
    return nil, nil, broken
  end
  return done and size, err
end

--- Reads the rest of a body into a sink: a path, a descriptor, or a function.
---@async
---@param response curlew.Response
---@param sink string|integer|fun(bytes: string)
---@return integer? bytes
---@return curlew.Error? err
function M.pour(response, sink)
  local name = type(sink) == "string" and sink or "the sink"
  local function io_error(problem)
    response:close()
    return nil, failure.of(response[REQUEST], "io", "cannot write %s: %s", name, problem)
  end
  local target, refusal = open_sink(sink)
  if not target then
    return io_error(refusal)
  end
  local ok, size, err, broken = task.protect(transfer_to, target, response)
  if not ok or broken then
    response:close() -- first: the core may be writing there
  end
  local closed, problem = target:close()
  if not ok then
    error(size, 0)
  elseif broken or not (closed or err) then
    return io_error(broken or problem)
  end
  return size, err
end

--- For the session: the stream is closed when what the task has open now ends.
---@param opener curlew.Task
function methods:belong(opener)
  local stream = self[STREAM]
  if stream and not stream.outcome then
    ending.own(cancellation.owner(opener), stream)
  end
end

--- Ends the transfer, when the body is not to be read any further. Does not wait; may be called
--- again.
function methods:close()
  local stream = self[STREAM]
  if stream then
    stream:close()
  end
end

return M
