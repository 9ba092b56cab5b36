local collect = require "support.collect"
local curlew = require "curlew"
local nginx = require "support.nginx"
local process = require "support.process"
local sessions = require "support.sessions"
local shell = require "support.shell"
local uv = require "curlew.uv"
local waiting = require("support.tasks").waiting

local ok, wait = sessions.ok, sessions.wait

local MEGABYTE = 1024 * 1024
local BLOCK = ("0123456789abcdef"):rep(16 * 1024) -- 256 KiB
local DIGEST = "Digest realm=\"r\", nonce=\"n0\", qop=\"auth\", algorithm=MD5"

-- Calls an iterator by hand, as plain Lua 5.1 needs it, until it has no more.
local function all_of(next_item)
  local items, item = {}, next_item()
  while item ~= nil do
    items[#items + 1], item = item, next_item()
  end
  return items
end

describe("a streamed response", function()
  local site, session, live, web, directory

  setup(function()
    web = nginx.start()
    directory = shell.scratch()
  end)

  local run_session = sessions.runner(function(...)
    site, session = ...
  end)

  -- Sends as many bytes as the query says, a block at a time as the kernel takes them.
  local function flood(conn, request)
    local left = tonumber(request.query)
    conn:send(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(left))
    local function more()
      if left > 0 and not conn.closed then
        local piece = left < #BLOCK and BLOCK:sub(1, left) or BLOCK
        left = left - #piece
        conn:send(piece, more)
      end
    end
    live = conn
    more()
  end

  local handlers = {
    ["/live"] = function(conn) -- its head; the test sends the rest
      conn:respond_chunked { headers = { Trailer = "X-Sum" } }
      live = conn
    end,
    ["/flood"] = flood,
    ["/text"] = function(conn, request) -- what the query says in hexadecimal, a byte at a time
      conn:respond_chunked()
      for digits in request.query:gmatch("%x%x") do
        conn:chunk(string.char(tonumber(digits, 16)))
      end
      conn:chunk()
    end,
    ["/moved"] = function(conn)
      conn:respond { status = 302, headers = { Location = "/" }, body = "it has moved" }
    end,
    ["/digest"] = function(conn, request)
      if request.headers.authorization then
        conn:respond { body = "welcome" }
      else
        conn:respond {
          status = 401, body = "who are you?", headers = { ["WWW-Authenticate"] = DIGEST },
        }
      end
    end,
  }

  local function run(fn, given)
    run_session(fn, given, handlers)
  end

  local function open(path, given)
    given = given or {}
    given.stream = true
    return ok(session:get(path:find("^http") and path or site.url .. path, given))
  end

  local function open_text(text)
    return open("/text?" .. text:gsub(".", function(byte)
      return ("%02x"):format(byte:byte())
    end))
  end

  -- Reads to the end; returns the bytes and the error.
  local function drain(res, most)
    local size = 0
    local bytes, err = res:read(most)
    while bytes do
      size = size + #bytes
      bytes, err = res:read(most)
    end
    return size, err
  end

  local function assert_idle()
    assert.equal(0, session.pool.active)
    assert.equal(0, session.driver.count)
  end

  describe("that is read", function()
    it("is there with its head, while the body is still to come #valgrind", function()
      run(function()
        local res = open "/live"
        assert.equal(200, res.status)
        assert.equal("chunked", res.headers["transfer-encoding"])
        assert.is_nil(res.body)
        assert.equal(1, session.pool.active)
        live:chunk("first")
        assert.equal("first", res:read())
        live:chunk("second")
        assert.equal("se", res:read(2))
        assert.equal("cond", res:read(100))
        local reader = waiting(res.read, res)
        assert.equal("waiting", reader:status())
        live:chunk("third")
        assert.equal("third", reader:await())
        live:chunk()
        local bytes, err = res:read()
        assert.is_nil(bytes)
        assert.is_nil(err)
        assert.is_nil((res:read()))
        assert.is_nil(res.body)
        assert_idle()
      end)
    end)

    it("comes from fetch as well", function()
      run(function()
        local res = ok(curlew.fetch(site.url .. "/live", { stream = true }))
        live:chunk("bytes")
        assert.equal("bytes", res:read())
        res:close()
      end)
    end)

    it("gives its trailers and its time after the end", function()
      run(function()
        local res = open "/live"
        assert.is_nil(res.trailers["x-sum"])
        local before = res.timing.total
        live:chunk("body")
        live:send("0\r\nX-Sum: 7\r\n\r\n")
        assert.equal(4, (drain(res)))
        assert.equal("7", res.trailers["x-sum"])
        assert.is_nil(res.headers["x-sum"])
        assert.is_true(res.timing.total >= before and res.timing.total > 0)
      end)
    end)

    it("has no bytes where there is no body", function()
      run(function()
        for _, path in ipairs { "/empty", "/status/204", "/status/304" } do
          local res = open(web.url .. path)
          assert.is_nil((res:read()))
          assert.equal("", res:text())
        end
        local res = ok(session:head(site.url .. "/", { stream = true }))
        assert.is_nil((res:read()))
        assert_idle()
      end)
    end)

    it("is refused a number of bytes that is none, at the caller's line", function()
      run(function()
        local res = open "/"
        for _, most in ipairs { 0, -1, 0 / 0, "some", true } do
          local good, err = curlew.pcall(function()
            res:read(most)
          end)
          assert.is_false(good)
          assert.matches("session_stream_spec.lua:%d+: the bytes to read", err)
        end
        assert.equal("h", res:read(1.5))
        assert.equal("ello", res:read(math.huge))
      end)
    end)

    it("as text is one string, also of what is left, and then its body", function()
      run(function()
        local res = open "/"
        assert.equal("hello", res:text())
        assert.equal("hello", res.body)
        assert.equal("hello", res:text())
        res = open "/"
        assert.equal("he", res:read(2))
        assert.equal("llo", res:text())
      end)
    end)

    it("as JSON is its value, or an error of kind decode", function()
      run(function()
        assert.same({ 1, 2, 3 }, ok(open(web.url .. "/json"):json()).list)
        local value, err = open("/"):json()
        assert.is_nil(value)
        assert.equal("decode", err.kind)
        value, err = open("/cut"):json()
        assert.is_nil(value)
        assert.equal("closed", err.kind)
      end)
    end)

    it("in chunks gives them as they come", function()
      run(function()
        local next_chunk = open("/live"):chunks()
        live:chunk("one")
        assert.equal("one", next_chunk())
        live:chunk("two")
        assert.equal("two", next_chunk())
        live:chunk()
        assert.is_nil(next_chunk())
        assert.is_nil(next_chunk())
      end)
    end)

    it("in lines ends them at LF or CRLF, the last one also without", function()
      run(function()
        assert.same({ "a", "b", "", "c\rd", "e" }, all_of(open_text("a\nb\r\n\nc\rd\ne"):lines()))
        assert.same({ "a", "" }, all_of(open_text("a\n\r\n"):lines()))
        assert.same({}, all_of(open(web.url .. "/empty"):lines()))
        assert.equal(64, #all_of(open(web.url .. "/1k"):lines()))
      end)
    end)

    it("in lines gives each as soon as it is complete", function()
      run(function()
        local next_line = open("/live"):lines()
        live:chunk("one\ntw")
        assert.equal("one", next_line())
        local second = waiting(next_line)
        assert.equal("waiting", second:status())
        live:chunk("o\nthr")
        assert.equal("two", second:await())
        live:chunk()
        assert.equal("thr", next_line())
        assert.is_nil(next_line())
        assert.is_nil(next_line())
      end)
    end)

    it("in events gives those of a server that sends them", function()
      run(function()
        local text = ": hello\n\nid: 1\ndata: one\ndata: two\n\n"
          .. "event: add\ndata: three\n\ndata: cut"
        assert.same({
          { type = "message", data = "one\ntwo", id = "1" },
          { type = "add", data = "three", id = "1" },
        }, all_of(open_text(text):events()))
      end)
    end)

    it("is saved into a file, with how many bytes these are", function()
      run(function()
        local path = directory .. "/saved"
        shell.write_file(path, ("old"):rep(10 * MEGABYTE))
        local res = open(web.url .. "/big")
        assert.equal(#web.file("big"), ok(res:save(path)))
        assert.is_true(shell.read_file(path) == web.file("big"))
        res = open "/"
        assert.equal("he", res:read(2))
        assert.equal(3, res:save(path))
        assert.equal("llo", shell.read_file(path))
        local size, err = open("/"):save(directory .. "/no/such/folder")
        assert.is_nil(size)
        assert.equal("io", err.kind)
        assert.matches("no/such/folder: .*ENOENT", err.message)
        assert_idle()
      end)
    end)

    it("is decompressed on the way", function()
      run(function()
        local res = open(web.url .. "/gzip")
        assert.equal("gzip", res.headers["content-encoding"])
        assert.equal(web.file("gzip"), table.concat(all_of(res:chunks())))
      end)
    end)

    it("is that of the end of its redirects, whose own bodies are not seen", function()
      run(function()
        local res = open "/moved"
        assert.equal(200, res.status)
        assert.equal(site.url .. "/", res.url)
        assert.equal(302, res.history[1].status)
        assert.equal("hello", res:text())
        assert.equal(1, site.connections)
        assert.equal("it has moved", open("/moved", { redirect = "manual" }):text())
      end)
    end)

    it("is that of the answer with credentials, not that of the 401", function()
      run(function()
        local auth = { user = "user", password = "secret", type = "digest" }
        local res = open("/digest", { auth = auth })
        assert.equal(200, res.status)
        assert.equal("welcome", res:text())
        assert.equal(2, #site.requests)
        res = open "/digest"
        assert.equal(401, res.status)
        assert.equal("who are you?", res:text())
      end)
    end)

    it("is whole in the end with any size of pieces", function()
      run(function()
        local big = web.file("big")
        for _, most in ipairs { 1000, 65536, 65537, 1e6 } do
          local res, pieces = open(web.url .. "/big"), {}
          local bytes = res:read(most)
          while bytes do
            assert.is_true(#bytes <= most)
            pieces[#pieces + 1], bytes = bytes, res:read(most)
          end
          assert.is_true(table.concat(pieces) == big)
        end
      end)
    end)

    it("by two tasks at once gives the second an error, and the first its bytes", function()
      run(function()
        local res = open "/live"
        local first = waiting(res.read, res)
        local bytes, err = res:read()
        assert.is_nil(bytes)
        assert.equal("io", err.kind)
        assert.matches("another task", err.message)
        live:chunk("mine")
        assert.equal("mine", first:await())
        live:chunk("next")
        assert.equal("next", res:read())
      end)
    end)
  end)

  describe("whose body ends too soon", function()
    it("gives what has come, then an error of kind closed, time and again", function()
      run(function()
        local res = open "/cut"
        assert.equal("half", res:read())
        for _ = 1, 2 do
          local bytes, err = res:read()
          assert.is_nil(bytes)
          assert.equal("closed", err.kind)
          assert.equal("body", err.phase)
          assert.equal(site.url .. "/cut", err.url)
        end
        local text, err = open("/cut"):text()
        assert.is_nil(text)
        assert.equal("closed", err.kind)
        assert_idle()
      end)
    end)

    it("raises the error in a loop, and fails to be saved", function()
      run(function()
        for _, name in ipairs { "chunks", "lines", "events" } do
          local res = open "/cut"
          local good, err = curlew.pcall(all_of, res[name](res))
          assert.is_false(good)
          assert.equal("closed", err.kind)
        end
        local size, err = open("/cut"):save(directory .. "/half")
        assert.is_nil(size)
        assert.equal("closed", err.kind)
        assert.equal("half", shell.read_file(directory .. "/half"))
      end)
    end)

    it("by the limit of idleness gets a timeout", function()
      run(function()
        local res = open("/half", { timeout = { idle = 0.05 } })
        assert.equal("half", res:read())
        local bytes, err = res:read()
        assert.is_nil(bytes)
        assert.equal("timeout", err.kind)
        assert.equal("body", err.phase)
        assert_idle()
      end)
    end)

    it("by a limit of the total that was given gets a timeout", function()
      run(function()
        local res = open("/half", { timeout = 0.05 })
        assert.equal("half", res:read())
        local bytes, err = res:read()
        assert.is_nil(bytes)
        assert.equal("timeout", err.kind)
        assert.equal("body", err.phase)
      end)
    end)

    it("by max_body gets an error of kind too_large", function()
      run(function()
        local res = open("/flood?1000000", { max_body = 500000 })
        local size, err = drain(res)
        assert.is_true(size <= 500000)
        assert.equal("too_large", err.kind)
        assert.equal(500000, (drain(open("/flood?500000", { max_body = 500000 }))))
        assert_idle()
      end)
    end)

    it("as text has the limit of one in memory", function()
      run(function()
        local res = open(("/flood?%d"):format(64 * MEGABYTE + 1))
        local text, err = res:text()
        assert.is_nil(text)
        assert.equal("too_large", err.kind)
        assert.is_nil(res.body)
        assert_idle()
      end)
    end)
  end)

  describe("that nobody reads", function()
    it("stops its server, and comes whole once it is read", function()
      run(function()
        local size = 50 * MEGABYTE
        local res = open(("/flood?%d"):format(size))
        local before
        repeat -- until the server gets no more bytes away
          before = live.sent - live:unsent()
          curlew.sleep(0.05)
        until live.sent - live:unsent() == before
        assert.is_true(before < 8 * MEGABYTE)
        assert.equal(size, (drain(res)))
      end)
    end)

    it("is not idle", function()
      run(function()
        local res = open("/flood?12000000", { timeout = { idle = 0.04 } })
        assert.is_string(res:read(10))
        curlew.sleep(0.15)
        local size, err = drain(res)
        assert.is_nil(err)
        assert.equal(12000000 - 10, size)
      end)
    end)

    it("lets other streams of its HTTP/2 connection by", function()
      run(function()
        local big = #web.file("big")
        local paused = open(web.https .. "/big", { verify = web.ca })
        local first = #paused:read()
        local other = open(web.https .. "/big", { verify = web.ca })
        assert.equal("2", paused.http_version)
        assert.equal("2", other.http_version)
        assert.equal(big, (drain(other)))
        assert.equal(1, session:stats().open)
        assert.equal(big, first + drain(paused))
      end)
    end)
  end)

  it("needs no more memory for 100 MB than for a piece, and has no limit of 64 MiB", function()
    run(function()
      local res = open(("/flood?%d"):format(100 * MEGABYTE))
      local size = 0
      for _ = 1, 100 do
        size = size + #res:read()
      end
      collect()
      local lua, resident = collectgarbage("count") * 1024, process.memory()
      local bytes = res:read()
      while bytes do
        size, bytes = size + #bytes, res:read()
      end
      collect()
      assert.equal(100 * MEGABYTE, size)
      assert.is_true(collectgarbage("count") * 1024 - lua < MEGABYTE)
      assert.is_true(process.memory() - resident < 40 * MEGABYTE)
    end)
  end)

  describe("that is given up", function()
    -- Another request has to find its place in the pool free.
    local function assert_place()
      assert_idle()
      assert.equal("hello", ok(session:get(site.url .. "/")).body)
    end

    it("by close gives its place back, and has no more bytes #valgrind", function()
      run(function()
        local res = open "/live"
        local blocked = waiting(session.get, session, site.url .. "/")
        assert.equal("waiting", blocked:status())
        live:chunk("unread")
        res:close()
        res:close()
        assert.equal("hello", ok(blocked:await()).body)
        local bytes, err = res:read()
        assert.is_nil(bytes)
        assert.equal("closed", err.kind)
        assert.equal(200, res.status)
        assert.is_nil(res.trailers["x-sum"])
        assert.is_table(res.timing)
        assert_place()
        wait(function()
          return live.closed
        end)
      end, { max_per_host = 1 })
    end)

    it("by close wakes the task that reads it", function()
      run(function()
        local res = open "/live"
        local reader = waiting(res.read, res)
        res:close()
        local bytes, err = reader:await()
        assert.is_nil(bytes)
        assert.equal("closed", err.kind)
        assert_place()
      end)
    end)

    it("by close after its end stays as it was", function()
      run(function()
        local res = open "/"
        assert.equal("hello", res:read())
        assert.is_nil((res:read()))
        res:close()
        local bytes, err = res:read()
        assert.is_nil(bytes)
        assert.is_nil(err)
      end)
    end)

    it("by one cancelled reader can be read by another", function()
      run(function()
        local res = open "/live"
        local reader = waiting(res.read, res)
        reader:cancel()
        assert.is_false((curlew.pcall(reader.await, reader)))
        live:chunk("still here")
        assert.equal("still here", res:read())
      end)
    end)

    it("by a limit of time around one read can be read again", function()
      run(function()
        local res = open "/live"
        local bytes, err = curlew.timeout(0.02, res.read, res)
        assert.is_nil(bytes)
        assert.equal("timeout", err.kind)
        live:chunk("late")
        assert.equal("late", res:read())
      end)
    end)

    it("with the task that has opened it is closed", function()
      run(function()
        local res
        local opener = curlew.spawn(function()
          res = open "/live"
        end)
        opener:await()
        assert_place()
        local bytes, err = res:read()
        assert.is_nil(bytes)
        assert.equal("closed", err.kind)
        opener = waiting(function()
          res = open "/live"
          res:read()
        end)
        wait(function()
          return res
        end)
        opener:cancel()
        assert.is_false((curlew.pcall(opener.await, opener)))
        assert_place()
      end, { max_per_host = 1 })
    end)

    it("with the group in which it was opened is closed", function()
      run(function()
        local res = curlew.group(function()
          return open "/live"
        end)
        assert_place()
        assert.equal("closed", select(2, res:read()).kind)
        local good, err = curlew.pcall(curlew.group, function()
          open "/live"
          error("the body fails", 0)
        end)
        assert.is_false(good)
        assert.equal("the body fails", err)
        assert_place()
      end, { max_per_host = 1 })
    end)

    it("by everybody is closed once it is collected", function()
      run(function()
        -- A function of its own, whose place on the stack is then used by others.
        local function open_and_forget()
          live = nil
          local res = open "/live"
          assert.equal(200, res.status)
        end
        open_and_forget()
        assert.equal(1, session.pool.active)
        wait(function()
          collect()
          return session.pool.active == 0
        end)
        assert_place()
        wait(function()
          return live.closed
        end)
      end, { max_per_host = 1 })
    end)

    it("by its session gets an error of kind closed_session", function()
      run(function()
        local res, other = open "/live", open "/live"
        local reader = waiting(res.read, res)
        session:close()
        for _, err in ipairs { (select(2, reader:await())), (select(2, other:read())) } do
          assert.equal("closed_session", err.kind)
        end
        assert.is_nil(other.trailers["x-sum"])
        assert_idle()
      end)
    end)
  end)

  describe("that goes into a sink", function()
    it("is written to a path, a descriptor, or handed to a function", function()
      run(function()
        local big, path = web.file("big"), directory .. "/sink"
        local res = ok(session:get(web.url .. "/big", { sink = path }))
        assert.equal(200, res.status)
        assert.is_nil(res.body)
        assert.is_nil((res:read()))
        assert.is_true(shell.read_file(path) == big)
        local file = assert(uv.fs_open(path, "w", 420))
        ok(session:get(web.url .. "/hello.txt", { sink = file }))
        ok(session:get(web.url .. "/hello.txt", { sink = file })) -- it is open still
        assert(uv.fs_close(file))
        assert.equal(web.file("hello.txt"):rep(2), shell.read_file(path))
        local pieces = {}
        res = ok(session:get(web.url .. "/big", {
          sink = function(bytes)
            curlew.yield()
            pieces[#pieces + 1] = bytes
          end,
        }))
        assert.is_nil(res.body)
        assert.is_true(#pieces > 1)
        assert.is_true(table.concat(pieces) == big)
        assert_idle()
      end)
    end)

    it("raises the error of the function unchanged", function()
      run(function()
        local reason = {}
        local good, err = curlew.pcall(session.get, session, site.url .. "/half", {
          sink = function()
            error(reason, 0)
          end,
        })
        assert.is_false(good)
        assert.is_true(err == reason)
        assert_idle()
      end)
    end)

    it("fails with kind io where it cannot be written", function()
      run(function()
        for _, path in ipairs { directory .. "/no/such", directory, "/dev/full" } do
          local res, err = session:get(web.url .. "/big", { sink = path })
          assert.is_nil(res)
          assert.equal("io", err.kind)
          assert.matches(path, err.message, 1, true)
          assert_idle()
        end
      end)
    end)

    it("is all there where some of it was read before, or it came compressed", function()
      run(function()
        local big, path = web.file("big"), directory .. "/rest"
        local res = ok(session:get(web.url .. "/big", { stream = true }))
        local first = ok(res:read(1000))
        assert.equal(#big - #first, ok(res:save(path)))
        assert.is_true(first .. shell.read_file(path) == big)
        res = ok(session:get(web.url .. "/gzip", { stream = true }))
        assert.equal("gzip", res.headers["content-encoding"])
        assert.equal(#web.file("gzip"), ok(res:save(path)))
        assert.equal(web.file("gzip"), shell.read_file(path))
        ok(session:get(web.url .. "/big", { sink = "/dev/null" }))
        assert_idle()
      end)
    end)

    it("fails with the system's word where a file takes no more", function()
      run(function()
        local path = directory .. "/read only"
        shell.write_file(path, "as it was")
        local file = assert(uv.fs_open(path, "r", 0))
        local res, err = session:get(web.url .. "/big", { sink = file })
        assert(uv.fs_close(file))
        assert.is_nil(res)
        assert.equal("io", err.kind)
        assert.matches("Bad file descriptor", err.message, 1, true)
        assert.equal("as it was", shell.read_file(path))
        assert.equal(200, ok(session:get(web.url .. "/hello.txt")).status)
        assert_idle()
      end)
    end)

    it("ends at max_body, and when it is cut, with what came in the file", function()
      run(function()
        local path = directory .. "/part"
        local res, err = session:get(web.url .. "/big", { sink = path, max_body = 100000 })
        assert.is_nil(res)
        assert.equal("too_large", err.kind)
        assert.is_true(#shell.read_file(path) <= 100000)
        res, err = session:get(site.url .. "/cut", { sink = path })
        assert.is_nil(res)
        assert.equal("closed", err.kind)
        assert.equal("half", shell.read_file(path))
        assert_idle()
      end)
    end)

    it("does not hold up the loop for a pipe that nobody reads", function()
      run(function()
        local path = directory .. "/pipe"
        assert(shell.run("mkfifo " .. shell.quote(path)))
        local one = curlew.spawn(session.get, session, web.url .. "/hello.txt", { sink = path })
        for _ = 1, 5 do
          curlew.sleep(0.001)
        end
        assert.equal("waiting", one:status())
        local text = curlew.thread(function(name)
          local file = io.open(name)
          local all = file:read("*a")
          file:close()
          return all
        end, path)
        ok(one:await())
        assert.equal(web.file("hello.txt"), text)
      end)
    end)

    it("fails when it is cut short", function()
      run(function()
        local got = ""
        local res, err = session:get(site.url .. "/cut", {
          sink = function(bytes)
            got = got .. bytes
          end,
        })
        assert.is_nil(res)
        assert.equal("closed", err.kind)
        assert.equal("half", got)
      end)
    end)

    it("leaves it alone with what check = true refuses, and with redirects", function()
      run(function()
        local path = directory .. "/untouched"
        local res, err = session:get(site.url .. "/nothing", { sink = path, check = true })
        assert.is_nil(res)
        assert.equal("status", err.kind)
        assert.equal(404, err.response.status)
        assert.equal("nothing at /nothing", err.response.body)
        assert.is_nil(shell.read_file(path))
        ok(session:get(site.url .. "/moved", { sink = path, check = true }))
        assert.equal("hello", shell.read_file(path))
        ok(session:get(site.url .. "/nothing", { sink = path }))
        assert.equal("nothing at /nothing", shell.read_file(path))
      end)
    end)

    it("leaves no descriptor behind when its task is cancelled", function()
      run(function()
        local path = directory .. "/cancelled"
        ok(session:get(site.url .. "/"))
        local before = process.descriptors()
        local one = curlew.spawn(session.get, session, site.url .. "/half", { sink = path })
        wait(function()
          return shell.read_file(path) == "half"
        end)
        one:cancel()
        assert.is_false((curlew.pcall(one.await, one)))
        assert_idle()
        wait(function()
          return site.open == 0
        end)
        assert.is_true(process.descriptors() < before) -- those of the connection have gone, too
      end)
    end)
  end)

  describe("in memory", function()
    it("is read by the same calls", function()
      run(function()
        local function get(path)
          return ok(session:get(path:find("^http") and path or site.url .. path))
        end
        local res = get "/"
        assert.equal("he", res:read(2))
        assert.equal("llo", res:read())
        assert.is_nil((res:read()))
        assert.is_nil((res:read(1)))
        assert.equal("hello", res.body)
        assert.equal("hello", res:text())
        res:close()
        assert.equal("hello", res.body)
        assert.same({ "hello" }, all_of(get("/"):chunks()))
        assert.equal(64, #all_of(get(web.url .. "/1k"):lines()))
        local path = directory .. "/from-memory"
        assert.equal(5, get("/"):save(path))
        assert.equal("hello", shell.read_file(path))
        assert.is_nil((get(web.url .. "/empty"):read()))
        local err = select(2, get("/"):save(directory .. "/no/such"))
        assert.equal("io", err.kind)
      end)
    end)
  end)
end)
