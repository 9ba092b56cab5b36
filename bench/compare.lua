--- Runs the programs of bench/programs.lua on the rows of bench/rows.lua, in turn, and reports.
---
---     ONLY=http1,one ROUNDS=5 lua bench/compare.lua
---
--- PEERS=no leaves all but curlew and bare C out. What was measured is kept in build/bench, so that
--- a run of some rows leaves the others in bench/RESULTS.md.

package.path = package.path .. ";./lua/?.lua;./lua/?/init.lua;./spec/?.lua;./bench/?.lua"

local cjson = require "cjson"
local instructions = require "instructions"
local measure = require "measure"
local process = require "support.process"
local programs = require "programs"
local report = require "report"
local rows = require "rows"
local servers = require "servers"
local shell = require "support.shell"

local TIME_LIMIT = 180 -- seconds that one run may take
local UNSUPPORTED = 3 -- exit status
local KEPT = "build/bench/results.json"

local rounds = tonumber(os.getenv "ROUNDS") or 5
local peers = os.getenv "PEERS" ~= "no"

-- The words of a list "a,b", as a set; nil for none.
local function set_of(text)
  local set
  for word in (text or ""):gmatch("[^,%s]+") do
    set = set or {}
    set[word] = true
  end
  return set
end

local function is_there(program)
  if not program.needs then
    return true
  end
  local command = { timeout = 30 }
  for i, word in ipairs(program.needs) do
    command[i] = word
  end
  local ok, result = pcall(process.run, command)
  return ok and result.status == 0
end

-- Runs a program once. Returns what it has measured, or nil and why there is nothing.
local function run(program, row, urls, files, directory)
  local command = { timeout = TIME_LIMIT, env = { BENCH_CA = false } }
  for name, value in pairs(program.env or {}) do
    command.env[name] = value
  end
  if row.site == "https" then
    command.env.BENCH_CA = row.bundle and files.bundle or files.ca
  end
  for _, word in ipairs(program.command) do
    command[#command + 1] = word
  end
  for _, word in ipairs { row.work, urls[row.site] .. row.path, ("%d"):format(row.total),
    ("%d"):format(row.concurrency), directory } do
    command[#command + 1] = word
  end
  local result = process.run(command)
  if result.status == UNSUPPORTED or result.stderr:find("no such work") then
    return nil, result.stdout:match("unsupported: ([^\n]*)") or "not that work"
  end
  local measured = {}
  for name, value in result.stdout:gmatch("([%w_]+)=([%d.]+)") do
    measured[name] = tonumber(value)
  end
  if not measured.cpu_us then
    local said = result.stderr:match("[^\n]+") or "status " .. tostring(result.status)
    return nil, "failed: " .. said
  end
  return measured
end

local function median_of(runs, name)
  local values = {}
  for i, measured in ipairs(runs) do
    values[i] = measured[name]
  end
  return values[1] and measure.median(values)
end

local function summarise(runs)
  local lowest, highest = math.huge, 0
  for _, measured in ipairs(runs) do
    lowest, highest = math.min(lowest, measured.cpu_us), math.max(highest, measured.cpu_us)
  end
  return {
    cpu_us = median_of(runs, "cpu_us"), lowest = lowest, highest = highest,
    wall = median_of(runs, "wall"), failed = median_of(runs, "failed"),
    connections = median_of(runs, "connections"), runs = #runs,
  }
end

local function measure_row(row, taking_part, urls, files)
  local runs, reasons = {}, {}
  local directory = shell.scratch()
  for round = 1, rounds do
    for _, program in ipairs(taking_part) do
      if not reasons[program.name] then
        local measured, reason = run(program, row, urls, files, directory)
        runs[program.name] = runs[program.name] or {}
        table.insert(runs[program.name], measured)
        reasons[program.name] = reason
        io.stderr:write(("%s, round %d: %s %s\n"):format(row.name, round, program.name,
          measured and ("%.2f us"):format(measured.cpu_us) or reason))
      end
    end
  end
  local results = {}
  for _, program in ipairs(taking_part) do
    local reason = reasons[program.name]
    results[program.name] = reason and { reason = reason } or summarise(runs[program.name])
  end
  return results
end

local function main()
  local only = set_of(os.getenv "ONLY")
  local kept = shell.read_file(KEPT)
  local all = kept and cjson.decode(kept) or {}
  local taking_part, missing = {}, {}
  for i, program in ipairs(programs) do
    if i <= 2 or peers and is_there(program) then
      taking_part[#taking_part + 1] = program
    elseif peers then
      missing[#missing + 1] = program.name
    end
  end
  if missing[1] then
    io.stderr:write("not here, so left out: ", table.concat(missing, ", "), "\n")
  end
  local urls, files = servers.start(process.lua)
  for _, row in ipairs(rows) do
    if not only or only[row.name] then
      all[row.name] = measure_row(row, taking_part, urls, files)
    end
  end
  if not only or only.instructions then
    all.instructions = instructions.measure(programs, urls.http .. "/1k")
  end
  shell.write_file(KEPT, cjson.encode(all))
  shell.write_file("bench/RESULTS.md", report.markdown(all, rows, programs, missing))
  io.write(report.table(all, rows, programs, only))
end

main()
