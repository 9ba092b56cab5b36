--- How cost and memory grow: see bench/growth.

package.path = package.path .. ";./lua/?.lua;./lua/?/init.lua;./spec/?.lua;./bench/?.lua"

local measure = require "measure"
local process = require "support.process"
local programs = require "programs"
local servers = require "servers"
local shell = require "support.shell"

local TIME_LIMIT = 600 -- seconds
local AT_ONCE = { 1, 10, 100, 1000, 10000 }
local IN_FLIGHT = { 1, 1000, 5000, 10000 }
local FEWEST, EACH = 20000, 10 -- requests in all, and for each of those at once
local SESSION_AT_ONCE = 64
local DATA, PLOT = "build/bench/growth.", "bench/growth.png"

local BARE, CURLEW = programs[1], programs[2]

local rounds = tonumber(os.getenv "ROUNDS") or 3
local session_requests = tonumber(arg[1]) or 1000000

local GNUPLOT = [[
set terminal pngcairo size 1100,420 font ",10"
set output "%s"
set multiplot layout 1,2
set logscale x
set format x "%%.0s%%c"
set grid
set key top left
set yrange [0:*]
set xlabel "requests at once"
set ylabel "CPU for each, us"
plot "%sat_once" using 1:2 with linespoints title "bare C", \
  "" using 1:3 with linespoints title "curlew"
set key top right
set xlabel "requests on one session"
set ylabel "CPU for each, us; memory, MB"
plot "%ssession" using 1:2 with linespoints title "CPU for each", \
  "" using 1:($3/1024) with linespoints title "resident memory", \
  "" using 1:($4/1024) with linespoints title "Lua's memory"
]]

local function run(program, work, url, total, concurrency)
  local command = { timeout = TIME_LIMIT }
  for _, word in ipairs(program.command) do
    command[#command + 1] = word
  end
  for _, word in ipairs { work, url, ("%d"):format(total), ("%d"):format(concurrency) } do
    command[#command + 1] = word
  end
  local result = process.run(command)
  if result.status ~= 0 then
    error(("%s fails:\n%s%s"):format(program.name, result.stdout, result.stderr), 0)
  end
  return result.stdout
end

-- The medians of a field for both programs, which run in turn.
local function compare(field, url, total, concurrency)
  local bare, curlew = {}, {}
  for i = 1, rounds do
    for program, values in pairs { [BARE] = bare, [CURLEW] = curlew } do
      local told = run(program, "get", url, total, concurrency)
      values[i] = tonumber(told:match(field .. "=([%d.]+)"))
    end
  end
  return measure.median(bare), measure.median(curlew)
end

local function with_commas(number)
  local text = ("%d"):format(number):reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (text:gsub("^,", ""))
end

local function measure_at_once(url, line, point)
  line "| requests at once | bare C, us | curlew, us | ratio |"
  line "| ---: | ---: | ---: | ---: |"
  for _, concurrency in ipairs(AT_ONCE) do
    local total = math.max(FEWEST, EACH * concurrency)
    local bare, curlew = compare("cpu_us", url .. "/1k", total, concurrency)
    line("| %s | %.1f | %.1f | %.2f |", with_commas(concurrency), bare, curlew, curlew / bare)
    point("%d %.2f %.2f", concurrency, bare, curlew)
  end
end

local function measure_in_flight(url, line)
  local bare_alone, curlew_alone
  line "| in flight | bare C, MB | curlew, MB | each: bare C, KB | curlew, KB | more, KB |"
  line "| ---: | ---: | ---: | ---: | ---: | ---: |"
  for _, concurrency in ipairs(IN_FLIGHT) do
    local bare, curlew = compare("peak_kb", url .. "/", 2 * concurrency, concurrency)
    bare_alone, curlew_alone = bare_alone or bare, curlew_alone or curlew
    local bare_each = (bare - bare_alone) / concurrency
    local curlew_each = (curlew - curlew_alone) / concurrency
    line("| %s | %.1f | %.1f | %.1f | %.1f | %.1f |", with_commas(concurrency), bare / 1024,
      curlew / 1024, bare_each, curlew_each, curlew_each - bare_each)
  end
end

local function measure_session(url, line, point)
  local told = run(CURLEW, "points", url .. "/1k", session_requests, SESSION_AT_ONCE)
  line "| requests | since the last line, us each | resident, MB | Lua, KB | descriptors |"
  line "| ---: | ---: | ---: | ---: | ---: |"
  for requests, each, rss, lua, descriptors in told:gmatch(
    "requests=(%d+) each_us=([%d.]+) rss_kb=(%d+) lua_kb=(%d+) descriptors=(%d+)") do
    line("| %s | %s | %.1f | %s | %s |", with_commas(requests), each, rss / 1024,
      with_commas(lua), descriptors)
    point("%s %s %s %s", requests, each, rss, lua)
  end
end

local function main()
  local lines, urls = {}, servers.start()
  local function line(text, ...)
    lines[#lines + 1] = text:format(...)
    print(lines[#lines])
  end
  -- Runs a part, whose points go to a file for gnuplot.
  local function part(name, fn, url)
    local points = {}
    fn(url, line, function(text, ...)
      points[#points + 1] = text:format(...) .. "\n"
    end)
    shell.write_file(DATA .. name, table.concat(points))
  end

  line "# How it grows\n"
  line("Made by `bench/growth` on %s, libcurl %s; medians of %d.", os.date("%Y-%m-%d"),
    shell.read("curl-config --version"):match("[%d.]+"), rounds)
  line "\n![Cost and memory](growth.png)\n\n## With requests at once\n"
  line "1 KB from nginx, HTTP/1.1, keep-alive; CPU for each request.\n"
  part("at_once", measure_at_once, urls.http)
  line "\n## Memory in flight\n"
  line "Most resident memory, while so many requests wait at a server that waits 200 ms.\n"
  part("in_flight", measure_in_flight, urls.slow)
  line("\n## With requests on one session\n\n%d at once.\n", SESSION_AT_ONCE)
  part("session", measure_session, urls.http)

  shell.write_file("bench/GROWTH.md", table.concat(lines, "\n") .. "\n")
  shell.write_file(DATA .. "gnuplot", GNUPLOT:format(PLOT, DATA, DATA))
  if not shell.run("gnuplot " .. DATA .. "gnuplot") then
    io.stderr:write("no plot without gnuplot\n")
  end
end

main()
