-- Memory that runs out at every single allocation of small programs. Prints what came of it, and
-- ends with status 1 when anything crashed, hung or stayed behind.
--
--     spec/torture/memory [--every N] [--way NAME] [PROGRAM ...]

local driver = require "torture.memory_driver"
local programs = require "torture.memory_programs"

local function names_of(set)
  local names = {}
  for name in pairs(set) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

local function parse(args)
  local given, index = { programs = {}, every = 1 }, 1
  while args[index] do
    if args[index] == "--every" or args[index] == "--way" then
      given[args[index]:sub(3)], index = args[index + 1], index + 2
    else
      table.insert(given.programs, args[index])
      index = index + 1
    end
  end
  if not given.programs[1] then
    given.programs = names_of(programs)
  end
  return given
end

local function tell(way, program, report)
  local parts = {}
  for _, outcome in ipairs(names_of(report.outcomes)) do
    parts[#parts + 1] = ("%d %s"):format(report.outcomes[outcome], outcome)
  end
  print(("%s %s: %d of %d: %s"):format(way.name, program, report.tried, report.allocations,
    table.concat(parts, ", ")))
  for _, wrong in ipairs(report.wrong) do
    print("  WRONG " .. wrong)
  end
end

local given = parse(arg)
local bench, tried, wrong, total = driver.prepare(), 0, 0, {}
io.stdout:setvbuf("line")
for _, way in ipairs(driver.WAYS) do
  local is_wanted = not given.way and not way.is_extra or given.way == way.name
  for _, program in ipairs(is_wanted and given.programs or {}) do
    local report = driver.run(bench, way, program, 1, tonumber(given.every))
    tell(way, program, report)
    tried, wrong = tried + report.tried, wrong + #report.wrong
    for outcome, times in pairs(report.outcomes) do
      total[outcome] = (total[outcome] or 0) + times
    end
  end
end
for _, outcome in ipairs(names_of(total)) do
  print(("%6d %s"):format(total[outcome], outcome))
end
print(("%d runs, %d went wrong"):format(tried, wrong))
os.exit(wrong == 0 and 0 or 1)
