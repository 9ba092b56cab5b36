-- What lua/curlew/types.lua and option_types.lua tell editors is what there is: compared with the
-- tables and objects themselves.

local checks = require "curlew.checks"
local curl = require "curlew.curl"
local curlew = require "curlew"
local download = require "curlew.download"
local errors = require "curlew.error"
local events = require "curlew.events"
local jar = require "curlew.jar"
local json = require "curlew.json"
local multipart = require "curlew.multipart"
local nginx = require "support.nginx"
local options = require "curlew.options"
local reading = require "curlew.reading"
local retry = require "curlew.retry"
local shell = require "support.shell"
local task = require "curlew.task"

local TEXT = shell.read_file "lua/curlew/types.lua" .. shell.read_file "lua/curlew/option_types.lua"

-- What is in the real tables and is for curlew itself.
local INTERNAL = {
  ["curlew.tasks"] = {
    "roots", "spawn_in", "wake", "wake_all", "due", "check_task", "checkpoint", "park", "wait_in",
    "protect",
  },
  ["curlew.testing"] = { "testing" },
  ["curlew.Task"] = { "note", "note_failure", "cancel_with", "ring" },
  ["curlew.Coroutine"] = { "into_function" },
  ["curlew.Group"] = { "adopt", "child_ended", "cancel_children" },
  ["curlew.Session"] = { "close_if_lost", "count" },
  ["curlew.Response"] = { "belong" },
  ["curlew.Display"] = { "abandon" },
}

-- Classes of what users give, of which curlew takes what it asks for and has no list.
local GIVEN = { ["curlew.Reader"] = true, ["curlew.Answer"] = true, ["curlew.Request"] = true }

-- Reads the classes, { name = { parent =, fields = { name = its type's first word } } }, and the
-- names of the types.
local function parse(text)
  local classes, types, current, mark = {}, {}, nil, nil
  for line in text:gmatch "[^\n]+" do
    local name, parent = line:match "^%-%-%-@class ([%w_.]+):? ?([%w_.]*)"
    local alias = line:match "^%-%-%-@alias ([%w_.]+)"
    local field, word = line:match "^%-%-%-@field ([%a_][%w_]*)%?? ([^%s(]+)"
    if line == "---@async" then
      mark = "async"
    elseif line:find "^function" then
      field, word, mark = line:match "[.:]([%w_]+)", mark or "fun", nil
    end
    if name then
      current = { parent = parent ~= "" and parent or nil, fields = {} }
      classes[name], types[name] = current, true
    elseif alias then
      types[alias] = true
    elseif field then
      assert(not current.fields[field], field .. " is there twice")
      current.fields[field] = word
    end
  end
  return classes, types
end

local classes, types = parse(TEXT)

local function sorted(set)
  local names = {}
  for name in pairs(set) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

-- The fields of a class, and of those above it.
local function fields(name)
  local all = {}
  while name do
    for field in pairs(classes[name].fields) do
      all[field] = true
    end
    name = classes[name].parent
  end
  return all
end

-- The names in tables that are for users: strings without underscores in front.
local function names_in(...)
  local all = {}
  for _, each in ipairs { ... } do
    for name in pairs(each) do
      if type(name) == "string" and not name:find "^__" then
        all[name] = true
      end
    end
  end
  return all
end

local function set_of(...)
  local set = {}
  for _, name in ipairs { ... } do
    set[name] = true
  end
  return set
end

local function upvalue(fn, wanted)
  for index = 1, math.huge do
    local name, value = debug.getupvalue(fn, index)
    assert(name, "no upvalue " .. wanted)
    if name == wanted then
      return value
    end
  end
end

-- The options that a function checks with `errors.check_options`.
local function options_of(fn, ...)
  local known
  local check = errors.check_options
  errors.check_options = function(_, expected) -- luacheck: ignore 122
    known = expected
    error("looked at", 0)
  end
  pcall(fn, ...)
  errors.check_options = check -- luacheck: ignore 122
  return names_in(known)
end

-- What an object has: its methods, and of its fields those that are named, which must be there.
local function object(value, ...)
  for _, name in ipairs { ... } do
    assert(value[name] ~= nil, name)
  end
  return names_in(getmetatable(value).__index, set_of(...))
end

-- By class: the names that there really are.
local real = {}

local function collect_tasks()
  local tasks = names_in(task, upvalue(getmetatable(task).__index, "homes"))
  real["curlew.tasks"] = tasks
  real["curlew"] = names_in(tasks, curlew, set_of "null")
  real["curlew.testing"] = names_in(task.testing)
  real["curlew.progress"] = names_in(curlew.progress)
  real["curlew.terminal"] = names_in(curlew.terminal)
  real["curlew.Task"] = object(task.current())
  local coroutine_object = task.async(function() end)()
  coroutine_object:await()
  real["curlew.Coroutine"] = object(coroutine_object)
  task.group(function(group)
    real["curlew.Group"] = object(group)
  end)
  local outcomes = task.settle { print, error }
  real["curlew.Outcome"] = names_in({ value = true }, outcomes[1], outcomes[2])
  real["curlew.Semaphore"] = object(task.semaphore(1))
  real["curlew.Lock"] = object(task.lock())
  real["curlew.Event"] = object(task.event())
  real["curlew.Condition"] = object(task.condition(), "lock")
  real["curlew.Queue"] = object(task.queue())
end

local function collect_http(session, url)
  local folder = shell.scratch()
  local told
  local res = assert(session:post(url .. "/echo", { body = "x", on_progress = function(progress)
    told = progress
  end }))
  real["curlew.Session"] = object(session)
  real["curlew.Response"] = names_in(reading.methods, res,
    upvalue(getmetatable(res).__index, "lazy"))
  real["curlew.Headers"] = names_in(upvalue(getmetatable(res.headers).__index, "methods"))
  real["curlew.Timing"] = names_in(res.timing)
  real["curlew.Progress"] = names_in(told, set_of "total") -- which was not known here
  real["curlew.ServerEvent"] = names_in(events.parser():feed("data: x\n\n")[1])
  real["curlew.EventSource"] = object(session:events(url), "last_event_id", "delay")
  real["curlew.Stats"] = names_in(session:stats())
  real["curlew.Cookie"] = names_in(upvalue(jar.format, "KNOWN"))
  real["curlew.Features"] = names_in(curlew.features())
  real["curlew.Downloaded"] = names_in(assert(curlew.download(url .. "/1k", folder .. "/1k")))
  real["curlew.Call"] = object(curlew.fetch_cb(url, nil, function() end))
end

local function collect_display()
  local stream = { write = function() end }
  local display = curlew.progress.display { stream = stream }
  real["curlew.Display"] = object(display)
  real["curlew.Row"] = object(display:add "x")
  real["curlew.Meter"] = object(curlew.progress.meter())
  real["curlew.Terminal"] = object(curlew.terminal.open(stream), "is_terminal", "colours")
  display:close()
end

local function collect_options()
  real["curlew.CommonOptions"] = names_in(options.request)
  real["curlew.Options"] = names_in(options.request, options.request_only)
  real["curlew.SessionOptions"] = names_in(options.request, options.session_only)
  real["curlew.DownloadOptions"] = names_in(upvalue(upvalue(download.download, "split"), "KNOWN"))
  real["curlew.Auth"] = names_in(upvalue(checks.auth, "AUTH_PARTS"))
  real["curlew.Timeout"] = names_in(upvalue(checks.timeout, "TIMEOUT_PARTS"))
  real["curlew.Retry"] = names_in(upvalue(retry.policy, "PARTS"))
  real["curlew.Part"] = names_in(upvalue(upvalue(multipart.check, "check_part"), "PART_FIELDS"))
  real["curlew.MapOptions"] = options_of(curlew.map, {}, print, {})
  real["curlew.WaitOptions"] = options_of(curlew.wait, {}, {})
  real["curlew.TestOptions"] = options_of(curlew.testing.run, print, {})
  real["curlew.DisplayOptions"] = options_of(curlew.progress.display, {})
  real["curlew.MeterOptions"] = options_of(curlew.progress.meter, {})
  local _ = curlew.null -- has the codec found
  real["curlew.JsonCodec"] = names_in(json.codec)
end

describe("the types for editors", function()
  lazy_setup(function()
    local url = nginx.start().url
    curlew.run(function()
      local session = curlew.session()
      collect_tasks()
      collect_http(session, url)
      collect_display()
      collect_options()
      session:close()
    end)
    local text = shell.read_file "lua/curlew/error.lua"
    local declared = parse(text:match "%-%-%-@class curlew.Error\n.-\nlocal ")
    real["curlew.Error"] = names_in(declared["curlew.Error"].fields)
  end)

  for _, name in ipairs(sorted(classes)) do
    if not GIVEN[name] then
      it(("have of %s what there is, and nothing else"):format(name), function()
        assert(real[name], "nothing to compare it with")
        for _, internal in ipairs(INTERNAL[name] or {}) do
          assert.is_true(real[name][internal], internal)
          real[name][internal] = nil
        end
        if name == "curlew" then
          for _, internal in ipairs(INTERNAL["curlew.tasks"]) do
            real[name][internal] = nil
          end
        end
        assert.same(sorted(real[name]), sorted(fields(name)))
      end)
    end
  end

  it("have all that is compared", function()
    for name in pairs(real) do
      assert.truthy(classes[name], name)
    end
  end)

  it("name no type that they do not have, and have none that they do not name", function()
    local named = { curlew = true }
    for line in TEXT:gmatch "%-%-%-[^\n]+" do
      local used = line:gsub("^%-%-%-@class [%w_.]+", ""):gsub("^%-%-%-@alias [%w_.]+", "")
      for name in used:gmatch "curlew%.[%a_]+" do
        named[name] = true
      end
    end
    assert.same(sorted(types), sorted(named))
  end)

  it("have all kinds of errors", function()
    local kinds = {}
    for kind in TEXT:match("alias curlew.Kind\n(.-)\n\n"):gmatch '"([%w_]+)"' do
      kinds[kind] = true
    end
    for _, list in ipairs { curl.results, curl.verdicts } do
      for _, result in pairs(list) do
        local kind = list == curl.results and result[2] or result[1]
        assert.is_true(kinds[kind], kind)
      end
    end
    local documented = { checksum = true } -- which is told of where downloads are
    local page = shell.read_file("docs/guide/http.md"):match "\n| kind | when(.-)\n\n"
    for kind in page:gmatch "\n| `([%w_]+)`" do
      documented[kind] = true
    end
    assert.same(sorted(documented), sorted(kinds))
  end)

  it("have those functions as async that are so where they are", function()
    local homes, compared = upvalue(getmetatable(task).__index, "homes"), 0
    -- The class of a function in a module, by the name of the table that it is put into.
    local function class_of(module, owner, name)
      if owner == "methods" then
        return module == "headers" and "curlew.Headers" or "curlew.Response"
      elseif owner ~= "M" then
        return "curlew." .. (owner == "Handle" and "Task" or owner)
      elseif homes[name] == "curlew." .. module or module == "task" then
        return "curlew.tasks"
      end
      return curlew[name] and "curlew" or "curlew." .. module
    end
    for _, file in ipairs(shell.names "lua/curlew") do
      local module, is_async = file:match "^(.*)%.lua$", false
      for line in shell.read_file("lua/curlew/" .. file):gmatch "[^\n]+" do
        local owner, name = line:match "^function (%w+)[.:]([%w_]+)"
        local class = owner and classes[class_of(module, owner, name)]
        local word = class and class.fields[name]
        if not module:find "types$" and (word == "async" or word == "fun") then
          assert.equal(is_async and "async" or "fun", word, file .. " " .. name)
          compared = compared + 1
        end
        is_async = line == "---@async" or (is_async and line:find "^%-%-" ~= nil)
      end
    end
    assert.is_true(compared > 80, compared)
  end)

  it("are for editors only: no program loads them", function()
    for _, name in ipairs { "types", "option_types" } do
      assert.matches("^%-%-%-@meta\n", shell.read_file(("lua/curlew/%s.lua"):format(name)))
      assert.is_nil(package.loaded["curlew." .. name])
    end
  end)
end)
