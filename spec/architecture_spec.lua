-- The laws of curlew's architecture, checked in the sources. Each rule is a pure function of source
-- text that returns a list of breaches, so that it is also shown to find one where there is one.

local core = require "curlew.core"
local uv = require "curlew.uv"

local ROOT = debug.getinfo(1, "S").source:match("^@(.-)spec[/\\][^/\\]*$")

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

-- The files of a folder that end with one of the given endings: { name = text }.
local function files(folder, ...)
  local found = {}
  local scan = assert(uv.fs_scandir(ROOT .. folder))
  for name in function() return uv.fs_scandir_next(scan) end do
    for _, ending in ipairs { ... } do
      if name:sub(-#ending) == ending then
        found[name:sub(1, -#ending - 1) .. (ending == ".lua" and "" or ending)] =
          read(ROOT .. folder .. "/" .. name)
      end
    end
  end
  assert(next(found), "no files in " .. folder)
  return found
end

-- Source without comments and, when `blank` is true, without the contents of strings.
local function strip(text, comments, blank)
  local out, i = {}, 1
  while i <= #text do
    local skip_to
    for _, comment in ipairs(comments) do
      local level = text:match("^" .. comment[1], i)
      if level then
        local ending = comment[2] == "]" and "]" .. level:match("=*") .. "]" or comment[2]
        local first, last = text:find(ending, i + 2, true)
        skip_to = ending == "\n" and (first or #text + 1) or (last or #text) + 1
        break
      end
    end
    local quote = text:match("^[\"']", i)
    if skip_to then
      out[#out + 1] = " "
      i = skip_to
    elseif quote then
      local j = i + 1
      while j <= #text and text:sub(j, j) ~= quote do
        j = j + (text:sub(j, j) == "\\" and 2 or 1)
      end
      out[#out + 1] = blank and quote .. quote or text:sub(i, j)
      i = j + 1
    else
      local run = text:match("^[^%-/\"']+", i) or text:sub(i, i)
      out[#out + 1] = run
      i = i + #run
    end
  end
  return table.concat(out)
end

local function c_code(text, blank)
  return strip(text, { { "/%*", "*/" }, { "//", "\n" } }, blank)
end

local function lua_code(text, blank)
  return strip(text, { { "%-%-%[(=*)%[", "]" }, { "%-%-", "\n" } }, blank)
end

local rules = {}

-- Law 1: C never calls Lua, and keeps no Lua state.
local CALLS = {}
for name in ([[lua_call lua_callk lua_pcall lua_pcallk lua_cpcall lua_resume lua_yield lua_yieldk
  lua_newthread lua_load lua_sethook luaL_ref luaL_unref luaL_loadstring luaL_loadbuffer
  luaL_loadfile luaL_dostring luaL_dofile luaL_callmeta luaL_tolstring luaL_requiref
  LUA_REGISTRYINDEX lua_gettable lua_settable lua_getglobal lua_setglobal lua_concat lua_arith
  lua_compare lua_equal lua_lessthan lua_len luaL_len]]):gmatch("%S+") do
  CALLS[name] = true
end

function rules.c_never_calls_lua(text)
  local code, breaches = c_code(text, true), {}
  for name in code:gmatch("[%a_][%w_]*") do
    if CALLS[name] then
      breaches[#breaches + 1] = "uses " .. name
    end
  end
  local depth = 0 -- a lua_State * is a parameter, or it is stored
  for token in code:gmatch("[()]?[^()]*") do
    depth = depth + (token:find("^%(") and 1 or token:find("^%)") and -1 or 0)
    if depth == 0 and token:find("%f[%w_]lua_State%f[^%w_]") then
      breaches[#breaches + 1] = "stores a lua_State"
    end
  end
  return breaches
end

function rules.callbacks_are_on(text)
  local code, breaches = c_code(text, true), {}
  for option, value in code:gmatch("(%u+FUNCTION)%s*,%s*&?([%a_][%w_]*)") do
    if not value:find("^on_") and value ~= "NULL" then
      breaches[#breaches + 1] = ("%s is %s"):format(option, value)
    end
  end
  for name in code:gmatch("%f[%w_](on_[%w_]+)%s*%([^()]*lua_State") do
    breaches[#breaches + 1] = name .. " takes a lua_State"
  end
  return breaches
end

-- Law 2: one place resumes coroutines, and one yields.
function rules.coroutines(name, text)
  local code, breaches = lua_code(text, true), {}
  local allowed = { resume = name == "task", yield = name == "task", wrap = name == "uv" }
  for use in code:gmatch("%f[%w_]coroutine%f[^%w_]%s*([^\n]?[^\n]?[%w_]*)") do
    local member = use:match("^%.%s*([%w_]+)")
    if not member or allowed[member] == false then
      breaches[#breaches + 1] = "coroutine." .. (member or use)
    end
  end
  local _, wraps = code:gsub("coroutine%.wrap", "")
  if wraps > 1 then
    breaches[#breaches + 1] = "wraps more than once"
  end
  return breaches
end

-- Law 3: one file names luv, one requires the core; C knows nothing of libuv.
function rules.doors(name, text)
  local code, breaches = lua_code(text), {}
  for _, pattern in ipairs {
    "require%s*%(?%s*[\"']luv[\"']", "vim%s*%.%s*uv%f[^%w_]", "vim%s*%.%s*loop%f[^%w_]",
    "loaded%s*%.%s*luv%f[^%w_]", "[\"']luv[\"']",
  } do
    if name ~= "uv" and code:find(pattern) then
      breaches[#breaches + 1] = "names luv"
      break
    end
  end
  if name ~= "curl" and code:find("curlew%.core") then
    breaches[#breaches + 1] = "names curlew.core"
  end
  return breaches
end

function rules.no_libuv(text)
  local breaches = {}
  if c_code(text):find("#%s*include%s*[<\"][^>\"]*uv[^>\"]*[>\"]") then
    breaches[#breaches + 1] = "includes libuv"
  end
  for name in c_code(text, true):gmatch("%f[%w_]uv_[%w_]+") do
    breaches[#breaches + 1] = "uses " .. name
  end
  return breaches
end

-- Law 4: of `nm -D`: luaopen_* and nothing else goes out, and nothing of libuv comes in.
function rules.symbols(listing)
  local breaches, opens = {}, 0
  for kind, symbol in listing:gmatch("%f[%a]([%a]) ([^\n@]+)[^\n]*") do
    if kind == "U" or kind == "w" then
      if symbol:find("^uv_") then
        breaches[#breaches + 1] = "needs " .. symbol
      end
    elseif symbol:find("^luaopen_") then
      opens = opens + 1
    elseif not symbol:find("^_") then -- the linker's and the sanitizer's own
      breaches[#breaches + 1] = "exports " .. symbol
    end
  end
  if opens ~= 1 then
    breaches[#breaches + 1] = ("exports %d luaopen functions"):format(opens)
  end
  return breaches
end

function rules.libraries(listing)
  local breaches = {}
  for library in listing:gmatch("NEEDED[^\n]-([%w_.+-]+%.so[%w.]*)") do
    if library:find("^libuv") or library:find("^libluv") or library:find("^liblua") then
      breaches[#breaches + 1] = "needs " .. library
    end
  end
  return breaches
end

-- Law 5: no cycles, and downwards only. `sources` is { module = text }.
local function arrows(sources)
  local graph = {}
  for name, text in pairs(sources) do
    graph[name] = {}
    for target in lua_code(text):gmatch("require%s*%(?%s*[\"']curlew%.([%w_.]+)[\"']") do
      if target ~= "core" then
        graph[name][target] = true
      end
    end
  end
  return graph
end

function rules.cycles(sources)
  local graph, state, breaches = arrows(sources), {}, {}
  local function visit(name, path)
    path = path == "" and name or path .. " > " .. name
    if state[name] == "open" then
      breaches[#breaches + 1] = "cycle: " .. path
    elseif not graph[name] then
      breaches[#breaches + 1] = "no such module: " .. path
    elseif not state[name] then
      state[name] = "open"
      for target in pairs(graph[name]) do
        visit(target, path)
      end
      state[name] = "done"
    end
  end
  for name in pairs(graph) do
    visit(name, "")
  end
  return breaches
end

local LAYERS = {
  { "uv", "error", "headers", "json" },
  { "task" },
  { "time", "scope", "sync", "fs" },
  { "loop", "request", "response", "session" },
  { "download", "progress", "terminal" },
  { "init" },
}
local LEVEL = {}
for level, names in ipairs(LAYERS) do
  for _, name in ipairs(names) do
    LEVEL[name] = level
  end
end

local PURE = {
  "headers", "json", "form", "nearest", "secrets", "version", "error", "list", "url", "options",
  "request", "redirect", "failure", "pool", "retry", "events", "lines", "multipart", "jar",
  "verbose",
}

local function reached(graph, from, seen)
  seen = seen or {}
  for target in pairs(graph[from] or {}) do
    if not seen[target] then
      seen[target] = true
      reached(graph, target, seen)
    end
  end
  return seen
end

function rules.downwards(sources)
  local graph, breaches = arrows(sources), {}
  for name, level in pairs(LEVEL) do
    for target in pairs(reached(graph, name)) do
      if (LEVEL[target] or 0) > level then
        breaches[#breaches + 1] = ("%s reaches up to %s"):format(name, target)
      end
    end
  end
  for _, name in ipairs(PURE) do
    local seen = reached(graph, name)
    if seen.uv or seen.task then
      breaches[#breaches + 1] = name .. " is no longer pure"
    end
  end
  return breaches
end

-- What is required by a computed name; only task.lua's table of homes may be.
function rules.computed_requires(name, text)
  local code, breaches = lua_code(text, true), {}
  for after in code:gmatch("%f[%w_]require%f[^%w_]%s*%(?%s*([^\n]?[%w_]*)") do
    if not after:find("^[\"']") and not (name == "task" and after == "home") then
      breaches[#breaches + 1] = "requires " .. after
    end
  end
  return breaches
end

-- Law 6: no wish for 0 ms; Lua arms its timer only when told to.
function rules.alarm(text)
  local code, breaches = c_code(text), {}
  local body = code:match("int64_t%s+client_alarm%s*%b()%s*(%b{})")
  if not body then
    return { "there is no client_alarm" }
  end
  for value in body:gmatch("return%s+([^;]-)%s*;") do
    local wait = value:match("^([%w_]+) > 1 %? [%w_]+ : 1$")
    if value ~= "-1" and not (wait and value == ("%s > 1 ? %s : 1"):format(wait, wait)) then
      breaches[#breaches + 1] = "returns " .. value
    end
  end
  local timer = code:match("int%s+on_timer%s*%b()%s*(%b{})")
  if not timer or timer:find("curl_[%w_]*%s*%(") then
    breaches[#breaches + 1] = "on_timer does more than record"
  end
  return breaches
end

function rules.rearming(text)
  local code = lua_code(text)
  local _, all = code:gsub("timer:start%(", "")
  local _, told = code:gsub("if wait then%s+[%w_.]*timer:start%(wait, 0, [%w_.]+%)%s+end", "")
  return (all == told and all == 1) and {} or { ("arms %d times, %d when told"):format(all, told) }
end

-- Law 7: what luv calls back is made by turn.entry, or is turn.turn.
local function last_argument(list)
  local plain = list:sub(2, -2):gsub("%b()", function(inner)
    return inner:gsub(",", ";")
  end)
  return plain:match("([^,]*)$"):gsub("^%s+", ""):gsub("%s+$", "")
end

function rules.entries(name, text)
  local code, breaches = lua_code(text, true), {}
  local function check(call, callback)
    local own = name == "turn" and "M%." or "turn%."
    if callback:find("^" .. own .. "entry%s*%(") or callback:find("^" .. own .. "turn$") then
      return
    end
    local escaped = callback:gsub("%p", "%%%0")
    local assigned, made = 0, 0
    for value in code:gmatch("%f[%w_.]" .. escaped .. "%s*=%s*([^=\n][^\n]*)") do
      assigned = assigned + 1
      made = made + (value:find("^" .. own .. "entry%s*%(") and 1 or 0)
    end
    if not callback:find("^[%a_][%w_.]*$") or assigned == 0 or assigned ~= made then
      breaches[#breaches + 1] = ("%s gets %s"):format(call, callback:match("^[^\n]*"))
    end
  end
  local calls = code:gsub("function%s+[%w_.:]+%s*%b()", "")
  for receiver, method, list in calls:gmatch("([%w_.]+):([%w_]+)%s*(%b())") do
    local enters = method == "start" or method == "listen" or method:find("^re[cva]+d?_start$")
    local what = receiver:match("[%w_]+$")
    if enters and what ~= "client" and what ~= "driver" then
      check(receiver .. ":" .. method, last_argument(list))
    end
  end
  for method, list in code:gmatch("%f[%w_]uv%.([%w_]+)%s*(%b())") do
    local callback = last_argument(list)
    if method == "new_async" or callback:find("^function") then
      check("uv." .. method, callback)
    end
  end
  return breaches
end

-- Law 8: transfers end before the multi handle goes.
function rules.close_order(text)
  local code, breaches, found = c_code(text), {}, 0
  for name, body in code:gmatch("([%w_]+)%s*%b()%s*(%b{})") do
    local cleanup = body:find("curl_multi_cleanup%s*%(") or body:find("shard_close%s*%(")
    if cleanup and name ~= "shard_close" then
      found = found + 1
      local ending = body:find("end_all%s*%(")
      if not ending or ending > cleanup then
        breaches[#breaches + 1] = name .. " drops the multi handle first"
      end
    end
  end
  if not code:find("void%s+client_close%s*%b()%s*{") or found == 0 then
    breaches[#breaches + 1] = "there is no client_close"
  end
  return breaches
end

-- Sizes: lines in a file, and bytes in a line, where a letter that is not ASCII counts as one.
function rules.shape(text, width)
  local breaches, count = {}, 0
  for line in text:gmatch("([^\n]*)\n") do
    count = count + 1
    if #line:gsub("[\128-\191]", "") > width then
      breaches[#breaches + 1] = ("line %d is longer than %d"):format(count, width)
    end
    if line:find("\t", 1, true) then
      breaches[#breaches + 1] = ("line %d has a tab"):format(count)
    end
  end
  if count >= 320 then
    breaches[#breaches + 1] = ("%d lines"):format(count)
  end
  return breaches
end

-- Where the loaded core lies. Lua 5.1 has no package.searchpath.
local function core_path()
  for template in package.cpath:gmatch("[^;]+") do
    local path = template:gsub("%?", "curlew/core")
    local file = io.open(path, "rb")
    if file then
      file:close()
      return path
    end
  end
  error("the loaded curlew.core is nowhere on package.cpath")
end

local function output(command)
  local pipe = assert(io.popen("LD_PRELOAD= LC_ALL=C " .. command))
  local text = pipe:read("*a")
  pipe:close()
  assert(text ~= "", "no answer: " .. command)
  return text
end

local lua, c = files("lua/curlew", ".lua"), files("src", ".c", ".h")

-- Applies a rule to each file; expects no breach.
local function holds(rule, sources, ...)
  local all = {}
  for name, text in pairs(sources) do
    for _, breach in ipairs(rule(text, ...)) do
      all[#all + 1] = name .. ": " .. breach
    end
  end
  assert.same({}, all)
end

local function holds_by_name(rule, sources)
  local all = {}
  for name, text in pairs(sources) do
    for _, breach in ipairs(rule(name, text)) do
      all[#all + 1] = name .. ": " .. breach
    end
  end
  assert.same({}, all)
end

local function finds(breaches, pattern)
  assert.matches(pattern, table.concat(breaches, "\n"))
end

-- The sources of curlew, with some changed.
local function changed(changes)
  local all = {}
  for name, text in pairs(lua) do
    all[name] = text
  end
  for name, text in pairs(changes) do
    all[name] = (all[name] or "") .. "\n" .. text
  end
  return all
end

describe("law 1: C never calls Lua", function()
  it("holds in every file", function()
    holds(rules.c_never_calls_lua, c)
  end)

  it("is seen broken", function()
    for name in pairs(CALLS) do
      finds(rules.c_never_calls_lua("int l_x(lua_State *L) { " .. name .. "(L, 0, 0); }"),
        "uses " .. name)
    end
    for _, line in ipairs {
      "struct client { lua_State *L; };", "static lua_State *state;", "lua_State const *x = L;",
      "struct s { int (*fn)(lua_State *L); lua_State *kept; };",
    } do
      finds(rules.c_never_calls_lua(line), "stores a lua_State")
    end
    for _, line in ipairs {
      "/* lua_call */", "// lua_State *L;", 'luaL_error(L, "lua_call");', "int f(lua_State *L);",
      "int my_lua_call(void);", "struct s { int (*fn)(lua_State *L); };",
    } do
      assert.same({}, rules.c_never_calls_lua(line))
    end
  end)

  it("has curl's callbacks record only, under names with on_", function()
    holds(rules.callbacks_are_on, c)
    finds(rules.callbacks_are_on("SET(WRITEFUNCTION, write_body);"), "WRITEFUNCTION is write_body")
    finds(rules.callbacks_are_on("f(m, CURLMOPT_TIMERFUNCTION, &timer);"), "is timer")
    finds(rules.callbacks_are_on("int on_x(int a, lua_State *L);"), "takes a lua_State")
    assert.same({}, rules.callbacks_are_on("SET(WRITEFUNCTION, on_write); x(READFUNCTION, NULL);"))
  end)
end)

describe("law 2: task.lua alone resumes and yields", function()
  it("holds in every file", function()
    holds_by_name(rules.coroutines, lua)
  end)

  it("is seen broken", function()
    for _, line in ipairs {
      "coroutine.resume(co)", "local y = coroutine.yield", "coroutine . wrap(f)",
      "local c = coroutine", "coroutine['resume'](co)",
    } do
      finds(rules.coroutines("session", line), "coroutine%.")
    end
    finds(rules.coroutines("task", "coroutine.wrap(f)"), "wrap")
    finds(rules.coroutines("uv", "coroutine.wrap(f) coroutine.wrap(g)"), "more than once")
    for _, line in ipairs {
      "-- coroutine.resume", "--[[ coroutine.yield ]]", "local s = 'coroutine.yield'",
      "coroutine.create(f)", "coroutine.running()", "my_coroutine.resume()",
    } do
      assert.same({}, rules.coroutines("session", line))
    end
    assert.same({}, rules.coroutines("task", "local r, y = coroutine.resume, coroutine.yield"))
  end)
end)

describe("law 3: one door to luv and one to the core", function()
  it("holds in every file", function()
    holds_by_name(rules.doors, lua)
    holds(rules.no_libuv, c)
  end)

  it("is seen broken", function()
    for _, line in ipairs {
      'local uv = require "luv"', "require('luv')", "local uv = vim.uv", "x = vim.loop or y",
      "package.loaded.luv", 'package.loaded["luv"]', 'pcall(require, "luv")',
    } do
      finds(rules.doors("session", line), "names luv")
      assert.same({}, rules.doors("uv", line))
    end
    finds(rules.doors("session", 'local core = require "curlew.core"'), "names curlew.core")
    assert.same({}, rules.doors("curl", 'local core = require "curlew.core"'))
    assert.same({}, rules.doors("session", '-- require "luv", vim.uv'))
    assert.same({}, rules.doors("session", 'local uv = require "curlew.uv"'))
    finds(rules.no_libuv("#include <uv.h>\n"), "includes libuv")
    finds(rules.no_libuv('# include "luv/luv.h"\n'), "includes libuv")
    finds(rules.no_libuv("uv_timer_start(&t);"), "uses uv_timer_start")
    assert.same({}, rules.no_libuv("#include <curl/curl.h>\nint luv_x; /* uv_run */"))
  end)
end)

describe("law 4: the shared object exports luaopen_* only", function()
  it("holds in the one that is loaded", function()
    assert.is_not_nil(core.features)
    local path = "'" .. core_path():gsub("'", "'\\''") .. "'"
    assert.same({}, rules.symbols(output("nm -D " .. path)))
    local needed = output("objdump -p " .. path)
    assert.matches("NEEDED.-libcurl", needed)
    assert.same({}, rules.libraries(needed))
  end)

  it("is seen broken", function()
    local fine = "00001 T luaopen_curlew_core\n      U lua_next\n      w __gmon_start__\n"
    assert.same({}, rules.symbols(fine))
    assert.same({}, rules.symbols(fine .. "      U curl_easy_init@CURL_OPENSSL_4\n"))
    finds(rules.symbols(fine .. "00002 T client_open\n"), "exports client_open")
    finds(rules.symbols(fine .. "00002 B shared\n"), "exports shared")
    finds(rules.symbols(fine .. "      U uv_run\n"), "needs uv_run")
    finds(rules.symbols(""), "exports 0 luaopen")
    finds(rules.libraries("  NEEDED               libuv.so.1\n"), "needs libuv.so.1")
    finds(rules.libraries("  NEEDED               liblua5.4.so.0\n"), "needs liblua5.4")
    assert.same({}, rules.libraries("  NEEDED               libcurl.so.4\n  NEEDED  libc.so.6\n"))
  end)
end)

describe("law 5: modules point one way", function()
  it("holds: no cycles, downwards only, and no computed names but task's homes", function()
    assert.same({}, rules.cycles(lua))
    assert.same({}, rules.downwards(lua))
    holds_by_name(rules.computed_requires, lua)
  end)

  it("holds for the modules that task.lua loads when asked", function()
    local homes = assert(lua.homes:match("in pairs (%b{}) do"))
    local count = 0
    for home in homes:gmatch("([%w_]+) = {") do
      assert.is_not_nil(lua[home], home)
      count = count + 1
    end
    assert.is_true(count > 0)
  end)

  it("is seen broken", function()
    finds(rules.cycles(changed { error = 'local s = require "curlew.session"' }), "cycle: .*error")
    finds(rules.cycles(changed { version = "require('curlew.version')" }), "version > version")
    finds(rules.cycles {
      a = 'require "curlew.b"', b = 'require "curlew.c"', c = 'require "curlew.a"',
    }, "cycle: %w > %w > %w > %w")
    finds(rules.cycles { a = 'require "curlew.b"' }, "no such module: a > b")
    assert.same({}, rules.cycles { a = 'require "curlew.b" require "curlew.c"', b = "",
      c = 'require "curlew.b" -- require "curlew.a"' })
    finds(rules.downwards(changed { error = 'require "curlew.session"' }), "error reaches up to")
    finds(rules.downwards(changed { turn = 'require "curlew.loop"' }), "task reaches up to loop")
    finds(rules.downwards(changed { pool = 'require "curlew.uv"' }), "pool is no longer pure")
    finds(rules.computed_requires("session", "local m = require(name)"), "requires name")
    finds(rules.computed_requires("session", "pcall(require, x)"), "requires ,")
    finds(rules.computed_requires("session", "require(home)"), "requires home")
  end)
end)

describe("law 6: the timer is armed only when curl asks", function()
  it("holds in the sources", function()
    assert.same({}, rules.alarm(c["shard.c"] .. c["step.c"]))
    assert.same({}, rules.rearming(lua.loop))
  end)

  it("holds in what the core says: never 0 ms, and each wish once", function()
    local client = core.client(5)
    local news = {}
    for i = 1, 20 do
      assert(client:start({ idle = i / 1000 }, "http://127.0.0.1:1/"))
    end
    local ended, wishes = 0, 0
    for round = 1, 50 do
      local count, wait = client:step(round % 3 == 0, news)
      ended = ended + count
      assert.is_true(wait == nil or (wait >= 1 and wait % 1 == 0))
      wishes = wishes + (wait and 1 or 0)
    end
    assert.equal(20, ended)
    assert.is_true(wishes <= 50)
    local count, wait = client:step(false, news)
    assert.equal(0, count)
    assert.is_nil(wait)
    client:close()
  end)

  it("is seen broken", function()
    local source = c["shard.c"] .. c["step.c"]
    local function with(old, new)
      local first, last = source:find(old, 1, true)
      return source:sub(1, assert(first) - 1) .. new .. source:sub(last + 1)
    end
    finds(rules.alarm(with("return wait > 1 ? wait : 1;", "return wait;")), "returns wait")
    finds(rules.alarm(with("wait > 1 ? wait : 1", "wait > 0 ? wait : 0")), "returns wait > 0")
    finds(rules.alarm(with("shard->curl_due = timeout",
      "curl_multi_socket_action(multi, 0, 0, 0); shard->curl_due = timeout")), "more than record")
    finds(rules.alarm("int x;"), "no client_alarm")
    finds(rules.rearming(lua.loop .. "\ndriver.timer:start(0, 0, f)\n"), "2 times, 1 when told")
    finds(rules.rearming((lua.loop:gsub("if wait then", "if true then"))), "1 times, 0 when told")
  end)
end)

describe("law 7: luv enters by one door", function()
  it("holds in every file", function()
    holds_by_name(rules.entries, lua)
  end)

  it("is seen broken", function()
    for line, breach in pairs {
      ["timer:start(5, 0, function() end)"] = "timer:start gets function",
      ["poll:start('r', on_ready)"] = "poll:start gets on_ready",
      ["idle:start(step)\nlocal step = other(f)"] = "idle:start gets step",
      ["x.timer:start(1, 0, x.f)\nx.f = turn.entry(g)\nx.f = g"] = "gets x%.f",
      ["uv.new_async(f)"] = "uv%.new_async gets f",
      ["uv.fs_stat(path, function() end)"] = "uv%.fs_stat gets function",
      ["signal:start('sigint', turn.entry)"] = "gets turn%.entry",
      ["socket:read_start(f)"] = "gets f",
      ["server:listen(5, f)"] = "gets f",
      ["idle:start(M.turn)"] = "gets M%.turn",
    } do
      finds(rules.entries("loop", line), breach)
    end
    for _, line in ipairs {
      "timer:start(5, 0, turn.entry(function() return a, b end))", "idle:start(turn.turn)",
      "timer:start(1, 0, ring)\nring = turn.entry(function() end)", "client:start(options)",
      "driver.timer:start(wait, 0, driver.f)\ndriver.f = turn.entry(g)", "-- timer:start(f)",
      "self.client:start(options, body)", "uv.new_async(turn.entry(f))", "uv.hrtime()",
    } do
      assert.same({}, rules.entries("loop", line))
    end
    assert.same({}, rules.entries("turn", "idle:start(M.turn)"))
  end)
end)

describe("law 8: a client that closes ends its transfers first", function()
  it("holds in the sources", function()
    assert.same({}, rules.close_order(c["shard.c"] .. c["client.c"]))
    assert.matches("client_close%s*%(", (c["api.c"]:match("static int l_close%b()%s*(%b{})")))
    assert.matches('"__gc", l_close', c["api.c"], 1, true)
  end)

  it("holds when it happens, by close and by collection", function()
    for _, close in ipairs { true, false } do
      local client = core.client(5)
      for _ = 1, 50 do
        assert(client:start({}, "http://127.0.0.1:1/", 0, "body"))
      end
      client:step(false, {})
      for _ = 1, 50 do
        assert(client:start({}, "http://127.0.0.1:1/"))
      end
      if close then
        client:close()
      end
    end
    collectgarbage()
    collectgarbage()
  end)

  it("is seen broken", function()
    finds(rules.close_order("void client_close(struct client *c) { curl_multi_cleanup(c->m); "
      .. "end_all(c, 0); }"), "client_close drops")
    finds(rules.close_order("void client_close(void) { }"), "no client_close")
    local source = c["client.c"]:gsub("client_end_all%(client, NULL, [%w_]+%);", "")
    finds(rules.close_order(source), "client_close drops the multi handle first")
  end)
end)

describe("the shape of the sources", function()
  it("is within its limits: 320 lines, 100 columns of Lua and 90 of C, no tabs", function()
    holds(rules.shape, lua, 100)
    holds(rules.shape, c, 90)
  end)

  it("is seen broken", function()
    finds(rules.shape(("x"):rep(101) .. "\n", 100), "line 1 is longer")
    finds(rules.shape("a\n\tb\n", 100), "line 2 has a tab")
    finds(rules.shape(("x\n"):rep(320), 100), "320 lines")
    assert.same({}, rules.shape(("\195\169"):rep(90) .. "\n", 90))
  end)
end)
