--- What spec/system_calls_spec.lua has a child do, in which system calls fail (failing_calls.c).
--- Each line of its input is "WORK NAME WHO ERROR FIRST LAST". Answers each by a line: how the work
--- ended, a "|", and what is wrong afterwards: with a good request on the same session, or with
--- what is open.

package.path = package.path .. ";./spec/?.lua"

local curlew = require "curlew"
local process = require "support.process"
local uv = require "curlew.uv"

local LIBRARY = os.getenv "LIBRARY"
local fail = assert(package.loadlib(LIBRARY, "fail_calls"))
local count = assert(package.loadlib(LIBRARY, "count_calls"))
local SITE, TLS_SITE, CA, FOLDER =
  os.getenv "SITE", os.getenv "TLS_SITE", os.getenv "CA", os.getenv "FOLDER"
local PATIENCE = 5 -- seconds: what hangs is told as a timeout

local function file(name)
  return FOLDER .. "/" .. name
end

local works = {}

function works.get(session)
  return session:get(SITE .. "/hello.txt")
end

function works.tls(session)
  return session:get(TLS_SITE .. "/hello.txt", { verify = CA })
end

function works.look_up(session)
  return session:get "http://name.test/"
end

function works.post(session)
  return session:post(SITE .. "/echo", { body = ("x"):rep(100000) })
end

function works.sink(session)
  return session:get(SITE .. "/big", { sink = file "sink" })
end

function works.upload(session)
  return session:put(SITE .. "/upload/up", { file = file "source" })
end

function works.stream(session)
  local res, err = session:get(SITE .. "/big", { stream = true })
  if not res then
    return nil, err
  end
  return res:save(file "saved")
end

function works.download(session)
  for _, name in ipairs { "big", "big.part", "big.part.json" } do
    os.remove(file(name))
  end
  return curlew.download(SITE .. "/big", file "big", { session = session, fsync = true })
end

function works.session()
  local ok, made = pcall(curlew.session)
  if not ok then
    return nil, made
  end
  made:close()
  return true
end

function works.cookies(session)
  return session:save_cookies()
end

local function told(ok, value, err)
  if not ok then
    return "raised " .. tostring(value)
  elseif value then
    return "success"
  end
  return tostring(err)
end

-- What is open, but for connections that are kept: those go with the session.
local function perform(order)
  local work, call = order:match "^(%S+) (.*)$"
  local answer, after
  curlew.run(function()
    local session = curlew.session { timeout = PATIENCE, cookies = file "cookies" }
    fail(call)
    local ok, value, err = curlew.pcall(works[work], session)
    local calls = count()
    answer = (calls > 0 and "" or "no such call: ") .. told(ok, value, err)
    local good, problem = session:get(SITE .. "/hello.txt")
    after = good and "" or tostring(problem)
    session:close()
  end)
  return answer:gsub("\n.*", "") .. "|" .. after
end

for order in io.lines() do
  local before = perform("get socket nobody 1 1 1") and process.descriptors()
  local line = perform(order)
  collectgarbage()
  uv.run "nowait"
  local after = process.descriptors()
  io.write(line, after > before and ("%d descriptors more"):format(after - before) or "", "\n")
  io.flush()
end
