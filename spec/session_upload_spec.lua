local curlew = require "curlew"
local nginx = require "support.nginx"
local process = require "support.process"
local sessions = require "support.sessions"
local shell = require "support.shell"
local waiting = require("support.tasks").waiting

local ok, wait = sessions.ok, sessions.wait

local MEGABYTE = 1024 * 1024
local PIECE = ("0123456789abcdef"):rep(4 * 1024) -- 64 KiB
local BINARY = "a\r\n--\0b\255\r\n\r\n"

-- A function that returns these, one a call, then nil.
local function from(...)
  local pieces, index = { ... }, 0
  return function()
    index = index + 1
    return pieces[index]
  end
end

describe("a session that sends", function()
  local site, session, web, directory

  setup(function()
    web = nginx.start()
    directory = shell.scratch()
  end)

  local run_session = sessions.runner(function(...)
    site, session = ...
  end)

  local handlers = {}
  for _, status in ipairs { 303, 307, 308 } do
    handlers["/" .. status] = function(conn)
      conn:respond { status = status, headers = { Location = "/" } }
    end
  end

  local function run(fn, given)
    run_session(fn, given, handlers)
  end

  local function post(given, path)
    return session:post(site.url .. (path or "/"), given)
  end

  local function write(name, text)
    shell.write_file(directory .. "/" .. name, text)
    return directory .. "/" .. name
  end

  local function assert_idle()
    assert.equal(0, session.pool.active)
    assert.equal(0, session.driver.count)
  end

  -- The session is idle, and serves the next request.
  local function assert_works()
    assert_idle()
    site.options.on_head = nil
    assert.equal("hello", ok(session:get(site.url .. "/")).body)
  end

  -- Has the server stop reading at the head of the next request, whose connection comes back.
  local function hold()
    local held = {}
    function site.options.on_head(conn)
      held.conn = conn
      conn:pause()
    end
    return held
  end

  -- Waits until `count()` stays as it is.
  local function stalled(count)
    local before
    repeat
      before = count()
      curlew.sleep(0.04)
    until count() == before
    return before
  end

  local function failed(value, err)
    assert.is_nil(value)
    assert.is_true(curlew.is_error(err))
    return err
  end

  describe("what a function returns", function()
    it("sends the pieces in their order, chunked #valgrind", function()
      run(function()
        ok(post { body = from("one ", "", "two ", PIECE, BINARY, "end") })
        local sent = site:last()
        assert.equal("POST", sent.method)
        assert.equal("chunked", sent.headers["transfer-encoding"])
        assert.is_nil(sent.headers["content-length"])
        assert.is_nil(sent.headers["expect"])
        assert.is_nil(sent.headers["content-type"])
        assert.is_true(sent.body == "one two " .. PIECE .. BINARY .. "end")
        assert_works()
      end)
    end)

    it("sends it with the method that was asked for", function()
      run(function()
        for _, name in ipairs { "put", "patch", "delete" } do
          ok(session[name](session, site.url .. "/", { body = from("content") }))
          assert.equal(name:upper(), site:last().method)
          assert.equal("content", site:last().body)
        end
      end)
    end)

    it("sends an empty body when it returns nil at once", function()
      run(function()
        ok(post { body = from() })
        assert.equal("POST", site:last().method)
        assert.equal("", site:last().body)
        assert_works()
      end)
    end)

    it("waits while the function does", function()
      run(function()
        local queue = curlew.queue()
        local one = curlew.spawn(post, {
          body = function()
            curlew.sleep(0.002)
            return queue:get()
          end,
        })
        queue:put("first ")
        wait(function()
          return site.open == 1
        end)
        local conn = next(site.live)
        wait(function()
          return conn.received > 0
        end)
        local before = conn.received
        queue:put("second")
        wait(function()
          return conn.received > before
        end)
        queue:close()
        ok(one:await())
        assert.equal("first second", site:last().body)
      end)
    end)

    it("is not idle while the function waits", function()
      run(function()
        local calls = 0
        ok(post {
          timeout = { idle = 0.03 },
          body = function()
            calls = calls + 1
            curlew.sleep(0.08)
            return calls < 3 and "x" or nil
          end,
        })
        assert.equal("xx", site:last().body)
      end)
    end)

    it("asks for a piece only when the last one is on its way", function()
      run(function()
        local held, calls, is_over = hold(), 0, false
        local one = curlew.spawn(post, {
          body = function()
            calls = calls + 1
            return not is_over and PIECE or nil
          end,
        })
        wait(function()
          return held.conn
        end)
        local count = stalled(function()
          return calls
        end)
        assert.is_true((count * #PIECE - held.conn.received) < 16 * MEGABYTE)
        is_over = true
        held.conn:resume()
        ok(one:await())
        assert.equal((calls - 1) * #PIECE, #site:last().body)
        assert_works()
      end)
    end)

    it("raises its error unchanged", function()
      run(function()
        local reason = {}
        for _, before in ipairs { 0, 1, 30 } do
          local calls = 0
          local good, err = curlew.pcall(post, {
            body = function()
              calls = calls + 1
              if calls > before then
                error(reason, 0)
              end
              return PIECE
            end,
          })
          assert.is_false(good)
          assert.is_true(err == reason)
          assert_works()
        end
      end)
    end)

    it("raises an error of kind upload when it returns no string", function()
      run(function()
        for _, piece in ipairs { 1, true, {} } do
          local good, err = curlew.pcall(post, { body = from("x", piece) })
          assert.is_false(good)
          assert.equal("upload", err.kind)
          assert.matches("got a " .. type(piece), err.message)
          assert_works()
        end
      end)
    end)

    it("sends it over HTTP/2", function()
      run(function()
        local count = 0
        local res = ok(session:put(web.https .. "/upload/pieces", {
          verify = web.ca,
          body = function()
            count = count + 1
            return count <= 40 and PIECE or nil
          end,
        }))
        assert.equal("2", res.http_version)
        assert.equal(201, res.status)
        assert.is_true(shell.read_file(web.dir .. "/www/upload/pieces") == PIECE:rep(40))
      end)
    end)
  end)

  describe("what an object reads", function()
    it("sends a file that is open, from where it stands", function()
      run(function()
        local path = write("open", "skipped " .. PIECE:rep(3))
        local file = assert(io.open(path, "rb"))
        file:read(8)
        ok(post { body = file })
        file:close()
        assert.is_true(site:last().body == PIECE:rep(3))
      end)
    end)

    it("sends what read returns, to nil or an empty string", function()
      run(function()
        for _, last in ipairs { false, "" } do
          local pieces = { "one ", "two", last or nil }
          local object = {
            read = function(object, most)
              assert.is_table(object)
              assert.is_number(most)
              return table.remove(pieces, 1)
            end,
          }
          ok(post { body = object })
          assert.equal("one two", site:last().body)
        end
      end)
    end)

    it("raises its errors, also that of what is no string", function()
      run(function()
        local function reads(read)
          return { body = { read = read } }
        end
        local good, err = curlew.pcall(post, reads(function()
          error("broken", 0)
        end))
        assert.is_false(good)
        assert.equal("broken", err)
        good, err = curlew.pcall(post, reads(function()
          return 7
        end))
        assert.is_false(good)
        assert.equal("upload", err.kind)
        assert_works()
      end)
    end)

    it("fails with what read returns behind nil, as a response that is cut short", function()
      run(function()
        local err = failed(post { body = io.open(directory, "rb") })
        assert.equal("io", err.kind)
        assert.matches("cannot read the body: .*directory", err.message)
        err = failed(post { body = ok(session:get(site.url .. "/cut", { stream = true })) })
        assert.equal("io", err.kind)
        assert.matches("closed the connection", err.message)
        assert_works()
      end)
    end)

    it("sends a streamed response on", function()
      run(function()
        ok(post { body = ok(session:get(web.url .. "/big", { stream = true })) })
        assert.is_true(site:last().body == web.file("big"))
      end)
    end)
  end)

  describe("a file", function()
    it("sends it whole, with its length", function()
      run(function()
        local before = process.descriptors()
        for _, text in ipairs { PIECE:rep(20), "short" .. BINARY, PIECE, "" } do
          ok(post { file = write("whole", text) })
          assert.equal(("%d"):format(#text), site:last().headers["content-length"])
          assert.is_nil(site:last().headers["transfer-encoding"])
          assert.is_true(site:last().body == text)
        end
        session:close()
        wait(function()
          return site.open == 0
        end)
        assert.is_true(process.descriptors() <= before)
      end)
    end)

    it("fails with kind io when it is not there, or is a folder", function()
      run(function()
        local before = process.descriptors()
        local err = failed(post { file = directory .. "/missing" })
        assert.equal("io", err.kind)
        assert.matches("missing: .*ENOENT", err.message)
        err = failed(post { file = directory })
        assert.equal("io", err.kind)
        assert.matches("directory", err.message)
        assert.equal(0, #site.requests)
        assert.is_true(process.descriptors() <= before) -- or fewer: those of tests before
        assert_works()
      end)
    end)

    for word, change in pairs {
      shrank = function(path)
        write(path, "no more")
      end,
      grew = function(path)
        local file = io.open(directory .. "/" .. path, "ab")
        file:write("more")
        file:close()
      end,
    } do
      it("fails when it " .. word .. " meanwhile", function()
        run(function()
          local held, path = hold(), write(word, PIECE:rep(400))
          local one = curlew.spawn(post, { file = path, timeout = { idle = 2 } })
          wait(function()
            return held.conn
          end)
          change(word)
          held.conn:resume()
          local err = failed(one:await())
          assert.equal("io", err.kind)
          assert.matches(path .. " " .. word, err.message, 1, true)
          assert_works()
        end)
      end)
    end

    it("is sent again after 307 and 308, and not after 303", function()
      run(function()
        local path = write("again", PIECE)
        for _, status in ipairs { "307", "308" } do
          ok(session:put(("%s/%s"):format(site.url, status), { file = path }))
          assert.equal("PUT", site:last().method)
          assert.equal("/", site:last().path)
          assert.is_true(site:last().body == PIECE)
        end
        ok(post({ file = path }, "/303"))
        assert.equal("GET", site:last().method)
        assert.equal("", site:last().body)
        assert.is_nil(site:last().headers["content-length"])
      end)
    end)

    it("leaves no descriptor when its task is cancelled", function()
      run(function()
        ok(session:get(site.url .. "/"))
        local held, path = hold(), write("cancelled", PIECE:rep(400))
        local before = process.descriptors()
        local one = curlew.spawn(post, { file = path })
        wait(function()
          return held.conn
        end)
        assert.is_true(process.descriptors() > before)
        one:cancel()
        assert.is_false((curlew.pcall(one.await, one)))
        held.conn:resume()
        wait(function()
          return site.open == 0
        end)
        wait(function()
          return process.descriptors() < before -- with the connection of the first request
        end)
        assert_works()
      end)
    end)
  end)

  describe("a body", function()
    it("that was made once cannot follow a redirect, unless that drops it", function()
      run(function()
        local err = failed(post({ body = from("once") }, "/307"))
        assert.equal("redirect", err.kind)
        assert.matches("cannot be sent again", err.message)
        ok(post({ body = from("once") }, "/303"))
        assert.equal("GET", site:last().method)
        assert.equal("", site:last().body)
        assert_works()
      end)
    end)

    it("gets an answer that comes before its end", function()
      run(function()
        local calls = 0
        function site.options.on_head(conn)
          conn:respond { status = 413, body = "too much" }
          return false
        end
        local res = ok(post {
          body = function()
            calls = calls + 1
            curlew.sleep(0.001)
            return PIECE
          end,
        })
        assert.equal(413, res.status)
        assert.equal("too much", res.body)
        local count = calls
        curlew.sleep(0.01)
        assert.equal(count, calls)
        res = ok(post { file = write("early", PIECE:rep(400)) })
        assert.equal(413, res.status)
        assert_works()
      end)
    end)

    it("fails when the server goes away in its middle", function()
      run(function()
        local closed_by_generator
        function site.options.on_head(conn)
          conn:reset()
          return false
        end
        local err = failed(post {
          body = function()
            local good, problem = curlew.pcall(curlew.sleep, 0.001)
            if not good then
              closed_by_generator = problem
              error(problem, 0)
            end
            return PIECE
          end,
        })
        assert.equal("closed", err.kind)
        assert.truthy(closed_by_generator == nil or closed_by_generator.kind == "cancelled")
        err = failed(post { file = write("reset", PIECE:rep(400)) })
        assert.equal("closed", err.kind)
        assert_works()
      end)
    end)

    it("ends with its task: the function sees the cancellation", function()
      run(function()
        local seen
        local one = waiting(post, {
          body = function()
            local good, err = curlew.pcall(curlew.sleep, 60)
            seen = not good and err
            error(err, 0)
          end,
        })
        curlew.sleep(0.02)
        one:cancel()
        assert.is_false((curlew.pcall(one.await, one)))
        wait(function()
          return seen
        end)
        assert.equal("cancelled", seen.kind)
        assert_works()
      end)
    end)

    it("ends with its session", function()
      run(function()
        local seen
        local one = waiting(post, {
          body = function()
            local _, err = curlew.pcall(curlew.sleep, 60)
            seen = err
            error(err, 0)
          end,
        })
        curlew.sleep(0.02)
        session:close()
        assert.equal("closed_session", failed(one:await()).kind)
        wait(function()
          return seen
        end)
        assert.equal("cancelled", seen.kind)
        assert_idle()
      end)
    end)

    it("is streamed in both directions at once", function()
      run(function()
        local queue, live = curlew.queue(), nil
        function site.options.on_head(conn)
          conn:respond_chunked()
          conn:chunk("early")
          live = conn
        end
        local one = curlew.spawn(function()
          local res = ok(post({
            stream = true,
            body = function()
              return queue:get()
            end,
          }, "/silent"))
          local first = res:read()
          queue:put("late")
          queue:close()
          return first .. res:text()
        end)
        wait(function()
          return #site.requests == 1 -- it is complete
        end)
        live:chunk(" end")
        live:chunk()
        assert.equal("early end", one:await())
        assert.equal("late", site:last().body)
      end)
    end)

    it("is given in one way only", function()
      run(function()
        local ways = {
          body = "x", json = {}, form = {}, file = "/etc/passwd",
          multipart = { { name = "a", value = "b" } },
        }
        for first in pairs(ways) do
          for second in pairs(ways) do
            if first < second then
              local good, err = curlew.pcall(function()
                post { [first] = ways[first], [second] = ways[second] }
              end)
              assert.is_false(good)
              assert.matches(('options %q and %q exclude each other'):format(first, second), err)
              assert.matches("session_upload_spec.lua:%d+: ", err)
            end
          end
        end
        assert.equal(0, #site.requests)
      end)
    end)
  end)

  describe("a form of several parts", function()
    -- The parts that came: each with its lines of head, joined, and its value.
    local function parts()
      local sent, found = site:last(), {}
      local boundary = sent.headers["content-type"]:match("^multipart/form%-data; boundary=(%S+)$")
      local body, start = "\r\n" .. sent.body, "\r\n--" .. boundary
      local position = 1
      while body:sub(position + #start, position + #start + 1) ~= "--" do
        assert.equal(start, body:sub(position, position + #start - 1))
        local from_head = position + #start + 2
        local head_end, value_start = body:find("\r\n\r\n", from_head, true)
        local last = body:find(start, value_start, true)
        found[#found + 1] = {
          head = body:sub(from_head, head_end - 1), value = body:sub(value_start + 1, last - 1),
        }
        position = last
      end
      return found
    end

    local DISPOSITION = 'Content-Disposition: form-data; name="'

    it("sends a list in its order, and values by their names #valgrind", function()
      run(function()
        ok(post {
          multipart = {
            { name = "b", value = "one" }, { name = "a", value = BINARY },
            { name = "b", value = "" }, { name = "n", value = 3 },
          },
        })
        assert.same({
          { head = DISPOSITION .. 'b"', value = "one" },
          { head = DISPOSITION .. 'a"', value = BINARY },
          { head = DISPOSITION .. 'b"', value = "" },
          { head = DISPOSITION .. 'n"', value = "3" },
        }, parts())
        assert.equal(("%d"):format(#site:last().body), site:last().headers["content-length"])
        ok(post { multipart = { b = "two", a = "one", c = { value = "3", type = "text/x" } } })
        assert.same({
          { head = DISPOSITION .. 'a"', value = "one" },
          { head = DISPOSITION .. 'b"', value = "two" },
          { head = DISPOSITION .. 'c"\r\nContent-Type: text/x', value = "3" },
        }, parts())
      end)
    end)

    it("sends files from the disk, with name, type and headers", function()
      run(function()
        local big, small = write("big.bin", PIECE:rep(50)), write("small.txt", "text")
        ok(post {
          multipart = {
            { name = "one", file = big },
            { name = "two", file = small, filename = "other", type = "x/y",
              headers = { ["X-Part"] = "yes" } },
          },
        })
        local found = parts()
        assert.equal(2, #found)
        assert.matches('name="one"; filename="big.bin"', found[1].head, 1, true)
        assert.is_true(found[1].value == PIECE:rep(50))
        assert.matches('name="two"; filename="other"', found[2].head, 1, true)
        assert.matches("Content-Type: x/y", found[2].head, 1, true)
        assert.matches("X-Part: yes", found[2].head, 1, true)
        assert.equal("text", found[2].value)
        assert_works()
      end)
    end)

    it("keeps a name with quotes in its quotes", function()
      run(function()
        ok(post { multipart = { { name = 'a"; filename="x', value = "v", filename = 'q"r' } } })
        local head = parts()[1].head
        assert.equal(2, select(2, head:gsub('="[^"]*"', "")))
        assert.matches('name="a%22; filename=%22x"', head, 1, true)
        assert.matches('filename="q%22r"', head, 1, true)
      end)
    end)

    it("is sent again after a redirect", function()
      run(function()
        local path = write("part", "of a file")
        ok(post({ multipart = { f = { file = path } } }, "/307"))
        assert.equal("/", site:last().path)
        assert.equal("of a file", parts()[1].value)
      end)
    end)

    it("fails with kind io when a file is not there", function()
      run(function()
        local err = failed(post { multipart = { f = { file = directory .. "/missing" } } })
        assert.equal("io", err.kind)
        assert.equal(0, #site.requests)
        assert_works()
      end)
    end)

    it("refuses at the caller's line what it does not know", function()
      run(function()
        for given, message in pairs {
          [{ { name = "a", valu = "b" } }] = 'unknown field of option "multipart%[1%]" "valu"',
          [{ a = { fil = "b" } }] = 'unknown field of option "multipart.a" "fil"',
          [{ { name = "a" } }] = "either a value or a file",
          [{}] = "at least one part",
        } do
          local good, err = curlew.pcall(function()
            post { multipart = given }
          end)
          assert.is_false(good)
          assert.matches("session_upload_spec.lua:%d+: ", err)
          assert.matches(message, err)
        end
        assert.equal(0, #site.requests)
      end)
    end)
  end)
end)
