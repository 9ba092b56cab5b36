local curlew = require "curlew"
local nginx = require "support.nginx"
local process = require "support.process"
local sessions = require "support.sessions"
local sha256 = require "support.sha256"
local shell = require "support.shell"
local uv = require "curlew.uv"

local failed, ok, wait = sessions.failed, sessions.ok, sessions.wait

local AT_ONCE = { max = 3, backoff = 0 }
local DATE = "Wed, 21 Oct 2015 07:28:00 GMT"
local OLD, NEW = "old old old!", "new new new!!" -- two versions of a file

describe("a download that was cut short", function()
  local site, session, folder, path

  before_each(function()
    folder = shell.scratch()
    path = folder .. "/x"
  end)

  local run_session = sessions.runner(function(...)
    site, session = ...
  end)

  local function run(fn)
    run_session(fn, nil, {})
  end

  local function download(given)
    given = given or {}
    given.session = session
    if given.retry == nil then
      given.retry = false
    end
    return curlew.download(site.url .. "/x", path, given)
  end

  -- Has the server give one answer after another; the last one again and again.
  local function answer(...)
    local answers, count = { ... }, 0
    site.handler = function(conn, request)
      count = math.min(count + 1, #answers)
      answers[count](conn, request)
    end
  end

  -- An answer of the first bytes of a file, after which the connection ends.
  local function cut(bytes, headers, length)
    return function(conn)
      headers = headers or { ETag = '"1"' }
      headers["Content-Length"] = length or #OLD
      conn:respond { headers = headers, body = bytes, close = true }
    end
  end

  local function respond(status, body, headers)
    return function(conn)
      conn:respond { status = status, body = body, headers = headers }
    end
  end

  -- An answer that knows ranges, of a file in one version.
  local function serve(bytes, etag)
    return function(conn, request)
      local first = (request.headers.range or ""):match("^bytes=(%d+)%-$")
      local headers = { ETag = etag }
      if not first or request.headers["if-range"] ~= etag then
        conn:respond { headers = headers, body = bytes }
      elseif tonumber(first) >= #bytes then
        headers["Content-Range"] = "bytes */" .. #bytes
        conn:respond { status = 416, headers = headers, body = "nothing there" }
      else
        headers["Content-Range"] = ("bytes %s-%d/%d"):format(first, #bytes - 1, #bytes)
        conn:respond { status = 206, headers = headers, body = bytes:sub(first + 1) }
      end
    end
  end

  -- Leaves the first bytes of the old version behind.
  local function leave(bytes, headers)
    answer(cut(bytes, headers))
    local err = failed(download())
    assert.equal("closed", err.kind)
    assert.equal(bytes, shell.read_file(path .. ".part"))
  end

  local function expect(bytes, resumed_from, attempts, given)
    local file = ok(download(given))
    assert.equal(bytes, shell.read_file(path))
    assert.same({ resumed_from, attempts, #bytes, sha256(bytes) },
      { file.resumed_from, file.attempts, file.bytes, file.sha256 })
    assert.is_nil(uv.fs_lstat(path .. ".part"))
    assert.is_nil(uv.fs_lstat(path .. ".part.json"))
    return file
  end

  it("goes on where it stopped", function()
    run(function()
      leave("old ")
      answer(serve(OLD, '"1"'))
      local file = expect(OLD, 4, 1, { checksum = "sha256:" .. sha256(OLD) })
      assert.equal('"1"', file.etag)
      local headers = site:last().headers
      assert.equal("bytes=4-", headers.range)
      assert.equal('"1"', headers["if-range"])
      assert.equal("identity", headers["accept-encoding"])
    end)
  end)

  it("goes on by date where there is no strong ETag", function()
    run(function()
      leave("old ", { ETag = 'W/"1"', ["Last-Modified"] = DATE })
      answer(respond(206, "old old!", { ["Content-Range"] = "bytes 4-11/12" }))
      expect(OLD, 4, 1)
      assert.equal(DATE, site:last().headers["if-range"])
    end)
  end)

  it("goes on within one call, too, and counts all attempts", function()
    run(function()
      answer(cut("old "), function(conn)
        conn:respond {
          status = 206, body = "old ", close = true,
          headers = { ["Content-Range"] = "bytes 4-11/12", ["Content-Length"] = 8 },
        }
      end, function(conn)
        conn:close()
      end, serve(OLD, '"1"'))
      expect(OLD, 0, 4, { retry = AT_ONCE })
      assert.equal("bytes=8-", site:last().headers.range)
    end)
  end)

  it("takes a file in as many pieces as the server gives", function()
    run(function()
      answer(cut("o"), function(conn, request)
        local first = tonumber(request.headers.range:match("%d+"))
        conn:respond {
          status = 206, body = OLD:sub(first + 1, first + 1),
          headers = { ["Content-Range"] = ("bytes %d-%d/12"):format(first, first) },
        }
      end)
      assert.equal('"1"', expect(OLD, 0, 12, { retry = AT_ONCE }).etag)
    end)
  end)

  it("starts again when it is told to", function()
    run(function()
      leave("wrong ")
      answer(serve(OLD, '"1"'))
      expect(OLD, 0, 1, { resume = false })
      assert.is_nil(site:last().headers.range)
    end)
  end)

  describe("starts again", function()
    it("with a server that knows no ranges, or has another version", function()
      run(function()
        leave("wrong ")
        answer(serve(NEW, '"2"'))
        assert.equal('"2"', expect(NEW, 0, 1).etag)
        assert.equal("bytes=6-", site:last().headers.range)
      end)
    end)

    it("without asking for a range when nothing tells versions apart", function()
      run(function()
        for _, headers in ipairs { {}, { ETag = 'W/"1"' }, { ETag = "1" }, {
          ["Last-Modified"] = os.date("!%a, %d %b %Y %H:%M:%S GMT"),
        } } do
          leave("wrong ", headers)
          answer(respond(200, OLD))
          expect(OLD, 0, 1)
          assert.is_nil(site:last().headers.range)
          os.remove(path)
        end
      end)
    end)

    it("once when a range is not the one asked for", function()
      run(function()
        for name, value in pairs {
          ["X-No"] = "range",
          ["Content-Range"] = "bytes 5-11/12",
          ["content-range"] = "bytes 6-12/13",
          ["CONTENT-RANGE"] = "bytes 0-11/12",
        } do
          leave("wrong ")
          answer(respond(206, "d old!", { [name] = value }), serve(OLD, '"1"'))
          expect(OLD, 0, 2)
          assert.is_nil(site:last().headers.range)
          os.remove(path)
        end
        leave("wrong ")
        answer(respond(206, "d old!", { ["Content-Range"] = "bytes 6-11/12", ETag = '"2"' }),
          serve(NEW, '"2"'))
        expect(NEW, 0, 2)
      end)
    end)

    it("but not for ever: a piece is not taken for the file", function()
      run(function()
        leave("wrong ")
        answer(respond(206, "d old!", { ["Content-Range"] = "bytes 5-11/12" }))
        local before = #site.requests
        assert.equal("protocol", failed(download { retry = AT_ONCE }).kind)
        assert.equal(2, #site.requests - before)
        assert.is_nil(shell.read_file(path))
      end)
    end)

    it("when the part is longer than the file", function()
      run(function()
        leave("wrong ")
        shell.write_file(path .. ".part", ("x"):rep(100))
        answer(serve(OLD, '"1"'))
        expect(OLD, 0, 1)
        assert.is_nil(site:last().headers.range)
      end)
    end)

    it("when the part is of another URL", function()
      run(function()
        leave("wrong ")
        answer(serve(OLD, '"1"'))
        expect(OLD, 0, 1, { params = { version = 2 } })
        assert.is_nil(site:last().headers.range)
      end)
    end)

    it("when what is known of the part is lost or broken", function()
      run(function()
        for _, text in ipairs { "", "{", "[]", false } do
          leave("wrong ")
          if text then
            shell.write_file(path .. ".part.json", text)
          else
            os.remove(path .. ".part.json")
          end
          answer(serve(OLD, '"1"'))
          expect(OLD, 0, 1)
          os.remove(path)
        end
      end)
    end)
  end)

  describe("of which all is there", function()
    it("is complete when the server says so", function()
      run(function()
        local seen
        answer(function(conn)
          conn:respond_chunked { headers = { ETag = '"1"' } }
          conn:chunk(OLD)
          conn:close()
        end)
        failed(download())
        answer(serve(OLD, '"1"'))
        local file = expect(OLD, #OLD, 1, {
          checksum = "sha256:" .. sha256(OLD),
          on_progress = function(progress)
            seen = { progress.received, progress.total }
          end,
        })
        assert.equal('"1"', file.etag)
        assert.same({ #OLD, #OLD }, seen)
      end)
    end)

    it("is not complete when its size or its sum is wrong", function()
      run(function()
        local whole = function(conn)
          conn:respond_chunked { headers = { ETag = '"1"' } }
          conn:chunk("wrong wrong!")
          conn:close()
        end
        answer(whole)
        failed(download())
        answer(respond(416, "", { ["Content-Range"] = "bytes */12" }), serve(OLD, '"1"'))
        expect(OLD, 0, 2, { checksum = "sha256:" .. sha256(OLD) })
        os.remove(path)
        for _, value in ipairs { "bytes */13", "bytes */*", "bytes */11" } do
          answer(whole)
          failed(download())
          answer(respond(416, "", { ["Content-Range"] = value }), serve(OLD, '"1"'))
          expect(OLD, 0, 2)
          os.remove(path)
        end
      end)
    end)
  end)

  it("keeps its part when the server has none, or trouble", function()
    run(function()
      leave("old ")
      for _, status in ipairs { 404, 403, 503 } do
        answer(respond(status, "sorry"))
        local err = failed(download())
        assert.same({ "status", status }, { err.kind, err.response.status })
        assert.equal("old ", shell.read_file(path .. ".part"))
      end
      answer(serve(OLD, '"1"'))
      expect(OLD, 4, 1)
    end)
  end)

  it("keeps a part that it cannot go on with until there are other bytes", function()
    run(function()
      leave("old ")
      local record = shell.read_file(path .. ".part.json")
      answer(respond(404, "sorry"))
      for _, given in ipairs { { resume = false }, { params = { other = "file" } } } do
        assert.equal("status", failed(download(given)).kind)
        assert.equal("old ", shell.read_file(path .. ".part"))
        assert.equal(record, shell.read_file(path .. ".part.json"))
      end
      answer(serve(OLD, '"1"'))
      expect(OLD, 4, 1)
    end)
  end)

  it("leaves no secret beside its part", function()
    run(function()
      answer(cut("old "))
      local address = site.url:gsub("//", "//me:hidden1@") .. "/x?q=hidden2#hidden3"
      local function get()
        return curlew.download(address, path, {
          session = session, retry = false, headers = { Cookie = "a=hidden4" },
        })
      end
      local err = failed(get())
      local record = shell.read_file(path .. ".part.json")
      assert.is_nil(record:find("hidden", 1, true), record)
      assert.truthy(record:find(site.url .. "/x", 1, true))
      assert.is_nil(tostring(err):find("hidden1", 1, true))
      answer(serve(OLD, '"1"'))
      assert.equal(4, ok(get()).resumed_from)
    end)
  end)

  it("is dropped when its sum is wrong, so that the next call can do better", function()
    run(function()
      leave("bad ")
      answer(serve(OLD, '"1"'))
      local sum = "sha256:" .. sha256(OLD)
      assert.equal("checksum", failed(download { checksum = sum }).kind)
      assert.is_nil(uv.fs_lstat(path .. ".part"))
      expect(OLD, 0, 1, { checksum = sum })
    end)
  end)

  it("takes no more than was announced", function()
    run(function()
      leave("old ")
      answer(function(conn)
        conn:respond_chunked {
          status = 206, headers = { ["Content-Range"] = "bytes 4-11/12" },
        }
        conn:chunk("old old! and more")
        conn:chunk()
      end)
      assert.equal("protocol", failed(download()).kind)
      assert.equal("old ", shell.read_file(path .. ".part"))
      answer(function(conn)
        conn:respond_chunked {
          status = 206, headers = { ["Content-Range"] = "bytes 4-11/12" },
        }
        conn:chunk("old ")
        conn:chunk()
      end, serve(OLD, '"1"'))
      expect(OLD, 4, 2, { retry = AT_ONCE })
    end)
  end)

  it("gives up a server that sends nothing of what it announces", function()
    run(function()
      leave("old ")
      answer(function(conn)
        conn:respond_chunked {
          status = 206, headers = { ["Content-Range"] = "bytes 4-11/12" },
        }
        conn:chunk()
      end)
      local err = failed(download { retry = AT_ONCE })
      assert.same({ "closed", 4 }, { err.kind, err.attempts })
      assert.equal("old ", shell.read_file(path .. ".part"))
    end)
  end)

  it("takes the name of what it brings in the end", function()
    run(function()
      local given = { session = session, retry = false }
      answer(cut("old ", { ETag = '"1"', ["Content-Disposition"] = "attachment; filename=old" }))
      failed(curlew.download(site.url .. "/x", folder .. "/", given))
      answer(respond(200, NEW, { ["Content-Disposition"] = "attachment; filename=new" }))
      local file = ok(curlew.download(site.url .. "/x", folder .. "/", given))
      assert.equal(folder .. "/new", file.path)
    end)
  end)

  it("counts what was there in its progress", function()
    run(function()
      leave("old ")
      answer(serve(OLD, '"1"'))
      local seen = {}
      expect(OLD, 4, 1, {
        on_progress = function(progress)
          seen[#seen + 1] = progress
        end,
      })
      assert.same({ 12, 12 }, { seen[#seen].received, seen[#seen].total })
      for _, progress in ipairs(seen) do
        assert.is_true(progress.received >= 4)
      end
    end)
  end)

  it("is as a cancelled one, which gives all back and goes on later", function()
    run(function()
      local live
      site.handler = function(conn)
        live = conn
        conn:send("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 12\r\n\r\nold ")
      end
      curlew.sleep(0)
      local before = process.descriptors()
      local child = curlew.spawn(download)
      wait(function()
        return shell.read_file(path .. ".part") == "old "
      end)
      child:cancel()
      curlew.pcall(child.await, child)
      assert.equal("cancelled", child:status())
      wait(function()
        return live.closed and process.descriptors() <= before
      end)
      answer(serve(OLD, '"1"'))
      expect(OLD, 4, 1)
    end)
  end)

  it("may be cancelled at any moment", function()
    run(function()
      local bytes = ("0123456789abcdef"):rep(2 ^ 14) -- 256 KiB
      answer(serve(bytes, '"1"'))
      local moment = 0
      local child, err
      repeat -- a little later each time, until it is done
        child = curlew.spawn(download)
        for _ = 1, moment do
          curlew.yield()
        end
        child:cancel()
        err = select(2, curlew.pcall(child.await, child))
        moment = math.ceil(moment * 1.1 + 0.1)
        assert.is_true(child:status() == "done" or err.kind == "cancelled", tostring(err))
        assert.is_true((shell.read_file(path) or bytes) == bytes)
      until uv.fs_lstat(path)
      assert.equal(bytes, shell.read_file(path))
      assert.is_nil(uv.fs_lstat(path .. ".part"))
      assert.is_nil(uv.fs_lstat(path .. ".part.json"))
    end)
  end)
end)

describe("a download whose process is killed", function()
  local PROGRAM = [[
    local curlew = require "curlew"
    curlew.run(function()
      local file, err = curlew.download(arg[1], arg[2], { max_speed = tonumber(arg[3]) })
      print(file and file.sha256 or err)
    end)
  ]]

  it("goes on, with never a wrong sum, nor half a file under its name", function()
    local site, folder = nginx.start(), shell.scratch()
    local program, path = folder .. "/program.lua", folder .. "/big"
    shell.write_file(program, PROGRAM)
    local size, sum = 10 * 1024 * 1024, sha256(site.file("big"))
    local function start(speed)
      return process.start { process.lua, program, site.url .. "/big", path, speed }
    end
    math.randomseed(os.time())
    local parts = 0
    for round = 1, 10 do
      local child = start(size * 2)
      local seen, moment = 0, math.random() * 0.3
      local began = uv.hrtime()
      shell.turn(function()
        seen = math.max(seen, (uv.fs_stat(path .. ".part") or { size = 0 }).size)
        return child.status or (uv.hrtime() - began) / 1e9 > moment
      end)
      child:kill("sigkill")
      child:wait()
      local file = shell.read_file(path)
      if file then
        assert.equal(sum, sha256(file), "round " .. round)
        assert(os.remove(path))
      else
        parts = parts + (uv.fs_stat(path .. ".part") and 1 or 0)
      end
    end
    assert.is_true(parts > 0)
    local child = start(math.huge):wait()
    assert.equal("", child.stderr)
    assert.equal(sum .. "\n", child.stdout)
    assert.equal(sum, sha256(shell.read_file(path)))
    assert.is_nil(uv.fs_lstat(path .. ".part"))
    assert.is_nil(uv.fs_lstat(path .. ".part.json"))
  end)
end)
