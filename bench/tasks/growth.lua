--- How the runtime grows: ten times the sleeping tasks take about ten times the time, and no more
--- memory each, also to be cancelled; switches leave no garbage; a long chain of awaits is no deep
--- one.
---
---     lua bench/tasks/growth.lua

local task = require "curlew.task"

local function sleepers(count)
  collectgarbage()
  collectgarbage()
  local memory, before = collectgarbage("count"), os.clock()
  task.group(function(group)
    for _ = 1, count do
      group:spawn(task.sleep, 0.2)
    end
    task.sleep(0.1)
    collectgarbage()
    memory = collectgarbage("count") - memory
  end)
  return os.clock() - before, memory / count
end

local function cancelled(count)
  local before
  task.group(function(group)
    for _ = 1, count do
      group:spawn(task.sleep, 60)
    end
    task.sleep(0.01)
    before = os.clock()
    group:cancel()
  end)
  return os.clock() - before
end

local function chain(count)
  local last = task.spawn(function()
    return "the end"
  end)
  for _ = 1, count do
    local awaited = last
    last = task.spawn(function()
      return awaited:await()
    end)
  end
  return last:await()
end

local function switch(count)
  for _ = 1, count do
    task.yield()
  end
end

task.run(function()
  sleepers(1000)
  local few, few_kb = sleepers(10000)
  local many, many_kb = sleepers(100000)
  print(("10,000 tasks asleep: %.3f s of CPU, %.2f KB each"):format(few, few_kb))
  print(("100,000 tasks asleep: %.3f s of CPU, %.2f KB each, %.1f times the time"):format(
    many, many_kb, many / few))
  cancelled(1000)
  few, many = cancelled(10000), cancelled(100000)
  print(("a group of 10,000 sleepers cancelled: %.3f s of CPU; of 100,000: %.1f times that"):format(
    few, many / few))
  print("a chain of 10,000 awaits: " .. chain(10000))
  switch(1000)
  collectgarbage()
  collectgarbage()
  collectgarbage("stop")
  local before = collectgarbage("count")
  switch(1000000)
  print(("1,000,000 switches left %.1f KB of garbage"):format(collectgarbage("count") - before))
  collectgarbage("restart")
end)
