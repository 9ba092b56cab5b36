rockspec_format = "3.0"
package = "curlew"
version = "dev-1"

source = {
  url = "git+file://.",
}

description = {
  summary = "An event loop with cancellable tasks, and HTTP without blocking, on luv and libcurl",
  detailed = [[
curlew gives Lua programs on luv what Python programs have in asyncio and aiohttp: coroutines that
wait without blocking, tasks that can be cancelled, and an HTTP client that does thousands of
transfers at once on one thread.]],
  license = "MIT",
  labels = { "http", "async", "curl", "luv" },
}

dependencies = {
  "lua >= 5.1",
  "luv",
}

external_dependencies = {
  -- A `header` would not be found on Debian's multiarch paths; CMake looks for it.
  CURL = { library = "curl" },
}

build = {
  type = "cmake",
  variables = {
    CMAKE_BUILD_TYPE = "Release",
    CMAKE_C_FLAGS = "$(CFLAGS)",
    CMAKE_PREFIX_PATH = "$(CURL_DIR)",
    LUA_INCLUDE_DIR = "$(LUA_INCDIR)",
    LUA_MODULE_DIR = "$(LUADIR)",
    LUA_CMODULE_DIR = "$(LIBDIR)",
  },
}

test = {
  type = "busted",
}
