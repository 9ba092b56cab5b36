--- The works of the benchmarks, through curlew's public API, as a user would write them.
---
---     lua bench/curlew.lua WORK URL TOTAL CONCURRENCY [DIRECTORY]
---
--- Prints one line, as bench/bare does: wall=SECONDS cpu_us=MICROSECONDS failed=COUNT
--- peak_kb=KB. What is not seen to succeed has failed.

local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = package.path .. (";%s/?.lua"):format(here)

local curlew = require "curlew"
local measure = require "measure"

local SMALL, PICTURE = 1024, 100000 -- bytes; the sizes of files are checked by compare.lua
local BURSTS = 25

local work, url, directory = arg[1], arg[2], arg[5]
local total, concurrency = tonumber(arg[3]), tonumber(arg[4])

local succeeded = 0

local function check(fine, what)
  if fine then
    succeeded = succeeded + 1
  else
    io.stderr:write("failure: ", tostring(what), "\n")
  end
end

local function get(session)
  local response, err = session:get(url)
  check(response and response.status == 200 and #response.body == SMALL, err or response)
end

-- Calls `fn(number)` for each number up to `total`, `concurrency` at a time.
local function all(fn)
  local started = 0
  local function worker()
    while started < total do
      started = started + 1
      fn(started)
    end
  end
  curlew.group(function(group)
    for _ = 1, concurrency do
      group:spawn(worker)
    end
  end)
end

-- By name: `run(session)`; `session`, options; `units`, by which CPU time is divided.
local works = {
  get = {
    run = function(session)
      all(function()
        get(session)
      end)
    end,
    units = total,
  },
  connect = {
    session = { http = "1.1", curl = { FRESH_CONNECT = true, FORBID_REUSE = true } },
    run = function(session)
      all(function()
        get(session)
      end)
    end,
    units = total,
  },
  files = {
    run = function(session)
      all(function(number)
        local path = ("%s/%d"):format(directory, number)
        local response, err = session:get(("%s/%d"):format(url, number), { sink = path })
        check(response and response.status == 200, err or response)
      end)
    end,
    units = total,
  },
  downloads = {
    run = function(session)
      all(function(number)
        local got, err = curlew.download(("%s/%d"):format(url, number),
          ("%s/%d"):format(directory, number), { session = session })
        check(got and got.bytes == PICTURE, err)
      end)
    end,
    units = total,
  },
  -- The core writes to a file, which keeps nothing.
  discard = {
    run = function(session)
      local response, err = session:get(url, { sink = "/dev/null" })
      check(response and response.status == 200
        and tonumber(response.headers["content-length"]) == total, err or response)
    end,
    units = 1,
  },
  read = {
    run = function(session)
      local response, err = session:get(url, { stream = true })
      local size, bytes = 0, response and response:read()
      while bytes do
        size = size + #bytes
        bytes, err = response:read()
      end
      check(size == total and response.status == 200, err or size)
    end,
    units = 1,
  },
  file = {
    run = function(session)
      local response, err = session:get(url, { sink = directory .. "/body" })
      check(response and response.status == 200, err or response)
    end,
    units = 1,
  },
  -- As get, and tells on the way what requests cost and what the process holds.
  points = {
    run = function(session)
      local ended, counted, point, stop = 0, 0, 1000, measure.start()
      all(function()
        get(session)
        ended = ended + 1
        if ended == point or ended == total then
          local _, cpu = stop()
          local now = measure.holdings()
          print(("requests=%d each_us=%.2f rss_kb=%.0f lua_kb=%.0f descriptors=%d"):format(
            ended, cpu * 1e6 / (ended - counted), now.rss_kb, now.lua_kb, now.descriptors))
          point = point * (tostring(point):find "^2" and 2.5 or 2) -- 1,000, 2,000, 5,000 ...
          counted, stop = ended, measure.start()
        end
      end)
    end,
    units = total,
  },
  -- TOTAL requests at once, again and again.
  bursts = {
    run = function(session)
      for _ = 1, BURSTS do
        all(function()
          get(session)
        end)
      end
    end,
    units = total and total * BURSTS,
  },
}

local function main()
  local chosen = works[work]
  if not chosen or not concurrency then
    io.stderr:write("usage: curlew.lua WORK URL TOTAL CONCURRENCY [DIRECTORY]\n")
    os.exit(2)
  end
  local options = chosen.session or {}
  options.max_per_host, options.max_connections = concurrency, concurrency
  options.verify = os.getenv "BENCH_CA"
  local session = curlew.session(options)
  local stop = measure.start()
  chosen.run(session)
  local wall, cpu = stop()
  session:close()
  print(("wall=%.3f cpu_us=%.2f failed=%d peak_kb=%d"):format(
    wall, cpu * 1e6 / chosen.units, chosen.units - succeeded, measure.peak_kb()))
  return succeeded == chosen.units
end

os.exit(curlew.run(main) and 0 or 1)
