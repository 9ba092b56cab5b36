--- Small helpers on the shell, and clean-up that outlives the suite.
---
--- busted loads every module anew for each spec file, so what must last for the whole run is kept
--- in Lua's registry (`M.once`), not in a module's local.

local uv = require "curlew.uv"

local M = {}

--- Quotes `text` for the shell.
---@param text string
---@return string
function M.quote(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

--- Runs a shell command and waits for it. Lua 5.1 and 5.4 tell success differently.
---@param command string
---@return boolean success
function M.run(command)
  local status = os.execute(command)
  return status == true or status == 0
end

--- Runs a shell command and returns what it wrote, without the last newline.
---@param command string
---@return string
function M.read(command)
  local pipe = assert(io.popen(command, "r"))
  local text = pipe:read("*a")
  pipe:close()
  return (text:gsub("\n$", ""))
end

--- Writes a whole file. Raises when it cannot.
---@param path string
---@param text string
function M.write_file(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

--- Reads a whole file.
---@param path string
---@return string|nil text nil when there is no such file
function M.read_file(path)
  local file = io.open(path, "rb")
  if not file then
    return nil
  end
  local text = file:read("*a")
  file:close()
  return text
end

--- The names in a folder, sorted; none where there is no such folder.
---@param path string
---@return string[]
function M.names(path)
  local names, scan = {}, uv.fs_scandir(path)
  local name = scan and uv.fs_scandir_next(scan)
  while name do
    names[#names + 1], name = name, uv.fs_scandir_next(scan)
  end
  table.sort(names)
  return names
end

--- Runs a shell command once this process has ended, however it ended: a watcher in a session of
--- its own, which a Ctrl-C or a hang-up of the terminal does not reach, looks five times a second.
---@param command string
function M.after_death(command)
  local script = 'tail -s 0.2 --pid="$0" -f /dev/null; ' .. command
  local line = "LD_PRELOAD= setsid sh -c %s $PPID </dev/null >/dev/null 2>&1 &"
  assert(M.run(line:format(M.quote(script))), "cannot start the watcher")
end

--- Makes a temporary directory, which is removed once this process has ended.
---@param before? string a shell command to run before it is removed; its directory is that one
---@return string path
function M.scratch(before)
  local dir = M.read('mktemp -d "${TMPDIR:-/tmp}/curlew-spec.XXXXXX"')
  assert(dir ~= "", "cannot make a temporary directory")
  local quoted = M.quote(dir)
  M.after_death(("cd %s && {\n%s\n}\ncd /\nrm -rf %s"):format(quoted, before or ":", quoted))
  return dir
end

--- The value of `key` for the whole run, made by `make()` at the first call.
---@param key string
---@param make fun(): any
---@return any
function M.once(key, make)
  local registry = debug.getregistry()
  local name = "curlew.spec." .. key
  if registry[name] == nil then
    registry[name] = make()
  end
  return registry[name]
end

--- Forgets what `once` keeps under `key`.
---@param key string
function M.forget(key)
  debug.getregistry()["curlew.spec." .. key] = nil
end

local function ignore() end

--- Lets luv finish what was closed, unless a loop turns already, which will. luv 1.44 crashes when
--- the Lua state ends while a closed handle still waits for its turn of the loop.
function M.settle()
  if not uv.loop_mode() then
    uv.run("nowait")
  end
end

--- Turns luv's loop until `predicate()` is true, which is looked at after each event and every 5
--- ms. For use outside tasks; inside one, the loop turns already: sleep there.
---@param predicate fun(): any
---@param seconds? number how long at most; 10
---@return boolean whether it came true
function M.turn(predicate, seconds)
  if uv.loop_mode() then
    error("the loop turns already: inside a task, wait with curlew.sleep", 2)
  end
  local deadline = uv.hrtime() / 1e9 + (seconds or 10)
  local timer = assert(uv.new_timer())
  timer:start(5, 5, ignore)
  local ok, result = pcall(function()
    local came = predicate()
    while not came and uv.hrtime() / 1e9 < deadline do
      uv.run("once")
      came = predicate()
    end
    return came and true or false
  end)
  timer:close()
  M.settle()
  if not ok then
    error(result, 0)
  end
  return result
end

return M
