local blamed = require "support.blamed"
local curl = require "curlew.curl"
local curlew = require "curlew"
local nginx = require "support.nginx"
local process = require "support.process"
local sessions = require "support.sessions"
local sha256 = require "support.sha256"
local shell = require "support.shell"
local tasks = require "support.tasks"
local uv = require "curlew.uv"

local failed, ok, wait = sessions.failed, sessions.ok, sessions.wait

local BYTES = ("0123456789abcdef"):rep(4096) -- 64 KiB
local AT_ONCE = { max = 3, backoff = 0 }

describe("a download", function()
  local site, session, folder, web, descriptors

  setup(function()
    web = nginx.start()
  end)

  before_each(function()
    folder = shell.scratch()
    descriptors = nil
  end)

  local run_session = sessions.runner(function(...)
    site, session = ...
  end)

  -- Runs `fn`; afterwards no descriptor is left of the downloads.
  local function run(fn, handlers)
    local function get(conn)
      conn:respond { headers = { ETag = '"1"' }, body = BYTES }
    end
    local all = { ["/file"] = get, ["/a/file"] = get, ["/b/file"] = get, ["/"] = get }
    for path, handler in pairs(handlers or {}) do
      all[path] = handler
    end
    run_session(function()
      curlew.sleep(0)
      descriptors = process.descriptors()
      fn()
      session:close()
      wait(function()
        return site.open == 0 and process.descriptors() <= descriptors
      end)
    end, nil, all)
  end

  local function download(path, name, given)
    given = given or {}
    given.session = given.session or session
    return curlew.download(site.url .. path, folder .. "/" .. name, given)
  end

  local function names()
    return shell.names(folder)
  end

  local function read(name)
    return shell.read_file(folder .. "/" .. name)
  end

  it("brings a file, and tells what it has done", function()
    run(function()
      assert.same({
        path = folder .. "/x", bytes = #BYTES, resumed_from = 0, attempts = 1, etag = '"1"',
        sha256 = sha256(BYTES),
      }, ok(download("/file", "x")))
      assert.same({ "x" }, names())
      assert.equal(BYTES, read("x"))
      local headers = site:last().headers
      assert.equal("identity", headers["accept-encoding"])
      assert.is_nil(headers.range)
    end)
  end)

  it("needs no session of its own", function()
    curlew.run(function()
      local file = ok(curlew.download(web.url .. "/big", folder .. "/big"))
      assert.equal(10 * 1024 * 1024, file.bytes)
      assert.equal(sha256(web.file("big")), file.sha256)
      assert.equal(web.file("big"), read("big"))
    end)
  end)

  it("is what the server has, compressed or not", function()
    run(function()
      ok(download("/gzip", "x"))
      assert.equal("no gzip at all", read("x"))
    end, {
      ["/gzip"] = function(conn)
        conn:respond { headers = { ["Content-Encoding"] = "gzip" }, body = "no gzip at all" }
      end,
    })
  end)

  it("follows redirects", function()
    run(function()
      assert.equal(#BYTES, ok(download("/moved", "x")).bytes)
      local err = failed(download("/moved", "y", { redirect = "manual" }))
      assert.same({ "status", 302 }, { err.kind, err.response.status })
      assert.same({ "x" }, names())
    end, {
      ["/moved"] = function(conn)
        conn:respond { status = 302, headers = { Location = "/file" }, body = "moved" }
      end,
    })
  end)

  it("of nothing is an empty file", function()
    run(function()
      for name, path in pairs { a = "/empty", b = "/204", c = "/205" } do
        assert.equal(0, ok(download(path, name)).bytes)
        assert.equal("", read(name))
      end
      assert.same({ "a", "b", "c" }, names())
    end, {
      ["/empty"] = function(conn)
        conn:respond {}
      end,
      ["/204"] = function(conn)
        conn:respond { status = 204 }
      end,
      ["/205"] = function(conn)
        conn:respond { status = 205 }
      end,
    })
  end)

  it("never makes a file of an error page", function()
    run(function()
      for _, status in ipairs { 400, 404, 416, 500, 503 } do
        local err = failed(download("/" .. status, "x", { retry = false }))
        assert.equal("status", err.kind)
        assert.equal(status, err.response.status)
        assert.equal("sorry", err.response.body)
        assert.equal(1, err.attempts)
        assert.matches("the server answered " .. status, tostring(err), 1, true)
        assert.same({}, names())
      end
      assert.equal(1, site.connections)
    end, (function()
      local handlers = {}
      for _, status in ipairs { 400, 404, 416, 500, 503 } do
        handlers["/" .. status] = function(conn)
          conn:respond { status = status, body = "sorry" }
        end
      end
      return handlers
    end)())
  end)

  it("refuses a piece of the file where all of it was asked for", function()
    run(function()
      local err = failed(download("/piece", "x"))
      assert.same({ "protocol", 1 }, { err.kind, err.attempts })
      assert.same({}, names())
    end, {
      ["/piece"] = function(conn)
        conn:respond {
          status = 206, headers = { ["Content-Range"] = "bytes 0-3/8" }, body = "half",
        }
      end,
    })
  end)

  describe("with a checksum", function()
    it("has it, in each algorithm", function()
      run(function()
        for _, algorithm in ipairs { "md5", "sha1", "sha256", "sha512" } do
          local digest = curl.digest(algorithm)
          digest:update(BYTES)
          local sum = digest:finish()
          local checksum = algorithm .. ":" .. sum:upper()
          local file = ok(download("/file", algorithm, { checksum = checksum }))
          assert.equal(sha256(BYTES), file.sha256)
        end
      end)
    end)

    it("or leaves nothing behind", function()
      run(function()
        local wrong = ("0"):rep(64)
        local err = failed(download("/file", "x", { checksum = "sha256:" .. wrong }))
        assert.equal("checksum", err.kind)
        assert.matches(sha256(BYTES), err.message, 1, true)
        assert.matches(wrong, err.message, 1, true)
        assert.same({}, names())
        shell.write_file(folder .. "/x", "old")
        err = failed(download("/file", "x", { checksum = "sha256:" .. wrong, overwrite = true }))
        assert.equal("checksum", err.kind)
        assert.same({ "x" }, names())
        assert.equal("old", read("x"))
      end)
    end)

    it("is refused at once where none can be taken", function()
      local digest = curl.digest
      run(function()
        curl.digest = nil
        local err = failed(download("/file", "x", { checksum = "md5:" .. ("0"):rep(32) }))
        assert.equal("unsupported", err.kind)
        assert.equal(0, #site.requests)
        assert.is_nil(ok(download("/file", "x")).sha256)
        curl.digest = digest
      end)
    end)
  end)

  describe("leaves a file alone that is there", function()
    it("and says so before anything is sent", function()
      run(function()
        shell.write_file(folder .. "/x", "old")
        local err = failed(download("/file", "x"))
        assert.equal("io", err.kind)
        assert.matches("x: there is such a file (overwrite = true replaces it)", err.message, 1,
          true)
        assert(uv.fs_symlink("nowhere", folder .. "/y"))
        assert.equal("io", failed(download("/file", "y")).kind)
        assert.equal(0, #site.requests)
        assert.equal("old", read("x"))
        assert.same({ "x", "y" }, names())
      end)
    end)

    it("also when it came meanwhile, and keeps what it has brought", function()
      run(function()
        local err = failed(download("/late", "x"))
        assert.equal("io", err.kind)
        assert.matches("there is such a file by now", err.message, 1, true)
        assert.equal("old", read("x"))
        assert.same({ "x", "x.part", "x.part.json" }, names())
        local file = ok(download("/late", "x", { overwrite = true }))
        assert.equal(BYTES, read("x"))
        assert.equal(#BYTES, file.resumed_from)
        assert.same({ "x" }, names())
      end, {
        ["/late"] = function(conn, request)
          if request.headers.range then
            conn:respond {
              status = 416, headers = { ["Content-Range"] = "bytes */" .. #BYTES },
            }
          else
            shell.write_file(folder .. "/x", "old")
            conn:respond { headers = { ETag = '"1"' }, body = BYTES }
          end
        end,
      })
    end)

    it("unless it is to be replaced, and then only by a whole one", function()
      run(function()
        shell.write_file(folder .. "/x", "old")
        failed(download("/cut", "x", { overwrite = true, retry = false }))
        assert.equal("old", read("x"))
        ok(download("/file", "x", { overwrite = true, fsync = true }))
        assert.equal(BYTES, read("x"))
        assert.same({ "x" }, names())
      end)
    end)
  end)

  it("says in one line where it cannot be written", function()
    run(function()
      assert(uv.fs_mkdir(folder .. "/sub", 493))
      for name, text in pairs {
        ["none/x"] = "ENOENT: no such file or directory",
        ["none/"] = "ENOENT: no such file or directory",
        sub = "it is a folder; end it with / to have a file in it",
        [("x"):rep(300)] = "ENAMETOOLONG: name too long",
      } do
        for _, overwrite in ipairs { false, true } do
          local err = failed(download("/file", name, { overwrite = overwrite }))
          assert.equal("io", err.kind)
          assert.matches("cannot write .*" .. text:gsub("%p", "%%%0"), err.message)
          assert.is_nil(tostring(err):find("\n"))
        end
      end
      assert.equal(0, #site.requests)
      assert.same({ "sub" }, names())
    end)
  end)

  it("keeps a part that the disk has no room for", function()
    -- ulimit counts in blocks of 1024 bytes; the signal would end the process.
    local program = [[
      local curlew, uv = require "curlew", require "curlew.uv"
      local signal = uv.new_signal()
      signal:start("sigxfsz", function() end)
      signal:unref()
      curlew.run(function()
        local file, err = curlew.download(arg[1], arg[2])
        print(err.kind, err)
      end)
    ]]
    shell.write_file(folder .. "/program.lua", program)
    local child = process.run {
      "bash", "-c", 'ulimit -f 1024; exec "$@"', "bash", process.lua, folder .. "/program.lua",
      web.url .. "/big", folder .. "/big",
      env = require("support.environment").modules(),
    }
    assert.equal("", child.stderr)
    assert.matches("^io\tio: cannot write .*/big%.part: EFBIG: file too large %(GET .*/big%)\n$",
      child.stdout)
    assert.same({ "big.part", "big.part.json", "program.lua" }, names())
    assert.equal(1024 * 1024, #read("big.part"))
    curlew.run(function()
      local file = ok(curlew.download(web.url .. "/big", folder .. "/big"))
      assert.equal(1024 * 1024, file.resumed_from)
      assert.equal(sha256(web.file("big")), file.sha256)
    end)
  end)

  it("fails in one line when the process has no descriptor left", function()
    run(function()
      local held = {}
      local pipe = uv.fs_open("/dev/null", "r", 0)
      while pipe and #held < 100000 do
        held[#held + 1] = pipe
        pipe = uv.fs_open("/dev/null", "r", 0)
      end
      local value, err = download("/file", "x", { retry = false })
      for _, fd in ipairs(held) do
        uv.fs_close(fd)
      end
      err = failed(value, err)
      assert.equal("io", err.kind)
      assert.matches("EMFILE: too many open files", err.message, 1, true)
      ok(download("/file", "x"))
    end)
  end)

  describe("into a folder", function()
    it("takes the name of the URL or of the server, made safe", function()
      run(function()
        assert.equal(folder .. "/file", ok(download("/file", "")).path)
        assert.equal(folder .. "/file (1)", ok(download("/file", "")).path)
        assert.equal(folder .. "/passwd", ok(download("/named", "")).path)
        assert.equal(folder .. "/download", ok(download("/", "")).path)
        assert.same({ "download", "file", "file (1)", "passwd" }, names())
      end, {
        ["/named"] = function(conn)
          conn:respond {
            headers = { ["Content-Disposition"] = 'attachment; filename="../../etc/passwd"' },
            body = "x",
          }
        end,
      })
    end)

    it("replaces the file of that name when it may", function()
      run(function()
        shell.write_file(folder .. "/file", "old")
        assert.equal(folder .. "/file", ok(download("/file", "", { overwrite = true })).path)
        assert.same({ "file" }, names())
      end)
    end)

    it("gives two of one name two names, at once", function()
      run(function()
        local urls = { "/hold?a", "/hold?b", "/hold?a" }
        local jobs = {}
        for i, url in ipairs(urls) do
          jobs[i] = curlew.spawn(function()
            return ok(download(url, ""))
          end)
        end
        wait(function()
          return #site.held == 3
        end)
        assert.same({ "hold (1).part", "hold (2).part", "hold.part" }, names())
        for _, one in ipairs(site.held) do
          one.conn:respond { body = one.request.query }
        end
        local seen = {}
        for i, job in ipairs(jobs) do
          local file = job:await()
          assert.is_nil(seen[file.path])
          seen[file.path] = true
          assert.equal(urls[i]:match("%?(.)"), shell.read_file(file.path))
        end
        assert.same({ "hold", "hold (1)", "hold (2)" }, names())
      end)
    end)

    it("finds its part again by the URL, whatever the name", function()
      run(function()
        local count = 0
        local function cut(conn, request)
          count = count + 1
          local headers = {
            ETag = '"' .. request.query .. '"',
            ["Content-Disposition"] = "attachment; filename=" .. request.query .. ".bin",
          }
          if request.headers.range then
            headers["Content-Disposition"] = nil
            headers["Content-Range"] = "bytes 4-7/8"
            conn:respond { status = 206, headers = headers, body = request.query:rep(4) }
          else
            headers["Content-Length"] = 8
            conn:respond { headers = headers, body = request.query:rep(4), close = true }
          end
        end
        site.handler = cut
        for _, query in ipairs { "a", "b" } do
          failed(download("/x?" .. query, "", { retry = false }))
        end
        assert.same({ "x (1).part", "x (1).part.json", "x.part", "x.part.json" }, names())
        local file = ok(download("/x?b", ""))
        assert.same({ folder .. "/b.bin", 4 }, { file.path, file.resumed_from })
        file = ok(download("/x?a", ""))
        assert.same({ folder .. "/a.bin", 4 }, { file.path, file.resumed_from })
        assert.same({ "a.bin", "b.bin" }, names())
        assert.equal("aaaaaaaa", read("a.bin"))
        assert.equal("bbbbbbbb", read("b.bin"))
      end)
    end)
  end)

  it("has the path for itself while it runs", function()
    run(function()
      local one = tasks.waiting(function()
        return ok(download("/hold", "x"))
      end)
      wait(function()
        return #site.held == 1
      end)
      local err = failed(download("/file", "x"))
      assert.equal("io", err.kind)
      assert.matches("x: another download writes it at this moment", err.message, 1, true)
      assert.equal(1, #site.requests)
      site.answer_all { body = "held" }
      one:await()
      assert.equal("held", read("x"))
    end)
  end)

  it("counts the bytes of the file as its progress", function()
    run(function()
      local last
      ok(download("/file", "x", {
        on_progress = function(progress)
          last = progress
        end,
      }))
      assert.same({ #BYTES, #BYTES }, { last.received, last.total })
      local value, err = curlew.pcall(download, "/file", "y", {
        on_progress = function()
          error("mine", 0)
        end,
      })
      assert.same({ false, "mine" }, { value, err })
    end)
  end)

  describe("has limits:", function()
    it("of size, told or not", function()
      run(function()
        for _, path in ipairs { "/file", "/chunked" } do
          local err = failed(download(path, "x", { max_body = 1000 }))
          assert.equal("too_large", err.kind)
          assert.matches("larger than 1000 bytes", err.message, 1, true)
          assert.equal(1, err.attempts)
          assert.is_nil(read("x"))
        end
        assert.equal("too_large", failed(download("/half", "x", { max_body = 99 })).kind)
        assert.equal(1000, ok(download("/exact", "x", { max_body = 1000 })).bytes)
      end, {
        ["/chunked"] = function(conn)
          conn:respond_chunked()
          conn:chunk(("x"):rep(1001))
          conn:chunk()
        end,
        ["/exact"] = function(conn)
          conn:respond { body = ("x"):rep(1000) }
        end,
      })
    end)

    it("of time, for all attempts together", function()
      run(function()
        local err = failed(download("/half", "x", { timeout = 0.1 }))
        assert.equal("timeout", err.kind)
        assert.is_true(err.retryable)
        assert.matches("not done within 0.1 s", tostring(err), 1, true)
        assert.matches(site.url .. "/half", tostring(err), 1, true)
        assert.equal("half", read("x.part"))
        err = failed(download("/503", "y", { timeout = 5, retry = { max = 9, max_delay = 99 } }))
        assert.same({ "status", 1 }, { err.kind, err.attempts })
      end, {
        ["/503"] = function(conn)
          conn:respond { status = 503, headers = { ["Retry-After"] = "60" } }
        end,
      })
    end)

    it("of silence", function()
      run(function()
        local err = failed(download("/half", "x", { timeout = { idle = 0.1 }, retry = false }))
        assert.equal("timeout", err.kind)
        assert.equal("half", read("x.part"))
      end)
    end)
  end)

  it("tries again, three times unless it is said otherwise, what may pass", function()
    run(function()
      local err = failed(download("/closed", "x", { retry = AT_ONCE }))
      assert.same({ "closed", 4 }, { err.kind, err.attempts })
      err = failed(download("/404", "x", { retry = AT_ONCE }))
      assert.same({ "status", 1 }, { err.kind, err.attempts })
      err = failed(download("/503", "x", { retry = AT_ONCE }))
      assert.same({ "status", 4 }, { err.kind, err.attempts })
      local before = #site.requests
      err = failed(download("/now", "x"))
      assert.same({ 4, 4 }, { err.attempts, #site.requests - before })
      assert.same({}, names())
    end, {
      ["/503"] = function(conn)
        conn:respond { status = 503 }
      end,
      ["/now"] = function(conn)
        conn:respond { status = 503, headers = { ["Retry-After"] = "0" } }
      end,
    })
  end)

  it("tells its pace of every piece, and waits for it", function()
    run(function()
      local told, most, active = 0, 0, 0
      local function pace(bytes)
        told, active = told + bytes, active + 1
        most = math.max(most, active)
        curlew.yield()
        active = active - 1
      end
      ok(curlew.download(site.url .. "/file", folder .. "/file", {
        session = session, pace = pace,
      }))
      assert.same({ #BYTES, 1 }, { told, most })
      local child = curlew.spawn(curlew.download, site.url .. "/file", folder .. "/other", {
        session = session,
        pace = function()
          curlew.sleep(60)
        end,
      })
      wait(function()
        return (uv.fs_stat(folder .. "/other.part") or { size = 0 }).size > 0
      end)
      child:cancel()
      assert.is_false(curlew.pcall(child.await, child))
      assert.is_nil(uv.fs_stat(folder .. "/other"))
    end)
  end)

  it("goes through the session that it is given", function()
    run(function()
      session:use(function(request, next)
        request.headers["X-Mine"] = "yes"
        return next(request)
      end)
      ok(download("/file", "x", { headers = { ["X-Own"] = "too" }, params = { a = 1 } }))
      local last = site:last()
      assert.same({ "yes", "too", "/file?a=1" },
        { last.headers["x-mine"], last.headers["x-own"], last.target })
    end)
    curlew.run(function()
      local based = curlew.session { base_url = web.url }
      assert.equal(17, ok(curlew.download("/hello.txt", folder .. "/", { session = based })).bytes)
      assert.equal("Hello from nginx\n", read("hello.txt"))
      based:close()
      local err = failed(curlew.download("/hello.txt", folder .. "/", { session = based }))
      assert.equal("closed_session", err.kind)
    end)
  end)

  it("needs no network where the session has a transport", function()
    curlew.run(function()
      local fake = curlew.session {
        transport = function(request)
          assert.equal("identity", request.headers["Accept-Encoding"])
          return { body = "made up" }
        end,
      }
      ok(curlew.download("https://test/x", folder .. "/", { session = fake }))
      assert.equal("made up", read("x"))
    end)
  end)

  it("says what is wrong with its URL", function()
    curlew.run(function()
      assert.equal("invalid_url", failed(curlew.download("x", folder .. "/x")).kind)
      assert.equal("unsupported", failed(curlew.download("ftp://x/y", folder .. "/x")).kind)
    end)
  end)

  it("blames the caller for what it cannot have", function()
    local url, x = "http://127.0.0.1:1/", "x"
    local message
    for text, given in pairs {
      ['option "method" does not go with a download: a download is a GET'] = { method = "POST" },
      ['option "json" does not go with a download: a download sends no body'] = { json = 1 },
      ['option "sink" does not go with a download'] = { sink = "x" },
      ['option "stream" does not go with a download'] = { stream = true },
      ['option "decompress" does not go with a download'] = { decompress = true },
      ['header "range" is the download\'s own'] = { headers = { Range = "bytes=0-1" } },
      ['unknown option "checksums": did you mean "checksum"?'] = { checksums = "x" },
      ['unknown option "cookies"'] = { cookies = true },
      ['option "checksum" must be such as "sha256:..."'] = { checksum = "x" },
      ['option "resume" must be a boolean'] = { resume = 1 },
      ['option "timeout" must be a number'] = { timeout = "x" },
      ['option "session" must be a session, got string'] = { session = "x" },
      ['option "on_progress" must be a function'] = { on_progress = 1 },
    } do
      curlew.run(function()
        message = blamed(function()
          local _ = curlew.download(url, x, given)
        end)
      end)
      assert.matches(text, message, 1, true)
    end
    for _, wrong in ipairs { "", "a\0b" } do
      curlew.run(function()
        message = blamed(function()
          local _ = curlew.download(url, wrong)
        end)
      end)
      assert.matches("the path must be that of a file", message, 1, true)
    end
    curlew.run(function()
      message = blamed(function()
        local _ = curlew.download(url)
      end)
    end)
    assert.equal("the path must be a string, got nothing", message)
  end)
end)
