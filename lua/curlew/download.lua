--- Files from the network: a download that is cut short goes on where it stopped, and a file has
--- its name only when it is whole.

local checks = require "curlew.checks"
local checksum = require "curlew.checksum"
local each = require("curlew.compat").each
local errors = require "curlew.error"
local fs = require "curlew.fs"
local naming = require "curlew.naming"
local options = require "curlew.options"
local partial = require "curlew.partial"
local request = require "curlew.request"
local resuming = require "curlew.resuming"
local session = require "curlew.session"
local task = require "curlew.task"
local time = require "curlew.time"

local M = {}

local RETRIES = 3 -- unless it is said otherwise

local function check_session(name, value)
  if type(value) ~= "table" or type(value.request) ~= "function" then
    errors.blame("option %q must be a session, got %s", name, type(value))
  end
  return value
end

-- What only a download may say.
local OWN = {
  checksum = checksum.check,
  fsync = checks.of_type "boolean",
  overwrite = checks.of_type "boolean",
  pace = checks.callable,
  resume = checks.of_type "boolean",
  session = check_session,
}

local KNOWN = options.union(options.request, OWN, {
  on_progress = options.request_only.on_progress,
})

-- Options of requests that a download cannot have, and why.
local NOT_HERE = {
  method = "a download is a GET",
  sink = "the bytes go into the file",
  stream = "the bytes go into the file",
}
for name in each(request.BODIES) do
  NOT_HERE[name] = "a download sends no body"
end

-- Header fields by which a download resumes.
local OWN_FIELDS = { "range", "if-range", "accept-encoding" }

-- Splits what the user says: options of the request, and those of the download.
local function split(given)
  local own, requested = {}, {}
  errors.check_type("the options", given, "table")
  for name, value in each(given) do
    if NOT_HERE[name] then
      errors.blame("option %q does not go with a download: %s", name, NOT_HERE[name])
    end
    checks.check_known(name, KNOWN, "option")
    if OWN[name] then
      own[name] = OWN[name](name, value)
    else
      requested[name] = value
    end
  end
  if requested.decompress then
    errors.blame("option \"decompress\" does not go with a download: the file is as it was sent")
  end
  return own, requested
end

-- The request of which the download is made, checked, and with the defaults of its session. Raises,
-- at the caller's line, what is wrong.
local function prepare(own, address, requested)
  local defaults = own.session and own.session.defaults or options.for_session()
  local wanted, err = request.new(defaults, "GET", address, requested)
  if not wanted then
    return nil, err
  end
  for _, name in ipairs(OWN_FIELDS) do
    if (wanted.options.headers or {})[name] then
      errors.blame("header %q is the download's own", name)
    end
  end
  return wanted
end

local function split_path(path)
  errors.check_type("the path", path, "string")
  if path == "" or path:find("%z") then
    errors.blame("the path must be that of a file, or of a folder with / behind it, got %q", path)
  end
  return path:match("^(.*/)"), path:sub(-1) ~= "/"
end

-- The part of a download into a folder. It is named after the URL, as the response comes too late:
-- numbered, where another download has the part of that name, or will go on with it.
local function claim_in_folder(job)
  local name, number = naming.of_url(job.url), 0
  while true do
    local part, problem, is_taken = partial.open(job.folder .. naming.numbered(name, number))
    if part and not part:is_of_other(job.url) then
      return part
    elseif part then
      part:close()
    elseif not is_taken then
      return nil, problem
    end
    number = number + 1
  end
end

local function claim(job)
  if not job.is_named then
    return claim_in_folder(job)
  end
  local there = fs.path("lstat", job.path)
  if there and there.type == "directory" then
    return nil, "it is a folder; end it with / to have a file in it"
  elseif there and not job.overwrite then
    return nil, "there is such a file (overwrite = true replaces it)"
  end
  return partial.open(job.path)
end

-- Gives the file that has come its name.
local function place(job)
  if job.is_named then
    local done, problem, exists = job.part:place(job.path, job.overwrite)
    return done and job.path, exists and "there is such a file by now" or problem
  end
  local number = 0
  while true do
    local target = job.folder .. naming.numbered(job.name, number)
    local done, problem, exists = job.part:place(target, job.overwrite)
    if done or not exists then
      return done and target, problem
    end
    number = number + 1
  end
end

local function cannot_write(job, problem)
  return nil, resuming.failure(job, "io", "cannot write %s: %s", job.path, problem)
end

local function bring(job)
  local ok, err = resuming.fetch(job)
  if not ok then
    return nil, err
  end
  local sums, wanted = job.sums:finish(), job.checksum
  if wanted and sums[wanted.algorithm] ~= wanted.sum then
    job.is_dropped = true -- else the next download would find it complete, and wrong, for ever
    return nil, resuming.failure(job, "checksum", "the %s of the file is %s, not %s",
      wanted.algorithm, sums[wanted.algorithm], wanted.sum)
  end
  local path, problem = place(job)
  if not path then
    return cannot_write(job, problem)
  end
  return {
    path = path,
    bytes = job.part.size,
    resumed_from = job.resumed_from,
    attempts = job.attempts,
    etag = job.etag,
    sha256 = sums.sha256,
  }
end

local function run(job)
  local part, problem, is_taken = claim(job)
  if not part then
    return cannot_write(job, is_taken and "another download writes it at this moment" or problem)
  end
  job.part, part.is_synced = part, job.fsync
  local ok, result, err = task.protect(bring, job)
  part:close(job.is_dropped)
  if not ok then
    error(result, 0)
  end
  return result, err
end

-- Runs a job within its time; the error of its end tells what it is about.
local function run_in_time(job, total)
  if total == math.huge then
    return run(job)
  end
  job.deadline = time.now() + total
  local result, err = time.timeout(total, run, job)
  if not result and not err.url then
    return nil, resuming.failure(job, "timeout", "%s", err.message)
  end
  return result, err
end

--- Downloads a file and waits for it. Its bytes go into PATH.part, which then takes the name PATH;
--- PATH.part.json tells whose they are. What is there of it from an earlier call, cancelled, failed
--- or killed, is not fetched again, if the server can say that it has not changed since. Retries, 3
--- unless the option "retry" says otherwise, go on where the last try stopped, too.
---
--- A path that ends with "/" is a folder: the file gets the name that the server gives it, or that
--- of the URL, made safe, and a number where that name is taken, unless `overwrite` is true.
---
--- Further options are those of `curlew.fetch` without a method, a body, `sink` and `stream`. There
--- is no limit to the time unless `timeout` has a total, which spans all attempts, nor to the size
--- unless there is `max_body`. A status of 400 and above is a failure in any case. In what
--- `on_progress` is told, `received` counts the bytes of the file, those of earlier calls, too.
---@async
---@param address string
---@param path string of the file, or of a folder with "/" behind it
---@param given? table options: `checksum`, "sha256:..." (or sha512, sha1, md5), which the file must
--- have; `resume`, false to begin anew; `overwrite`, true to replace a file that is there; `fsync`,
--- true to have the file on the disk before it gets its name; `session`, a `curlew.Session`;
--- `pace`, called with the number of bytes of each piece, which may wait, and so slows it down
---@return { path: string, bytes: number, resumed_from: number, attempts: integer, etag: string?,
--- sha256: string? }? file `resumed_from` bytes were there from earlier calls; no `sha256` where
--- curlew was built without libcrypto
---@return curlew.Error? err of kind "io" when the file cannot be written, is there already, or is
--- written by another download; "status" for an error page; "checksum"; and those of `curlew.fetch`
function M.download(address, path, given)
  local own, requested = split(given or {})
  local folder, is_named = split_path(path)
  local wanted, err = prepare(own, address, requested)
  task.checkpoint()
  if not wanted then
    return nil, err
  end
  local all = wanted.options
  local job = {
    address = address,
    url = wanted.target.url,
    wanted = wanted,
    path = path,
    folder = folder or "",
    is_named = is_named,
    send = own.session and function(...)
      return own.session:request(nil, ...)
    end or session.fetch,
    requested = requested,
    options = all,
    checksum = own.checksum,
    fsync = own.fsync,
    overwrite = own.overwrite or false,
    pace = own.pace,
    resume = own.resume ~= false,
    retry = all.retry == nil and options.request.retry("retry", RETRIES) or all.retry,
    attempts = 0,
    deadline = math.huge,
  }
  if own.checksum and not checksum.can(own.checksum.algorithm) then
    return nil, resuming.failure(job, "unsupported", "this curlew cannot take the %s of a file",
      own.checksum.algorithm)
  end
  return run_in_time(job, all.timeout.total or math.huge)
end

return M
