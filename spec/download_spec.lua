local nginx = require "support.nginx"
local process = require "support.process"
local scripted = require "support.server"
local shell = require "support.shell"
local unpack = require("curlew.compat").unpack
local uv = require "curlew.uv"

local PROGRAM = "examples/download.lua"

describe(PROGRAM, function()
  local drawing, folder, site

  setup(function()
    local path = package.path
    package.path = "./examples/?.lua;" .. path
    drawing = require "pictures.motifs"
    package.path = path
    site = nginx.start()
  end)

  before_each(function()
    folder = shell.scratch() .. "/out"
  end)

  local function run(...)
    return process.run { process.lua, PROGRAM, "-o", folder, ... }
  end

  local function files()
    local names = {}
    local scan = uv.fs_scandir(folder)
    while scan do
      local name = uv.fs_scandir_next(scan)
      if not name then
        break
      end
      names[#names + 1] = name
    end
    table.sort(names)
    return names
  end

  it("downloads its own 80 pictures, all of them as they were drawn", function()
    local result = run()
    assert.equal("", result.stderr)
    assert.equal(0, result.status)
    assert.truthy(result.stdout:find("\n80 images downloaded in %d+%.%d%ds\n$"))
    assert.equal(80, #files())
    for number = 1, 80 do
      local path = ("%s/picture-%02d.png"):format(folder, number)
      assert.equal(drawing.draw(number), shell.read_file(path))
    end
  end)

  it("downloads one after another with -j 1, and prints nothing with -q", function()
    local result = run("-j", "1", "-q")
    assert.equal("", result.stdout .. result.stderr)
    assert.equal(0, result.status)
    assert.equal(80, #files())
  end)

  it("keeps at most as many requests at once as -j says", function()
    local most, server = 0, nil
    server = scripted.new(function(conn)
      most = math.max(most, server.open)
      conn:after(0.005, function()
        conn:respond { body = "x" }
      end)
    end)
    local urls = {}
    for i = 1, 12 do
      urls[i] = ("%s/%d"):format(server.url, i)
    end
    local result = run("-j", "3", unpack(urls))
    server:close()
    assert.equal(0, result.status)
    assert.equal(3, most)
    assert.equal(12, #files())
  end)

  it("downloads the URLs that it is given", function()
    local result = run(site.url .. "/hello.txt", site.url .. "/1k")
    assert.equal("", result.stderr)
    assert.equal(0, result.status)
    assert.truthy(result.stdout:find("2 files downloaded", 1, true))
    assert.same({ "1k", "hello.txt" }, files())
    assert.equal(site.file "1k", shell.read_file(folder .. "/1k"))
  end)

  it("reads URLs from a file, and from standard input", function()
    local list = shell.scratch() .. "/list"
    shell.write_file(list, "# two\n\n  " .. site.url .. "/1k  \n" .. site.url .. "/hello.txt\n")
    assert.equal(0, run("-i", list).status)
    assert.same({ "1k", "hello.txt" }, files())
    local result = process.run {
      process.lua, PROGRAM, "-o", folder, "-i", "-", stdin = site.url .. "/empty\n",
    }
    assert.equal(0, result.status)
    assert.same({ "1k", "empty", "hello.txt" }, files())
  end)

  it("names each failure with its reason on stderr, and ends with status 1", function()
    local result = run(site.url .. "/status/404", "http://127.0.0.1:1/x", site.url .. "/1k")
    assert.equal(1, result.status)
    assert.truthy(result.stderr:find("/status/404: status: the server answered 404", 1, true))
    assert.truthy(result.stderr:find("http://127.0.0.1:1/x: connect: 127.0.0.1:1 refused", 1, true))
    assert.truthy(result.stderr:find("2 of 3 failed", 1, true))
    assert.truthy(result.stdout:find("1 file downloaded", 1, true))
    assert.same({ "1k" }, files())
  end)

  it("leaves no half file when the server breaks off", function()
    local server = scripted.new(function(conn)
      conn:send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
      conn:close()
    end)
    local result = run(server.url .. "/half")
    server:close()
    assert.equal(1, result.status)
    assert.truthy(result.stderr:find("closed the connection before the body was complete", 1, true))
    assert.same({}, files())
  end)

  it("lets no URL choose a place outside of the folder", function()
    local server = scripted.new(function(conn)
      conn:respond { body = "x" }
    end)
    local result = run(server.url .. "/%2e%2e%2f%2e%2e%2fescaped", server.url .. "/.bashrc",
      server.url .. "/-rf", server.url .. "/", server.url .. "/a/same", server.url .. "/b/same")
    server:close()
    assert.equal(0, result.status)
    assert.same({ "_.._escaped", "bashrc", "index.html", "rf", "same", "same-1" }, files())
  end)

  it("ends with status 130 on Ctrl-C, with no half file", function()
    local pane = process.tmux {
      process.lua, PROGRAM, "-o", folder, "--delay", "0.2", "-j", "1", width = 80, height = 24,
    }
    pane:wait_for("picture%-02.png", 20)
    pane:keys "C-c"
    assert.equal(130, pane:status(10))
    assert.truthy(pane:capture():find("interrupted", 1, true))
    for _, name in ipairs(files()) do
      local number = tonumber(name:match("^picture%-(%d%d)%.png$"))
      assert.equal(drawing.draw(number), shell.read_file(folder .. "/" .. name))
    end
    pane:kill()
  end)

  it("tells wrong use in one line, with status 2", function()
    local cases = {
      [{ "--frobnicate" }] = "unknown option '--frobnicate'",
      [{ "-j", "0" }] = "'0' is not a whole number of at least 1",
      [{ "-j", "many" }] = "'many' is not a whole number",
      [{ "--timeout=-1" }] = "'-1' is not a number of seconds",
      [{ "-i", "/nonexistent/list" }] = "No such file or directory",
    }
    for arguments, expected in pairs(cases) do
      local result = run(unpack(arguments))
      assert.equal(2, result.status)
      assert.equal("", result.stdout)
      assert.truthy(result.stderr:find(expected, 1, true), result.stderr)
    end
    local result = process.run { process.lua, PROGRAM, "-o", "/proc/nowhere" }
    assert.equal(2, result.status)
    assert.truthy(result.stderr:find("ENOENT", 1, true))
  end)

  it("finishes two URLs of which one has the name of the other's half file", function()
    local result = run(site.url .. "/hello.txt", site.url .. "/1k?hello.txt.part",
      site.url .. "/echo/hello.txt.part")
    assert.truthy(shell.read_file(folder .. "/hello.txt"))
    assert.equal(site.file "hello.txt", shell.read_file(folder .. "/hello.txt"))
    assert.truthy(result.stdout:find("files downloaded", 1, true))
  end)

  it("makes the folder with those above it", function()
    local result = process.run {
      process.lua, PROGRAM, "-o", folder .. "/a/b", site.url .. "/1k",
    }
    assert.equal(0, result.status)
    assert.equal(site.file "1k", shell.read_file(folder .. "/a/b/1k"))
  end)

  it("explains itself with --help", function()
    local result = run "--help"
    assert.equal(0, result.status)
    assert.truthy(result.stdout:find("--jobs", 1, true))
    assert.truthy(result.stdout:find("130 interrupted", 1, true))
  end)
end)
