local shell = require "support.shell"
local version = require "curlew.version"

-- Plain Lua 5.1 has no package.searchpath.
local function find_core()
  for template in package.cpath:gmatch("[^;]+") do
    local path = template:gsub("%?", "curlew/core")
    local file = io.open(path)
    if file then
      file:close()
      return path
    end
  end
end

-- The names that the module takes from elsewhere.
local function undefined_symbols(path)
  local names, count = {}, 0
  for name in shell.read("nm -D --undefined-only " .. shell.quote(path)):gmatch("U ([%w_]+)") do
    names[name] = true
    count = count + 1
  end
  return names, count
end

describe("the C module, as it is installed,", function()
  local names, count

  setup(function()
    names, count = undefined_symbols(assert(find_core()))
  end)

  it("takes what it needs from libcurl and from the Lua that loads it", function()
    assert.is_true(count > 0)
    assert.is_true(names.curl_multi_socket_action)
    assert.is_true(names.lua_pushnumber)
  end)

  it("takes nothing from libuv, so that it runs with any luv", function()
    for name in pairs(names) do
      assert.is_nil(name:match("^_?uv_"), name)
      assert.is_nil(name:match("^_?luv_"), name)
    end
  end)
end)

describe("the version", function()
  it("is that of the Debian package", function()
    local newest = shell.read_file("packaging/debian/changelog"):match("^lua%-curlew %(([^)]+)%)")
    assert.equal(version:gsub("%-", "~", 1), newest:match("^(.*)%-[%w.+~]+$"))
  end)

  it("is not said again in the rockspec of the tree, nor in CMake's project", function()
    local rockspec = shell.read_file("curlew-dev-1.rockspec")
    assert.truthy(rockspec:find('\nversion = "dev-1"\n', 1, true))
    local project = shell.read_file("CMakeLists.txt"):match("\nproject(%b())")
    assert.is_nil(project:find("VERSION", 1, true))
  end)
end)

describe("the oldest libcurl that curlew builds with", function()
  it("is the same one wherever it is named", function()
    local oldest = shell.read_file("CMakeLists.txt"):match("find_package%(CURL ([%d.]+) REQUIRED%)")
    assert.is_not_nil(oldest)
    for path, pattern in pairs {
      ["README.md"] = "libcurl (%d+%.%d+) [ao][nr]d? newer",
      ["tools/packages"] = "libcurl (%d+%.%d+) or later",
      ["packaging/debian/control"] = "libcurl4%-openssl%-dev %(>= ([%d.]+)%)",
      ["tools/old_libcurl"] = "as libcurl (%d+%.%d+) would have it",
    } do
      local named = 0
      for found in shell.read_file(path):gmatch(pattern) do
        assert.equal(oldest, found, path)
        named = named + 1
      end
      assert.is_true(named > 0, path)
    end
  end)
end)
