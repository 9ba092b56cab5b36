local json = require "curlew.json"
local nginx = require "support.nginx"
local process = require "support.process"
local scripted = require "support.server"
local shell = require "support.shell"
local unpack = require("curlew.compat").unpack

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
    return shell.names(folder)
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
    assert.matches("failed  404: status: the server answered 404 [^\n]*/status/404%)\n",
      result.stderr)
    assert.matches("failed  x: connect: 127%.0%.0%.1:1 refused [^\n]*http://127%.0%.0%.1:1/x%)\n",
      result.stderr)
    assert.matches("download.lua: 2 of 3 failed: 1 connect, 1 status\n", result.stderr, 1, true)
    assert.truthy(result.stdout:find("1 file downloaded", 1, true))
    assert.same({ "1k" }, files())
  end)

  it("leaves no half file under its name when the server breaks off", function()
    local server = scripted.new(function(conn)
      conn:send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
      conn:close()
    end)
    local result = run("--retries", "0", server.url .. "/half")
    assert.equal(1, #server.requests)
    server:close()
    assert.equal(1, result.status)
    assert.truthy(result.stderr:find("closed the connection before the body was complete", 1, true))
    assert.same({ "half.part", "half.part.json" }, files())
  end)

  it("lets no URL choose a place outside of the folder", function()
    local server = scripted.new(function(conn)
      conn:respond { body = "x" }
    end)
    local result = run(server.url .. "/%2e%2e%2f%2e%2e%2fescaped", server.url .. "/.bashrc",
      server.url .. "/-rf", server.url .. "/", server.url .. "/a/same", server.url .. "/b/same")
    server:close()
    assert.equal(0, result.status)
    assert.same({ "bashrc", "download", "escaped", "rf", "same", "same (1)" }, files())
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
      [{ "--limit-rate", "fast" }] = "'fast' is not a number of bytes, such as 500k or 10M",
      [{ "-H", "no colon" }] = "'no colon' is not of the form 'Name: value'",
      [{ "--overwrite", "--no-clobber" }] = "can not be used together",
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

  it("leaves what is there, replaces it with --overwrite, or numbers with --no-clobber", function()
    local url = site.url .. "/hello.txt"
    local function begin()
      assert.equal(0, run(url).status)
      shell.write_file(folder .. "/hello.txt", "mine")
    end
    begin()
    local result = run(url)
    assert.equal(0, result.status)
    assert.matches("hello.txt  4 B  there already\n", result.stdout, 1, true)
    assert.equal("mine", shell.read_file(folder .. "/hello.txt"))
    assert.equal(0, run("--no-clobber", url).status)
    assert.same({ "hello (1).txt", "hello.txt" }, files())
    assert.equal(site.file "hello.txt", shell.read_file(folder .. "/hello (1).txt"))
    assert.equal("mine", shell.read_file(folder .. "/hello.txt"))
    assert.equal(0, run("--overwrite", url).status)
    assert.equal(site.file "hello.txt", shell.read_file(folder .. "/hello.txt"))
    assert.same({ "hello (1).txt", "hello.txt" }, files())
  end)

  it("takes sums and names from a list, and no place outside of the folder", function()
    local list = shell.scratch() .. "/list"
    local sum = shell.read(("sha256sum <%s/1k"):format(site.dir .. "/www")):match("%x+")
    shell.write_file(list, table.concat({
      ("sha256:%s %s/1k -> ../../good name"):format(sum, site.url),
      ("sha256:%s %s/hello.txt"):format(sum, site.url),
    }, "\n"))
    for _ = 1, 2 do -- the second time, one is there with its sum
      local result = run("-i", list)
      assert.equal(1, result.status)
      assert.matches("failed  hello.txt: checksum: the sha256 of the file is", result.stderr, 1,
        true)
      assert.matches("1 of 2 failed: 1 checksum", result.stderr, 1, true)
      assert.same({ "good name" }, files())
    end
    shell.write_file(folder .. "/good name", "bad")
    local result = run("-i", list)
    assert.matches("failed  good name: io: [^\n]*there is such a file", result.stderr)
    assert.equal("bad", shell.read_file(folder .. "/good name"))
  end)

  it("prints one JSON object for each file with --json, and nothing else there", function()
    local result = run("--json", "-j", "1", site.url .. "/1k", site.url .. "/status/404")
    assert.equal(1, result.status)
    local objects = {}
    for line in result.stdout:gmatch("[^\n]+") do
      objects[#objects + 1] = assert(json.decode(line))
    end
    assert.equal(2, #objects)
    local one, other = objects[1], objects[2]
    assert.same({ true, 1024, site.url .. "/1k", folder .. "/1k", 64 },
      { one.ok, one.bytes, one.url, one.path, #one.sha256 })
    assert.same({ false, "status", site.url .. "/status/404" },
      { other.ok, other.error.kind, other.url })
  end)

  it("sends what it is told, and says that certificates are not verified", function()
    local server = scripted.new(function(conn)
      conn:respond { body = "x" }
    end)
    assert.equal(0, run("-H", "X-One: 1", "--header", "X-Two: a: b", server.url).status)
    local headers = server:last().headers
    assert.same({ "1", "a: b" }, { headers["x-one"], headers["x-two"] })
    local proxied = run("-x", server.url, "--overwrite", "http://nowhere.test/there")
    assert.equal(0, proxied.status)
    assert.equal("http://nowhere.test/there", server:last().target)
    server:close()
    assert.equal(1, run(site.https .. "/1k").status)
    local result = run("--insecure", site.https .. "/1k")
    assert.equal(0, result.status)
    assert.equal("download.lua: warning: certificates are not verified\n", result.stderr)
  end)

  it("fails what is larger than --max-size", function()
    local result = run("--max-size", "1000", site.url .. "/1k", site.url .. "/hello.txt")
    assert.equal(1, result.status)
    assert.matches("failed  1k: too_large:", result.stderr, 1, true)
    assert.truthy(shell.read_file(folder .. "/hello.txt"))
  end)

  it("keeps to the rates, of each and of all", function()
    local size, urls = #site.file "big", { site.url .. "/big", site.url .. "/big" }
    for option, least in pairs { ["--limit-rate"] = 0.2, ["--limit-total-rate"] = 0.45 } do
      local result = run(option, tostring(4 * size), "--overwrite", "--json", unpack(urls))
      assert.equal(0, result.status)
      local slowest = 0 -- seconds; no machine is too fast, or too slow, for that
      for line in result.stdout:gmatch("[^\n]+") do
        slowest = math.max(slowest, json.decode(line).seconds)
      end
      assert.is_true(slowest > least * 0.7, slowest)
    end
  end)

  it("continues after Ctrl-C where it was", function()
    local body, ranges = ("0123456789"):rep(20000), {}
    local server
    server = scripted.new(function(conn, request)
      local first = tonumber((request.headers.range or ""):match("bytes=(%d+)%-"))
      ranges[#ranges + 1] = first or "all"
      local head = ("HTTP/1.1 %s\r\nETag: \"one\"\r\nContent-Length: %d\r\n%s\r\n"):format(
        first and "206 Partial Content" or "200 OK", #body - (first or 0),
        first and ("Content-Range: bytes %d-%d/%d\r\n"):format(first, #body - 1, #body) or "")
      conn:send(head .. body:sub((first or 0) + 1, first and -1 or 100000))
    end)
    local pane = process.tmux {
      process.lua, PROGRAM, "-o", folder, server.url .. "/file", width = 60, height = 10,
    }
    pane:wait_for("50%% ", 20)
    pane:keys "C-c"
    assert.equal(130, pane:status(10))
    assert.matches("interrupted", pane:capture())
    assert.equal("1", pane:tmux("display-message -p '#{cursor_flag}'"):match("%d"))
    pane:kill()
    assert.same({ "file.part", "file.part.json" }, files())
    local result = run(server.url .. "/file")
    server:close()
    assert.equal(0, result.status)
    assert.matches("file  200.0 KB  continued at 100.0 KB\n", result.stdout, 1, true)
    assert.same({ "all", 100000 }, ranges)
    assert.equal(body, shell.read_file(folder .. "/file"))
    assert.same({ "file" }, files())
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
