--- What is compared: curlew, bare C, and the peers. A program that cannot do a work says so, with
--- status 3; one whose interpreter or library is missing is named, too.
---
---   command   words, to which the work and its arguments are added
---   env       more environment
---   needs     a command which succeeds when what the program needs is there
---   no_peer   it does not count where curlew is compared with its peers

local PEERS = "bench/peers/"
local PYTHON = "/usr/bin/python3" -- Debian's, for which its packages are
local UNDICI = { "test", "-d", "build/bench/node_modules/undici" }

-- Debian has the pure Lua ones for other Luas only, and Lua-cURL is a rock of ours.
local LUA = {
  LUA_PATH = package.path .. ";build/bench/rocks/share/lua/5.4/?.lua;/usr/share/lua/5.1/?.lua",
  LUA_CPATH = package.cpath .. ";build/bench/rocks/lib/lua/5.4/?.so",
}

local function lua_needs(module)
  return { "lua5.4", "-e", ("require %q"):format(module) }
end

local function python_needs(modules)
  return { PYTHON, "-c", "import " .. modules }
end

return {
  { name = "bare C", command = { "build/bench/bare" }, no_peer = true },
  {
    name = "curlew", command = { os.getenv "LUA" or "lua5.4", "bench/curlew.lua" }, no_peer = true,
  },
  {
    name = "curlew, LuaJIT", command = { "luajit", "bench/curlew.lua" },
    needs = { "luajit", "-e", "require 'curlew.core'" }, no_peer = true,
  },
  {
    name = "Lua-cURL on luv", command = { "lua5.4", PEERS .. "lua_curl.lua" }, env = LUA,
    needs = lua_needs "cURL",
  },
  {
    name = "lua-http", command = { "lua5.4", PEERS .. "lua_http.lua" }, env = LUA,
    needs = lua_needs "http.request",
  },
  {
    name = "lua-http, requests", command = { "lua5.4", PEERS .. "lua_http.lua" },
    env = { LUA_PATH = LUA.LUA_PATH, BENCH_REQUEST_API = "1" }, needs = lua_needs "http.request",
  },
  {
    name = "copas", command = { "lua5.4", PEERS .. "copas.lua" }, env = LUA,
    needs = lua_needs "copas",
  },
  {
    name = "aiohttp", command = { PYTHON, "-B", PEERS .. "with_aiohttp.py" },
    needs = python_needs "aiohttp",
  },
  {
    name = "aiohttp, uvloop", command = { PYTHON, "-B", PEERS .. "with_aiohttp.py" },
    env = { BENCH_UVLOOP = "1" }, needs = python_needs "aiohttp, uvloop",
  },
  {
    name = "pycurl", command = { PYTHON, "-B", PEERS .. "pycurl_multi.py" },
    needs = python_needs "pycurl",
  },
  { name = "undici request", command = { "node", PEERS .. "undici.mjs" }, needs = UNDICI },
  {
    name = "undici fetch", command = { "node", PEERS .. "undici.mjs" },
    env = { UNDICI = "fetch" }, needs = UNDICI,
  },
  { name = "curl -Z", command = { PEERS .. "curl.sh" }, needs = { "curl", "--version" } },
  { name = "aria2c", command = { PEERS .. "aria2c.sh" }, needs = { "aria2c", "--version" } },
  {
    name = "wrk", command = { PEERS .. "wrk.sh" }, needs = { "sh", "-c", "command -v wrk" },
    no_peer = true,
  },
}
