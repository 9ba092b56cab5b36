--- What spec/load_spec.lua has a child with few descriptors do: COUNT requests for URL in flight,
--- within the default limits, or "at once". Prints how they ended.

package.path = package.path .. ";./spec/?.lua"

local curlew = require "curlew"
local process = require "support.process"
local task = require "curlew.task"

local url, total, all_at_once = arg[1], tonumber(arg[2]), arg[3] == "at once"
local limits = { timeout = 300 }
if all_at_once then
  limits.max_per_host, limits.max_connections = total, total
end

local function count_ends(session)
  local ends = {}
  task.group(function(group)
    for _ = 1, total do
      group:spawn(function()
        local res, err = session:get(url)
        local name = res and "answered" or tostring(err):gsub(" %(GET .*", "")
        ends[name] = (ends[name] or 0) + 1
      end)
    end
  end)
  return ends
end

curlew.run(function()
  local session = curlew.session(limits)
  assert(session:get(url)) -- what is opened once is open now
  local before = process.descriptors()
  for name, count in pairs(count_ends(session)) do
    print(count, name)
  end
  print(1, session:get(url) and "answered afterwards")
  session:close()
  task.sleep(0.01)
  print(process.descriptors() - before, "descriptors more")
end)
