--- Brings the bytes of a download into its part: in as many attempts as it may take, each of which
--- goes on where the last one stopped.

local checksum = require "curlew.checksum"
local failure = require "curlew.failure"
local naming = require "curlew.naming"
local options = require "curlew.options"
local partial = require "curlew.partial"
local ranges = require "curlew.ranges"
local retry = require "curlew.retry"
local task = require "curlew.task"
local time = require "curlew.time"

local M = {}

local LONGEST_PAGE = 64 * 1024 -- bytes of an error page that are kept

--- An error of a download.
---@param job table
---@param kind string
---@param format string as in string.format
---@param ... any
---@return curlew.Error
function M.failure(job, kind, format, ...)
  job.wanted.attempt = math.max(job.attempts, 1)
  return failure.of(job.wanted, kind, format, ...)
end

local function disk_failure(job, problem)
  return nil, M.failure(job, "io", "cannot write %s: %s", job.part.path, problem)
end

-- Sums of what the file has in the end.
local function new_sums(job)
  return checksum.sums { "sha256", job.checksum and job.checksum.algorithm or nil }
end

-- Takes over what an earlier call has left, if it can be gone on with; else it stays until other
-- bytes take its place.
local function take_over(job)
  local part, known = job.part, job.part.known
  job.sums, job.resumed_from = new_sums(job), 0
  if not (job.resume and part:is_of(job.url) and ranges.can_resume(known, part.size)) then
    part.known = nil
    return true
  end
  local size = 0
  while true do
    local bytes, problem = part:read()
    if problem then
      return nil, M.failure(job, "io", "cannot read %s: %s", part.path, problem)
    elseif not bytes then
      break
    end
    size = size + #bytes
    job.sums:update(bytes)
  end
  part.size, job.resumed_from = size, size
  job.name = known.name and naming.safe(known.name)
  return true
end

-- Progress is of the file, not of the transfer: told only while a transfer brings bytes of it.
local function on_progress(job)
  local tell = job.options.on_progress
  return tell and function(progress)
    if job.base then
      progress.received, progress.total = job.base + progress.received, job.total
      tell(progress)
    end
  end
end

-- Sends the request, for the rest of the file when `known` is given.
local function send(job, known)
  local given = options.union(job.requested)
  local timeout = job.options.timeout
  given.timeout = { connect = timeout.connect, idle = timeout.idle, total = math.huge }
  given.stream, given.retry, given.check, given.decompress = true, false, false, false
  given.max_body, given.on_progress = math.huge, on_progress(job)
  given.headers = options.union(job.requested.headers or {}, { ["Accept-Encoding"] = "identity" },
    known and ranges.fields(known, job.part.size) or {})
  job.attempts, job.base = job.attempts + 1, nil
  return job.send(job.address, given)
end

-- The error of an answer that is no file. Its body is read, so that its connection serves again,
-- unless it is long.
local function refusal(job, answer)
  local pieces, size = {}, 0
  while size < LONGEST_PAGE do
    local bytes = answer:read()
    if not bytes then
      break
    end
    pieces[#pieces + 1], size = bytes, size + #bytes
  end
  answer:close()
  answer.body = table.concat(pieces)
  local reason = answer.reason ~= "" and " " .. answer.reason or ""
  local err = M.failure(job, "status", "the server answered %d%s", answer.status, reason)
  err.response, err.retryable = answer, retry.STATUSES[answer.status] or false
  return nil, err
end

-- What is recorded of the file that an answer brings.
local function describe(job, answer, total)
  local fields = ranges.validator(answer)
  fields.size, fields.name = total, job.name
  fields.id, fields.url = partial.identity(job.url)
  return fields
end

-- Writes the body of an answer into the part, up to byte `stop` where that is known.
local function pour(job, answer, stop)
  local part, limit = job.part, job.options.max_body or math.huge
  local function too_large()
    return nil, M.failure(job, "too_large", "the file is larger than %.0f bytes (max_body)", limit)
  end
  if (job.total or 0) > limit then
    return too_large()
  end
  while true do
    local bytes, err = answer:read()
    if err then
      return nil, err
    elseif not bytes then
      break
    end
    local size = part.size + #bytes
    if size > limit then
      return too_large()
    elseif stop and size > stop then
      return nil, M.failure(job, "protocol", "the server sends more than it has announced")
    end
    local done, problem = part:append(bytes)
    if not done then
      return disk_failure(job, problem)
    end
    job.sums:update(bytes)
    if job.pace then
      job.pace(#bytes)
    end
  end
  if stop and part.size < stop then
    return nil, M.failure(job, "closed", "the body ended before it was complete")
  end
  return true
end

local function is_right(job)
  return not job.checksum or job.sums:finish()[job.checksum.algorithm] == job.checksum.sum
end

-- By verdict of `curlew.ranges`: what to do with an answer. Returns true when the file is complete,
-- false when more is to be asked for, nil and an error, or nil for an answer of no use.
local ACT = {
  append = function(job, answer, stop, total)
    job.base, job.total = job.part.size, total
    local done, err = pour(job, answer, stop)
    return done and job.part.size >= (total or stop), err
  end,
  begin = function(job, answer, stop, total)
    job.sums, job.resumed_from, job.base, job.total = new_sums(job), 0, 0, total
    local done, problem = job.part:begin(describe(job, answer, total))
    if not done then
      return disk_failure(job, problem)
    end
    return pour(job, answer, stop)
  end,
  complete = function(job)
    if not is_right(job) then
      return nil
    end
    if job.options.on_progress then
      local size = job.part.size
      job.options.on_progress { received = size, total = size, sent = 0, speed = 0 }
    end
    return true
  end,
  again = function()
    return nil
  end,
  refused = refusal,
  unasked = function(job)
    return nil, M.failure(job, "protocol", "the server sends a part of the file, unasked")
  end,
}

local function ask(job, known)
  local answer, err = send(job, known)
  if not answer then
    return nil, err
  end
  local verdict, stop, total = ranges.judge(answer, known, job.part.size)
  job.etag = answer.headers:all("etag")[1] or known and known.etag
  if verdict == "begin" or not job.name then
    job.name = naming.of_response(answer)
  end
  local ok, done, problem = task.protect(ACT[verdict], job, answer, stop, total)
  answer:close()
  if not ok then
    error(done, 0)
  end
  return done, problem
end

-- One attempt: for the rest, if there is a part; where that is of no use, for the whole.
local function attempt(job)
  local part = job.part
  if ranges.can_resume(part.known, part.size) then
    local done, err = ask(job, part.known)
    if done ~= nil or err then
      return done, err
    end
  end
  return ask(job, nil)
end

--- Brings the whole of the file into its part.
---@async
---@param job table of `curlew.download`
---@return true?
---@return curlew.Error? err
function M.fetch(job)
  local ok, problem = take_over(job)
  if not ok then
    return nil, problem
  end
  local failed = 0
  while true do
    local done, err = attempt(job)
    if done then
      return true
    elseif err then
      failed = failed + 1
      local answer = err.response
      local delay = retry.pause(job.retry, failed, "GET", true, answer, not answer and err or nil)
      if not delay or time.now() + delay >= job.deadline then
        err.attempts = job.attempts
        return nil, err
      end
      time.sleep(delay)
    end
  end
end

return M
