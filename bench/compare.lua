--- Runs bench/bare.c's program and bench/curlew.lua in turn against one nginx: see bench/run.
---
---     lua bench/compare.lua [TOTAL] [CONCURRENCY]

package.path = package.path .. ";./lua/?.lua;./lua/?/init.lua;./spec/?.lua;./bench/?.lua"

local measure = require "measure"
local nginx = require "support.nginx"
local process = require "support.process"

local TIME_LIMIT = 600

local total, concurrency = tonumber(arg[1]) or 20000, tonumber(arg[2]) or 64
local rounds = tonumber(os.getenv("ROUNDS")) or 5
local lua = os.getenv("LUA") or process.lua

local PROGRAMS = {
  { name = "bare C", command = { "build/bench/bare" } },
  { name = "curlew", command = { lua, "bench/curlew.lua" } },
}

local function run(program, url)
  local command = {}
  for i, word in ipairs(program.command) do
    command[i] = word
  end
  command[#command + 1] = url
  command[#command + 1] = ("%d"):format(total)
  command[#command + 1] = ("%d"):format(concurrency)
  command.timeout = TIME_LIMIT
  local result = process.run(command)
  local wall, cpu = result.stdout:match("wall=(%S+) cpu_us=(%S+)")
  if result.status ~= 0 or not wall then
    error(("%s failed (status %s):\n%s%s"):format(
      program.name, tostring(result.status), result.stdout, result.stderr), 0)
  end
  return tonumber(wall), tonumber(cpu)
end

local function measure_all(url)
  for round = 1, rounds do
    for _, program in ipairs(PROGRAMS) do
      local wall, cpu = run(program, url)
      program.wall = program.wall or {}
      program.cpu = program.cpu or {}
      table.insert(program.wall, wall)
      table.insert(program.cpu, cpu)
      print(("round %d  %-8s %8.3f s %8.2f us"):format(round, program.name, wall, cpu))
    end
  end
end

local function row(name, wall, cpu)
  print(("%-10s %12s %16s"):format(name, wall, cpu))
end

local function report()
  print(("\n%d requests for 1 KB, %d at once, %s; medians of %d rounds\n"):format(
    total, concurrency, lua, rounds))
  row("", "wall, s", "CPU us/request")
  local medians = {}
  for i, program in ipairs(PROGRAMS) do
    local wall, cpu = measure.median(program.wall), measure.median(program.cpu)
    medians[i] = { wall = wall, cpu = cpu }
    row(program.name, ("%.3f"):format(wall), ("%.2f"):format(cpu))
  end
  local bare, curlew = medians[1], medians[2]
  row("ratio", ("%.2f"):format(curlew.wall / bare.wall), ("%.2f"):format(curlew.cpu / bare.cpu))
end

local site = nginx.start { access_log = false }
measure_all(site.url .. "/1k")
report()
