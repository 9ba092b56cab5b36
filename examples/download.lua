--- Downloads many files at once, on one thread. Without a URL it serves 80 pictures itself and
--- downloads these, to show what concurrency gains.
---
---     lua examples/download.lua [options] [URL ...]

package.path = (arg[0]:match("^(.*)[/\\]") or ".") .. "/?.lua;" .. package.path

local command_line = require "command_line"
local curlew = require "curlew"
local file = require "download.file"
local list = require "download.list"
local options = require "download.options"
local pictures = require "pictures.server"
local rate = require "download.rate"
local report = require "download.report"
local uv = require "curlew.uv"

local PROGRAM = "download.lua"

local function complain(format, ...)
  command_line.complain(PROGRAM, format, ...)
end

local function open_session(given)
  local headers = {}
  for _, field in ipairs(given.header) do
    headers[field[1]] = field[2]
  end
  return curlew.session {
    headers = headers, proxy = given.proxy, verify = not given.insecure,
    max_connections = given.jobs, max_per_host = given.jobs,
  }
end

-- Downloads one file. Returns what has come, or nil and an error; a file that was left as it is has
-- `is_old`.
local function download(item, job)
  local given, path = job.given, job.given.output .. "/" .. item.name
  local there = not given.overwrite and uv.fs_stat(path)
  if there and (not item.checksum or file.has_sum(path, item.checksum)) then
    return { path = path, bytes = there.size, is_old = true }
  end
  return curlew.download(item.url, path, {
    session = job.session,
    checksum = item.checksum,
    overwrite = given.overwrite,
    retry = given.retries > 0 and given.retries,
    timeout = given.timeout,
    max_body = given.max_size,
    max_speed = given.limit_rate,
    pace = job.pace,
    on_progress = function(now)
      job.row:update(now.received, now.total)
    end,
  })
end

-- Downloads all, and returns the report of it.
local function download_all(items, given)
  local screen = curlew.terminal.open(io.stderr)
  local is_drawn = screen.is_terminal and not (given.quiet or given.no_progress)
  local display = curlew.progress.display { stream = screen, count = #items, quiet = not is_drawn }
  local told = report.new(PROGRAM, given, is_drawn and uv.guess_handle(1) == "tty")
  local session = open_session(given)
  local pace = given.limit_total_rate and rate.limit(given.limit_total_rate)
  curlew.map(items, function(item)
    local row, started = display:add(item.name), uv.hrtime()
    local result, err = download(item, { given = given, session = session, pace = pace, row = row })
    if result then
      row:finish(result.is_old and "there already" or nil)
    else
      row:fail(err)
    end
    told:add(item, result, err, (uv.hrtime() - started) * 1e-9)
  end, { limit = given.jobs })
  session:close()
  display:close()
  return told
end

-- Counts the files that are not what the server drew.
local function count_wrong(server, folder)
  local wrong = 0
  for name, bytes in pairs(server.files) do
    if file.read(folder .. "/" .. name) ~= bytes then
      complain("%s differs from what was drawn", name)
      wrong = wrong + 1
    end
  end
  return wrong
end

-- The program's own pictures, by the server that draws them.
local function serve_pictures(given, items)
  local server = pictures.serve { delay = given.delay }
  for i, url in ipairs(server.urls) do
    items[i] = { url = url }
  end
  given.overwrite = not given.no_clobber -- they are always the same
  return server
end

local function main(items, given)
  local server = #items == 0 and not given.input_file and serve_pictures(given, items)
  list.name(items, given.no_clobber and function(name)
    return uv.fs_stat(given.output .. "/" .. name) ~= nil
  end)
  given.jobs = given.jobs or math.max(1, #items)
  local started = uv.hrtime()
  local told = download_all(items, given)
  local what = server and "images" or told.done == 1 and "file" or "files"
  told:finish((uv.hrtime() - started) * 1e-9, what)
  local wrong = 0
  if server then
    server:close()
    wrong = count_wrong(server, given.output)
  end
  return told.failed + wrong == 0 and 0 or command_line.FAILED
end

-- What to download, with the folder for it made. Wrong use ends the program here.
local function prepare(given, parser)
  local items = {}
  for i, url in ipairs(given.url) do
    items[i] = { url = url }
  end
  local ok, problem = file.make_folder(given.output)
  if ok and given.input_file then
    ok, problem = list.read(given.input_file, items)
  end
  if given.insecure then
    complain("warning: certificates are not verified")
  end
  return ok and items or parser:error(problem)
end

local given, parser = options.parse(PROGRAM, arg)
local ok, status = pcall(function()
  return curlew.run(main, prepare(given, parser), given)
end)
-- While no loop runs, as when the list is read, Lua itself says that it was interrupted.
if curlew.is_error(status, "cancelled") or tostring(status):find("interrupted!$") then
  complain("interrupted")
  status = command_line.INTERRUPTED
elseif not ok then
  complain("%s", tostring(status))
  status = command_line.FAILED
end
os.exit(status, true)
