--- What the task runtime costs: one line for each kind of work, in microseconds of CPU each.
---
---     lua bench/tasks/curlew.lua

local task = require "curlew.task"

local function measure(name, count, fn)
  collectgarbage()
  collectgarbage()
  local before = os.clock()
  fn(count)
  print(("%s %.3f"):format(name, (os.clock() - before) / count * 1e6))
end

local function nothing() end

local work = {}

function work.spawn_await(count)
  for _ = 1, count do
    task.spawn(nothing):await()
  end
end

function work.switch(count)
  task.group(function(group)
    for _ = 1, 100 do
      group:spawn(function()
        for _ = 1, count / 100 do
          task.yield()
        end
      end)
    end
  end)
end

function work.sleep(count)
  task.group(function(group)
    for _ = 1, count do
      group:spawn(task.sleep, 0.05)
    end
  end)
end

function work.queue(count)
  local queue = task.queue(1)
  task.group(function(group)
    group:spawn(function()
      for i = 1, count do
        queue:put(i)
      end
    end)
    for _ = 1, count do
      queue:get()
    end
  end)
end

function work.cancel(count)
  local tasks = {}
  for i = 1, count do
    tasks[i] = task.spawn(task.sleep, 3600)
  end
  task.sleep(0)
  for i = 1, count do
    tasks[i]:cancel()
  end
  task.wait(tasks)
end

task.run(function()
  measure("spawn_await", 100000, work.spawn_await)
  measure("switch", 1000000, work.switch)
  measure("sleep", 50000, work.sleep)
  measure("queue", 100000, work.queue)
  measure("cancel", 50000, work.cancel)
end)
