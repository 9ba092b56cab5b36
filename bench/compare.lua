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
local trial = require "trial"
local uv = require "curlew.uv"

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
  local command = { timeout = 30, env = program.env }
  for i, word in ipairs(program.needs) do
    command[i] = word
  end
  local ok, result = pcall(process.run, command)
  return ok and result.status == 0
end

-- The median of each measurement, and the lowest and highest of CPU time.
local function summarise(runs)
  local summary = { lowest = math.huge, highest = 0, runs = #runs }
  for name in pairs(runs[1]) do
    local values = {}
    for i, measured in ipairs(runs) do
      values[i] = measured[name]
    end
    summary[name] = measure.median(values)
  end
  for _, measured in ipairs(runs) do
    summary.lowest = math.min(summary.lowest, measured.cpu_us)
    summary.highest = math.max(summary.highest, measured.cpu_us)
  end
  return summary
end

-- In memory where there is such a folder, so that the disk's mood is not measured.
local function make_directory()
  if shell.run("test -w /dev/shm") then
    uv.os_setenv("TMPDIR", "/dev/shm")
  end
  local directory = shell.scratch() .. "/files"
  assert(uv.fs_mkdir(directory, 448)) -- 0700
  return directory
end

local function measure_row(row, taking_part, site, directory)
  local runs, results = {}, { rounds = rounds, date = os.date("%Y-%m-%d") }
  for round = 1, rounds do
    for _, program in ipairs(taking_part) do
      local name = program.name
      if not results[name] then
        local measured, reason = trial.run(program, row, site, directory)
        runs[name] = runs[name] or {}
        table.insert(runs[name], measured)
        results[name] = reason and { reason = reason }
        io.stderr:write(("%s, round %d: %s %s\n"):format(row.name, round, name,
          measured and ("%.2f us"):format(measured.cpu_us) or reason))
      end
    end
  end
  for name, measured in pairs(runs) do
    results[name] = results[name] or summarise(measured)
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
  local site, directory = {}, make_directory()
  site.urls, site.files = servers.start()
  for _, row in ipairs(rows) do
    if not only or only[row.name] then
      all[row.name] = measure_row(row, taking_part, site, directory)
    end
  end
  if not only or only.instructions then
    all.instructions = instructions.measure(programs, site.urls.http .. "/1k")
  end
  shell.write_file(KEPT, cjson.encode(all))
  shell.write_file("bench/RESULTS.md", report.markdown(all, rows, programs, missing))
  io.write(report.table(all, rows, programs, only))
end

main()
