--- Runs one program once on one row: what it has measured itself, and what is seen from outside.

local process = require "support.process"
local servers = require "servers"
local shell = require "support.shell"
local uv = require "curlew.uv"

local TIME_LIMIT = 180 -- seconds
local UNSUPPORTED = 3 -- exit status
local COUNTER = uv.cwd() .. "/build/bench/lookups.so"

local M = {}

-- What is wrong with the files that a program has left, or nil.
local function complain_of_files(directory, count, bytes)
  local names = shell.names(directory)
  for _, name in ipairs(names) do
    local size = uv.fs_stat(directory .. "/" .. name).size
    if size ~= bytes then
      return ("%s has %d bytes"):format(name, size)
    end
  end
  return #names ~= count and ("%d files"):format(#names) or nil
end

local function remove_files(directory)
  for _, name in ipairs(shell.names(directory)) do
    assert(uv.fs_unlink(directory .. "/" .. name))
  end
end

-- Adds the lookups of all processes of the program.
local function read_lookups(path, measured)
  local lookups, at_once = 0, 0
  for count, most in (shell.read_file(path) or ""):gmatch("(%d+) (%d+)") do
    lookups, at_once = lookups + count, math.max(at_once, tonumber(most))
  end
  os.remove(path)
  if lookups > 0 then
    measured.lookups, measured.lookups_at_once = lookups, at_once
  end
end

local function command_of(program, row, site, directory)
  local command = { timeout = TIME_LIMIT, env = { BENCH_CA = false } }
  for name, value in pairs(program.env or {}) do
    command.env[name] = value
  end
  if row.site == "https" then
    command.env.BENCH_CA = row.bundle and site.files.bundle or site.files.ca
  elseif row.site == "name" then
    command.env.LD_PRELOAD, command.env.BENCH_LOOKUPS = COUNTER, directory .. ".lookups"
  end
  for _, word in ipairs(program.command) do
    command[#command + 1] = word
  end
  for _, word in ipairs { row.work, site.urls[row.site] .. row.path, ("%d"):format(row.total),
    ("%d"):format(row.concurrency), directory } do
    command[#command + 1] = word
  end
  return command
end

local function said(result)
  return result.timed_out and ("not done in %d s"):format(TIME_LIMIT)
    or result.stderr:match("[^\n]+") or "status " .. tostring(result.status)
end

--- Runs it. Files are to be left in `directory`, which is empty before and after.
---@param program table of programs.lua
---@param row table of rows.lua
---@param site {urls: table, files: table} what servers.start has returned
---@param directory string
---@return table<string, number>|nil measured wall (s), cpu_us, connections, lookups...
---@return string|nil reason why there is nothing
function M.run(program, row, site, directory)
  local counting = row.site == "slow" and site.urls.slow or site.urls.http
  local before = servers.accepted(counting)
  local result = process.run(command_of(program, row, site, directory))
  local connections = servers.accepted(counting) - before - 1
  local wrong = row.files and complain_of_files(directory, row.files[1], row.files[2])
  remove_files(directory)
  if result.status == UNSUPPORTED then
    return nil, result.stdout:match("unsupported: ([^\n]*)") or "not that work"
  end
  local measured = { connections = connections }
  for name, value in result.stdout:gmatch("([%w_]+)=([%d.]+)") do
    measured[name] = tonumber(value)
  end
  read_lookups(directory .. ".lookups", measured)
  if result.status ~= 0 or not measured.cpu_us or measured.failed ~= 0 then
    local many = measured.failed and measured.failed > 0 and ("%d, "):format(measured.failed)
    return nil, ("failed: %s%s"):format(many or "", said(result))
  elseif wrong then
    return nil, "failed: " .. wrong
  end
  return measured
end

return M
