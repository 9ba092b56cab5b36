--- The same work as bench/bare.c, through curlew's public API.
---
---     lua bench/curlew.lua URL TOTAL CONCURRENCY
---
--- Each response must have status 200 and 1,024 bytes. Prints one line, as bench/bare.c does.

local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = package.path .. (";%s/?.lua"):format(here)

local curlew = require "curlew"
local measure = require "measure"

local BODY_SIZE = 1024

local url, total, concurrency = arg[1], tonumber(arg[2]), tonumber(arg[3])
if not concurrency then
  io.stderr:write("usage: curlew.lua URL TOTAL CONCURRENCY\n")
  os.exit(2)
end

local started, failed = 0, 0

local function worker(session)
  while started < total do
    started = started + 1
    local response, err = session:get(url)
    if not response or response.status ~= 200 or #response.body ~= BODY_SIZE then
      failed = failed + 1
      if failed == 1 then
        io.stderr:write("first failure: ", tostring(err or response.status), "\n")
      end
    end
  end
end

local function main()
  local session = curlew.session { max_per_host = concurrency, max_connections = concurrency }
  local stop = measure.start()
  curlew.group(function(group)
    for _ = 1, concurrency do
      group:spawn(worker, session)
    end
  end)
  local wall, cpu = stop()
  session:close()
  print(("curlew total=%d concurrency=%d wall=%.3f cpu_us=%.2f failed=%d"):format(
    total, concurrency, wall, cpu * 1e6 / total, failed))
end

curlew.run(main)
os.exit(failed == 0 and 0 or 1)
