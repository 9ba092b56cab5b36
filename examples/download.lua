--- Downloads many files at once, on one thread. Without a URL it serves 80 pictures itself and
--- downloads these, to show what concurrency gains.
---
---     lua examples/download.lua [options] [URL ...]

package.path = (arg[0]:match("^(.*)[/\\]") or ".") .. "/?.lua;" .. package.path

local command_line = require "command_line"
local curlew = require "curlew"
local file = require "download.file"
local names = require "download.names"
local pictures = require "pictures.server"
local uv = require "curlew.uv"

local PROGRAM = "download.lua"

local function complain(format, ...)
  io.stderr:write(PROGRAM, ": ", format:format(...), "\n")
end

local function parse(arguments)
  local parser = command_line.parser(PROGRAM, "Downloads many files at once.")
  parser:argument("url", "what to download; none: 80 pictures that the program serves itself")
    :args "*"
  parser:option("-j --jobs", "how many at once; 1 is one after another (default: all)")
    :convert(command_line.count)
  parser:option("-o --output", "where to put them", "downloads"):argname "<folder>"
  parser:option("-i --input-file", "read URLs from a file, one a line; - is standard input")
    :argname "<file>"
  parser:option("--timeout", "seconds that each may take"):convert(command_line.timeout)
  parser:option("--delay", "seconds that the picture server waits before each answer", "0")
    :convert(command_line.seconds)
  parser:flag("-q --quiet", "print failures only")
  parser:flag("-v --verbose", "print more about each file")
  parser:epilog("Exit status: 0 all done, 1 some failed, 2 wrong use, 130 interrupted.")
  return parser:parse(arguments), parser
end

-- Adds the URLs of a file: blank lines and those that begin with # are passed over.
local function read_urls(path, urls)
  local text, problem
  if path == "-" then
    text, problem = io.read("*a")
  else
    text, problem = file.read(path)
  end
  if not text then
    return nil, problem
  end
  for line in text:gsub("^\239\187\191", ""):gmatch("[^\n]+") do -- without a byte order mark
    local url = line:match("^%s*(.-)%s*$")
    if url ~= "" and url:sub(1, 1) ~= "#" then
      urls[#urls + 1] = url
    end
  end
  return urls
end

local function fetch(session, url, path, given)
  local response, err = session:get(url, { check = true, timeout = given.timeout })
  if not response then
    return nil, err
  end
  local ok, problem = file.write(path, response.body)
  return ok and response, problem
end

local function announce(given, name, response)
  if given.verbose then
    print(("%s  %.1f KB  %d  %.0f ms%s"):format(name, #response.body / 1000, response.status,
      response.timing.total * 1000, response.reused and "  (connection reused)" or ""))
  elseif not given.quiet then
    print(("%s  %.1f KB"):format(name, #response.body / 1000))
  end
end

-- Without user, password and query, which may hold secrets: these are not for logs.
local function public(url)
  return (url:gsub("[?#].*$", ""):gsub("^(%a[%w+.-]*://)[^/]*@", "%1"))
end

-- Downloads all; returns how many have failed.
local function download_all(urls, given)
  local jobs = given.jobs or math.max(1, #urls)
  local session = curlew.session { max_connections = jobs, max_per_host = jobs }
  local name_for = names.distinct()
  local failed = 0
  curlew.map(urls, function(url)
    local name = name_for(url)
    local response, problem = fetch(session, url, given.output .. "/" .. name, given)
    if response then
      announce(given, name, response)
    else
      failed = failed + 1
      complain("%s: %s", public(url), tostring(problem))
    end
  end, { limit = jobs })
  session:close()
  return failed
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

local function main(urls, given)
  local server = #urls == 0 and not given.input_file and pictures.serve { delay = given.delay }
  urls = server and server.urls or urls
  local started = uv.hrtime()
  local failed = download_all(urls, given)
  local seconds = (uv.hrtime() - started) * 1e-9
  if server then
    server:close()
    failed = failed == 0 and count_wrong(server, given.output) or failed
  end
  if not given.quiet then
    local done = #urls - failed
    local what = server and "images" or done == 1 and "file" or "files"
    print(("%d %s downloaded in %.2fs"):format(done, what, seconds))
  end
  if failed > 0 then
    complain("%d of %d failed", failed, #urls)
  end
  return failed == 0 and 0 or command_line.FAILED
end

-- What to download, with the folder for it made. Wrong use ends the program here.
local function prepare(given, parser)
  local urls, problem = given.url, nil
  if given.input_file then
    urls, problem = read_urls(given.input_file, urls)
  end
  local made = urls
  if urls then
    made, problem = file.make_folder(given.output)
  end
  return made and urls or parser:error(problem)
end

local given, parser = parse(arg)
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
