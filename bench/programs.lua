--- What is compared: curlew, bare C, and the peers. A program that cannot do a work says so, with
--- status 3; one whose interpreter or library is missing is named, too.
---
---   command   words, to which the work and its arguments are added
---   needs     a command which succeeds when what the program needs is there

local PEERS = "bench/peers/"

local function lua_needs(module)
  return { "lua5.4", "-e", ("require %q"):format(module) }
end

return {
  { name = "bare C", command = { "build/bench/bare" } },
  { name = "curlew", command = { os.getenv "LUA" or "lua5.4", "bench/curlew.lua" } },
  {
    name = "curlew, LuaJIT", command = { "luajit", "bench/curlew.lua" },
    needs = { "luajit", "-e", "require 'curlew.core'" },
  },
  {
    name = "Lua-cURL on luv", command = { "lua5.4", PEERS .. "lua_curl.lua" },
    needs = lua_needs "cURL",
  },
  {
    name = "lua-http", command = { "lua5.4", PEERS .. "lua_http.lua" },
    needs = lua_needs "http.request",
  },
  { name = "copas", command = { "lua5.4", PEERS .. "copas.lua" }, needs = lua_needs "copas" },
  {
    name = "aiohttp", command = { "/usr/bin/python3", PEERS .. "aiohttp.py" },
    needs = { "/usr/bin/python3", "-c", "import aiohttp" },
  },
  {
    name = "aiohttp, uvloop", command = { "/usr/bin/python3", PEERS .. "aiohttp.py" },
    env = { BENCH_UVLOOP = "1" }, needs = { "/usr/bin/python3", "-c", "import aiohttp, uvloop" },
  },
  {
    name = "pycurl", command = { "/usr/bin/python3", PEERS .. "pycurl_multi.py" },
    needs = { "/usr/bin/python3", "-c", "import pycurl" },
  },
  {
    name = "undici request", command = { "node", PEERS .. "undici.mjs" },
    needs = { "test", "-d", "build/bench/node_modules/undici" },
  },
  {
    name = "undici fetch", command = { "node", PEERS .. "undici.mjs" },
    env = { UNDICI = "fetch" }, needs = { "test", "-d", "build/bench/node_modules/undici" },
  },
  { name = "curl -Z", command = { PEERS .. "curl.sh" }, needs = { "curl", "--version" } },
  { name = "aria2c", command = { PEERS .. "aria2c.sh" }, needs = { "aria2c", "--version" } },
  { name = "wrk", command = { PEERS .. "wrk.sh" }, needs = { "sh", "-c", "command -v wrk" } },
}
