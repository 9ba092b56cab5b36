--- The results as tables: for the terminal, and for bench/RESULTS.md.

local shell = require "support.shell"

local M = {}

local YARDSTICK, OURS = "bare C", "curlew"

-- Name, command that tells it, and whether all that it says is taken.
local VERSIONS = {
  { "kernel", "uname -sr" },
  { "processors", "echo $(nproc) x $(grep -m 1 'model name' /proc/cpuinfo | cut -d: -f2)", true },
  { "libcurl", "curl-config --version" },
  { "libuv", "pkg-config --modversion libuv" },
  { "nginx", "PATH=$PATH:/usr/sbin nginx -v 2>&1" },
  { "Lua", "lua5.4 -v" },
  { "LuaJIT", "luajit -v" },
  { "luv", "dpkg-query -W -f '${Version}' lua-luv" },
  { "Lua-cURL", "ls build/bench/rocks/lib/luarocks/rocks-5.4/lua-curl", true },
  { "lua-http", "dpkg-query -W -f '${Version}' lua-http" },
  { "copas", "dpkg-query -W -f '${Version}' lua-copas" },
  { "LuaSocket", "dpkg-query -W -f '${Version}' lua-socket" },
  { "Python", "/usr/bin/python3 --version" },
  { "aiohttp", "/usr/bin/python3 -c 'import aiohttp; print(aiohttp.__version__)'" },
  { "uvloop", "/usr/bin/python3 -c 'import uvloop; print(uvloop.__version__)'" },
  { "pycurl", "/usr/bin/python3 -c 'import pycurl; print(pycurl.version)'", true },
  { "node", "node --version" },
  { "undici", "cd build/bench && node -p 'require(\"undici/package.json\").version'" },
  { "curl", "curl --version" },
  { "aria2", "dpkg-query -W -f '${Version}' aria2" },
  { "wrk", "dpkg-query -W -f '${Version}' wrk" },
}

local NOUNS = { cpu_us = "us", connections = "connections", lookups = "lookups" }

local function cpu(row, microseconds)
  return row.unit == "ms" and microseconds / 1000 or microseconds
end

local function ratio(results, name)
  local base = results[YARDSTICK] and results[YARDSTICK].cpu_us
  local own = results[name] and results[name].cpu_us
  return base and own and own / base
end

local function verdict_of_goal(row, results)
  local ours, by = results[OURS], ratio(results, OURS)
  local name, most = next(row.most or {})
  if row.goal and by then
    return ("goal %.2f %s"):format(row.goal, by <= row.goal and "met" or "NOT met")
  elseif name then
    return ("goal %d %s %s"):format(most, NOUNS[name],
      ours[name] and ours[name] <= most and "met" or "NOT met")
  end
end

-- Peers that have less of a field than curlew, or nil when none was measured.
local function better_peers(field, what, results, programs)
  local better, measured = {}, false
  for _, program in ipairs(programs) do
    local theirs = not program.no_peer and results[program.name]
    if theirs and theirs[field] then
      measured = true
      better[#better + 1] = theirs[field] < results[OURS][field] and program.name or nil
    end
  end
  return measured and ("%s: %s"):format(what, better[1] and table.concat(better, ", ") or "none")
    or nil
end

-- What the results of a row say of its goals.
local function verdict(row, results, programs)
  local parts = {}
  if results[OURS] and results[OURS].cpu_us then
    parts[#parts + 1] = verdict_of_goal(row, results)
    parts[#parts + 1] = better_peers("cpu_us", "cheaper peers", results, programs)
    parts[#parts + 1] = row.time and better_peers("wall", "faster peers", results, programs)
  end
  parts[#parts + 1] = results.rounds and ("%d rounds, %s"):format(results.rounds, results.date)
  return table.concat(parts, "; ")
end

-- What was seen from outside.
local function remarks(measured)
  local all = { ("%d connections"):format(measured.connections or 0) }
  if measured.lookups then
    all[2] = ("%d lookups, %d at once"):format(measured.lookups, measured.lookups_at_once)
  end
  return table.concat(all, ", ")
end

local function lines_of(row, results, programs)
  local lines = {}
  for _, program in ipairs(programs) do
    local measured = results[program.name]
    if measured and measured.cpu_us then
      local by = ratio(results, program.name)
      lines[#lines + 1] = {
        program.name,
        ("%.1f %s"):format(cpu(row, measured.cpu_us), row.unit or "us"),
        ("%.1f-%.1f"):format(cpu(row, measured.lowest), cpu(row, measured.highest)),
        by and ("%.2f"):format(by) or "",
        ("%.3f s"):format(measured.wall),
        remarks(measured),
      }
    elseif measured then
      lines[#lines + 1] = { program.name, "-", "", "", "", measured.reason }
    end
  end
  return lines
end

local HEADINGS = { "", "CPU", "lowest, highest", "by bare C", "time", "" }

--- The results for a terminal, of the rows in `only`.
---@param all table
---@param rows table[]
---@param programs table[]
---@param only? table<string, boolean> nil for all
---@return string
function M.table(all, rows, programs, only)
  local out = {}
  for _, row in ipairs(rows) do
    local results = all[row.name]
    if results and (not only or only[row.name]) then
      out[#out + 1] = ("\n%s (%s)\n%s"):format(
        row.title, row.name, verdict(row, results, programs))
      for _, line in ipairs(lines_of(row, results, programs)) do
        out[#out + 1] = ("  %-18s %12s %20s %9s %10s  %s"):format((unpack or table.unpack)(line))
      end
    end
  end
  if all.instructions and (not only or only.instructions) then
    out[#out + 1] = "\ninstructions for a request of http1, by callgrind"
    for _, name in ipairs { YARDSTICK, OURS } do
      out[#out + 1] = ("  %-18s %12.0f"):format(name, all.instructions[name])
    end
  end
  return table.concat(out, "\n") .. "\n"
end

--- The same as Markdown, with what it was measured on.
---@param all table
---@param rows table[]
---@param programs table[]
---@param missing string[] programs that are not here
---@return string
function M.markdown(all, rows, programs, missing)
  local out = {
    "# Results",
    "",
    "Made by `make bench`; what each row measures, and how, is in [README.md](README.md). CPU is",
    "the client's own, user and system, the median of its runs; the ratio by bare C counts.",
  }
  for _, row in ipairs(rows) do
    local results = all[row.name]
    if results then
      out[#out + 1] = ("\n## %s (`%s`)\n"):format(row.title, row.name)
      out[#out + 1] = verdict(row, results, programs):gsub("^%l", string.upper) .. ".\n"
      out[#out + 1] = "| " .. table.concat(HEADINGS, " | ") .. " |"
      out[#out + 1] = "| --- | ---: | ---: | ---: | ---: | --- |"
      for _, line in ipairs(lines_of(row, results, programs)) do
        out[#out + 1] = "| " .. table.concat(line, " | ") .. " |"
      end
    end
  end
  if all.instructions then
    out[#out + 1] = ("\n## Instructions for a request of `http1`\n\n%s: %.0f. %s: %.0f."):format(
      YARDSTICK, all.instructions[YARDSTICK], OURS, all.instructions[OURS])
  end
  out[#out + 1] = "\n## Measured on\n"
  for _, version in ipairs(VERSIONS) do
    local said = shell.read("exec 2>/dev/null; " .. version[2])
    local told = said:match(version[3] and "[^\n]+" or "[%d][%w.%-+~:]*")
    out[#out + 1] = told and ("- %s %s"):format(version[1], told)
  end
  if missing[1] then
    out[#out + 1] = "\nNot there, so left out: " .. table.concat(missing, ", ") .. "."
  end
  return table.concat(out, "\n") .. "\n"
end

return M
