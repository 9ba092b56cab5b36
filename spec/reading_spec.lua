local curlew = require "curlew"
local sessions = require "support.sessions"
local uv = require "curlew.uv"

local ok, wait = sessions.ok, sessions.wait

local MEGABYTE = 1024 * 1024

describe("a response that is read while it comes", function()
  local site, session, connection

  local run = sessions.runner(function(...)
    site, session = ...
  end)

  -- Answers with the head and leaves the body to the test.
  local function open(conn)
    connection = conn
    conn:respond_chunked()
  end

  local function stream(given)
    given = given or {}
    given.stream = true
    return ok(session:get(site.url .. "/open", given))
  end

  local function run_open(fn, given)
    run(fn, given, { ["/open"] = open })
  end

  it("is there with its head, before any of its body has come", function()
    run_open(function()
      local answer = stream()
      assert.equal(200, answer.status)
      assert.is_nil(answer.body)
      connection:chunk("first")
      assert.equal("first", answer:read())
      connection:chunk("second")
      assert.equal("sec", answer:read(3))
      assert.equal("ond", answer:read(10))
      connection:chunk()
      assert.same({}, { answer:read() })
      assert.same({}, { answer:read() })
      assert.is_true(answer.timing.total > 0)
    end)
  end)

  it("gives its rest as text, as JSON, in lines, and as events", function()
    run_open(function()
      local function with(body)
        local answer = stream()
        connection:chunk(body)
        connection:chunk()
        return answer
      end
      assert.equal("all of it", with("all of it"):text())
      assert.same({ a = 1 }, with('{"a":1}'):json())
      local step = with("one\r\ntwo\n\nlast"):lines()
      assert.same({ "one", "two", "", "last" }, { step(), step(), step(), step() })
      step = with("data: a\n\nevent: e\ndata: b\n\n"):events()
      assert.same({ "a", "b" }, { step().data, step().data })
      assert.is_nil(step())
    end)
  end)

  it("tells when its body is cut short, after what has come of it", function()
    run_open(function()
      local answer = stream()
      connection:chunk("half")
      assert.equal("half", answer:read())
      connection:close()
      local bytes, err = answer:read()
      assert.is_nil(bytes)
      assert.equal("closed", err.kind)
      local good, raised = curlew.pcall(answer:chunks())
      assert.is_false(good)
      assert.equal("closed", raised.kind)
    end)
  end)

  it("stops the server when it is not read, and loses nothing", function()
    local size = 50 * MEGABYTE
    local sent = 0
    run(function()
      local answer = ok(session:get(site.url .. "/big", { stream = true }))
      local before
      repeat -- until nothing goes any more
        before = sent
        curlew.sleep(0.05)
      until sent == before
      assert.is_true(sent < 16 * MEGABYTE, ("%d bytes were sent"):format(sent))
      local received = 0
      local bytes = answer:read()
      while bytes do
        received = received + #bytes
        bytes = answer:read()
      end
      assert.equal(size, received)
    end, nil, {
      ["/big"] = function(conn)
        local piece = ("x"):rep(MEGABYTE)
        conn:send(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(size))
        local function more(err)
          if not err and sent < size then
            sent = sent + MEGABYTE
            conn:send(piece, more)
          end
        end
        more()
      end,
    })
  end)

  it("is not idle while its reader takes its time", function()
    run(function()
      local answer = ok(session:get(site.url .. "/pieces", {
        stream = true, timeout = { idle = 0.05 },
      }))
      local received = 0
      local bytes = answer:read(1000)
      while bytes do
        received = received + #bytes
        if received == 1000 then
          curlew.sleep(0.2)
        end
        bytes = answer:read()
      end
      assert.equal(MEGABYTE, received)
    end, nil, {
      ["/pieces"] = function(conn)
        conn:respond { body = ("x"):rep(MEGABYTE) }
      end,
    })
  end)

  it("gives its place back when it is closed, or left by its task or group", function()
    run_open(function()
      stream():close()
      assert.equal("hello", ok(session:get(site.url .. "/")).body)
      curlew.spawn(stream):await()
      assert.equal("hello", ok(session:get(site.url .. "/")).body)
      local answer
      curlew.group(function()
        answer = stream()
      end)
      local _, err = answer:read()
      assert.equal("closed", err.kind)
      assert.equal("hello", ok(session:get(site.url .. "/")).body)
    end, { max_per_host = 1 })
  end)

  it("gives its place back when it is collected", function()
    run_open(function()
      stream()
      wait(function()
        collectgarbage()
        return session:stats().in_flight == 0
      end)
      assert.equal("hello", ok(session:get(site.url .. "/")).body)
    end, { max_per_host = 1 })
  end)

  it("can be read on after a limit of time for one read", function()
    run_open(function()
      local answer = stream()
      local _, err = curlew.timeout(0.01, answer.read, answer)
      assert.equal("timeout", err.kind)
      connection:chunk("late")
      assert.equal("late", answer:read())
      answer:close()
    end)
  end)

  it("ends with its session", function()
    run_open(function()
      local answer = stream()
      local reader = curlew.spawn(answer.read, answer)
      curlew.sleep(0.01)
      session:close()
      local bytes, err = reader:await()
      assert.is_nil(bytes)
      assert.equal("closed_session", err.kind)
    end)
  end)

  it("goes into a file, a descriptor or a function", function()
    run(function()
      local path = os.tmpname()
      local body = ("0123456789"):rep(20000)
      local function check()
        local file = assert(io.open(path, "rb"))
        assert.equal(body, file:read("*a"))
        file:close()
      end
      local answer = ok(session:get(site.url .. "/body", { sink = path }))
      assert.is_nil(answer.body)
      check()
      local fd = assert(uv.fs_open(path, "w", 384))
      ok(session:get(site.url .. "/body", { sink = fd }))
      assert(uv.fs_close(fd))
      check()
      local pieces = {}
      ok(session:get(site.url .. "/body", { sink = function(bytes)
        pieces[#pieces + 1] = bytes
      end }))
      assert.equal(body, table.concat(pieces))
      assert.equal(#body, ok(session:get(site.url .. "/body", { stream = true }):save(path)))
      check()
      local _, err = session:get(site.url .. "/body", { sink = "/no/such/folder/file" })
      assert.equal("io", err.kind)
      os.remove(path)
    end, nil, {
      ["/body"] = function(conn)
        conn:respond { body = ("0123456789"):rep(20000) }
      end,
    })
  end)

  it("reads from memory in the same ways", function()
    run(function()
      local answer = ok(session:get(site.url .. "/"))
      assert.equal("hel", answer:read(3))
      assert.equal("lo", answer:read())
      assert.is_nil(answer:read())
      assert.equal("hello", answer:text())
    end)
  end)

  it("refuses a number of bytes that is none, at the caller's line", function()
    run(function()
      local answer = ok(session:get(site.url .. "/"))
      for _, wrong in ipairs { 0, -1, "x", 0 / 0 } do
        local good, err = pcall(answer.read, answer, wrong)
        assert.is_false(good)
        assert.matches("^[^\n]*reading_spec%.lua:%d+: the bytes to read must be", err)
      end
    end)
  end)
end)
