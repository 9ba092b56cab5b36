local curlew = require "curlew"
local sessions = require "support.sessions"
local shell = require "support.shell"
local tasks = require "support.tasks"
local time = require "curlew.time"

local ok, wait = sessions.ok, sessions.wait

-- Seconds between two calls, at least.
local INTERVAL = 0.1

describe("on_progress", function()
  local site, session, calls, note

  local run = sessions.runner(function(...)
    site, session = ...
  end)

  before_each(function()
    calls = {}
    function note(progress)
      calls[#calls + 1] = progress
    end
  end)

  local function last()
    return calls[#calls]
  end

  -- A handler that answers in steps, the next one when `step()` is called.
  local function in_steps(pieces)
    local conn, at, length = nil, 0, #table.concat(pieces)
    local function step()
      at = at + 1
      conn:send(pieces[at])
    end
    return step, {
      ["/steps"] = function(new)
        conn = new
        conn:send(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(length))
      end,
    }
  end

  it("is told the whole at the end #valgrind", function()
    run(function()
      ok(session:get(site.url .. "/", { on_progress = note }))
      assert.equal(1, #calls)
      assert.equal(5, last().received)
      assert.equal(5, last().total)
      assert.equal(0, last().sent)
      assert.is_number(last().speed)
    end)
  end)

  it("is told what was sent", function()
    run(function()
      local body = ("x"):rep(100000)
      ok(session:post(site.url .. "/", { on_progress = note, body = body }))
      assert.equal(100000, last().sent)
      assert.equal(100000, last().upload_total)
      local path = shell.scratch() .. "/body"
      shell.write_file(path, body)
      ok(session:put(site.url .. "/", { on_progress = note, file = path }))
      assert.equal(100000, last().sent)
      assert.equal(100000, last().upload_total)
    end)
  end)

  it("is told no total that nobody knows", function()
    run(function()
      ok(session:get(site.url .. "/chunks", { on_progress = note }))
      assert.equal(9, last().received)
      assert.is_nil(last().total)
      local pieces = { "ab", "cd" }
      ok(session:post(site.url .. "/", {
        on_progress = note,
        body = function()
          return table.remove(pieces, 1)
        end,
      }))
      assert.is_true(last().sent >= 4) -- with the sizes of its chunks
      assert.is_nil(last().upload_total)
    end, nil, {
      ["/chunks"] = function(conn)
        conn:respond_chunked()
        conn:chunk("in chunks")
        conn:chunk()
      end,
    })
  end)

  it("is called as the body comes, not more often than it says", function()
    local step, more = in_steps { "one", "two", "three" }
    run(function()
      local start = time.now()
      local child = curlew.spawn(function()
        return ok(session:get(site.url .. "/steps", { on_progress = note }))
      end)
      wait(function()
        return site:last()
      end)
      local seen = 0
      for _, size in ipairs { 3, 6 } do
        step()
        wait(function()
          return last() and last().received == size
        end)
        assert.equal(11, last().total)
        seen = #calls
      end
      assert.is_true(seen * INTERVAL <= time.now() - start + INTERVAL)
      step()
      assert.equal("onetwothree", child:await().body)
      assert.equal(11, last().received)
      for i = 2, #calls do
        assert.is_true(calls[i].received >= calls[i - 1].received)
      end
      local count = #calls
      curlew.sleep(INTERVAL * 1.5)
      assert.equal(count, #calls)
    end, nil, more)
  end)

  it("is told the whole of a streamed response once it has been read", function()
    local step, more = in_steps { "one", "two" }
    run(function()
      local res = ok(session:get(site.url .. "/steps", { on_progress = note, stream = true }))
      step()
      assert.equal("one", res:read())
      step()
      assert.equal("two", res:read())
      assert.is_nil(res:read())
      assert.equal(6, last().received)
      assert.equal(6, last().total)
      local count = #calls
      assert.is_nil(res:read())
      assert.equal(count, #calls)
    end, nil, more)
  end)

  it("is told the whole that went into a sink", function()
    run(function()
      local path = shell.scratch() .. "/sink"
      for _, sink in ipairs { path, function() end } do
        calls = {}
        ok(session:get(site.url .. "/", { on_progress = note, sink = sink }))
        assert.equal(5, last().received)
        assert.equal(5, last().total)
      end
      assert.equal("hello", shell.read_file(path))
    end)
  end)

  it("is called for a transfer that fails, with what has come", function()
    run(function()
      assert.is_nil((session:get(site.url .. "/cut", { on_progress = note })))
      assert.equal(4, last().received)
      assert.equal(100, last().total)
    end)
  end)

  it("is not called any more once the request was cancelled", function()
    run(function()
      local child = tasks.waiting(function()
        return session:get(site.url .. "/half", { on_progress = note })
      end)
      wait(function()
        return last()
      end)
      child:cancel()
      assert.is_true(tasks.is_cancelled(child))
      local count = #calls
      curlew.sleep(INTERVAL * 1.5)
      assert.equal(count, #calls)
    end)
  end)

  it("is called in a task, and may wait", function()
    run(function()
      local waited = 0
      local res = ok(session:get(site.url .. "/", {
        on_progress = function()
          curlew.sleep(0.001)
          waited = waited + 1
        end,
      }))
      assert.equal("hello", res.body)
      assert.equal(1, waited)
    end)
  end)

  it("raises in the request what it raises, in the middle and at the end", function()
    run(function()
      local object = {}
      for _, path in ipairs { "/half", "/" } do
        local good, err = curlew.pcall(session.get, session, site.url .. path, {
          on_progress = function()
            error(object, 0)
          end,
        })
        assert.is_false(good)
        assert.equal(object, err)
        assert.equal(0, session:stats().in_flight)
      end
    end)
  end)

  it("raises in the reader of a stream what it raises", function()
    run(function()
      local object = {}
      local res = ok(session:get(site.url .. "/half", {
        stream = true,
        on_progress = function()
          error(object, 0)
        end,
      }))
      assert.equal("half", res:read())
      local good, err = curlew.pcall(res.read, res)
      assert.is_false(good)
      assert.equal(object, err)
      assert.equal(0, session:stats().in_flight)
    end)
  end)

  it("has to be a function", function()
    run(function()
      local good, err = curlew.pcall(function()
        session:get(site.url .. "/", { on_progress = true })
      end)
      assert.is_false(good)
      assert.matches('session_progress_spec.lua:%d+: option "on_progress" must be a function', err)
    end)
  end)
end)
