local compat = require "curlew.compat"
local curlew = require "curlew"
local sessions = require "support.sessions"
local tasks = require "support.tasks"
local testing = require "curlew.testing"
local time = require "curlew.time"

local ok, wait = sessions.ok, sessions.wait

local HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

local function raised(fn)
  local good, err = curlew.pcall(fn)
  assert.is_false(good)
  return err
end

-- The data of all events to come, joined by blanks.
local function drain(events)
  local list = {}
  repeat
    local event = events:next()
    list[#list + 1] = event and event.data
  until not event
  return table.concat(list, " ")
end

describe("the events of a session", function()
  local site, session

  local run = sessions.runner(function(...)
    site, session = ...
  end)

  -- Handlers of the server: at /events, one step of the script for each connection: a text that is
  -- sent as events before the connection ends, a function, or a whole response.
  local function script(...)
    local steps, count = { ... }, 0
    return {
      ["/events"] = function(conn)
        count = count + 1
        local step = steps[count] or { status = 204 }
        if type(step) == "function" then
          step(conn)
        elseif type(step) == "table" then
          conn:respond(step)
        else
          conn:send(HEAD .. step)
          conn:close()
        end
      end,
    }
  end

  local function source(given)
    return session:events(site.url .. "/events", given)
  end

  -- The number of calls to `next` that have returned, in a task that takes events to their end.
  local function follow(events)
    local got = {}
    local child = curlew.spawn(function()
      repeat
        local event = events:next()
        got[#got + 1] = event and event.data
      until not event
      return "end"
    end)
    return got, child
  end

  it("come as they are sent #valgrind", function()
    local conn
    run(function()
      local events = source()
      local got, child = follow(events)
      wait(function()
        return conn
      end)
      conn:send(HEAD)
      for _, data in ipairs { "one", "two", "three" } do
        conn:send("data: " .. data .. "\n\ndata: not yet")
        wait(function()
          return got[#got] == data
        end)
        conn:send("\n: and its end\nevent: x\n\n")
        wait(function()
          return got[#got] == "not yet"
        end)
      end
      assert.equal(6, #got)
      events:close()
      assert.equal("end", child:await())
      assert.equal("text/event-stream", site:last().headers.accept)
      assert.equal("no-store", site:last().headers["cache-control"])
      assert.is_nil(site:last().headers["last-event-id"])
      assert.equal("GET", site:last().method)
    end, nil, {
      ["/events"] = function(new)
        conn = new
      end,
    })
  end)

  it("have a type, data and an id", function()
    run(function()
      local events = source()
      assert.same({ type = "message", data = "a", id = "" }, events:next())
      assert.same({ type = "add", data = "b\nc", id = "5" }, events:next())
      assert.equal("5", events.last_event_id)
      assert.is_nil(events:next())
      assert.is_nil(events:next())
    end, nil, script("retry: 0\ndata: a\n\nevent: add\ndata: b\ndata: c\nid: 5\n\n"))
  end)

  it("go on after a cut, from the last id on", function()
    run(function()
      assert.equal("a b c d", drain(source()))
      local ids = {}
      for i, request in ipairs(site.requests) do
        ids[i] = request.headers["last-event-id"] or "none"
      end
      assert.same({ "none", "1", "2", "2", "none" }, ids)
    end, nil, script(
      "retry: 0\nid: 1\ndata: a\n\nid: 7\ndata: cut off",
      "id: 2\ndata: b\n\n",
      "data: c\n\n",
      "id\ndata: d\n\n"
    ))
  end)

  it("keep their id over a connection that says none", function()
    run(function()
      local events = source()
      assert.equal("1", events:next().id)
      assert.equal("1", events:next().id)
    end, nil, script("retry: 0\nid: 1\ndata: a\n\n", "data: b\n\n"))
  end)

  it("go on after a cut in a chunked body, and after a reset", function()
    run(function()
      local events = source()
      assert.equal("a", events:next().data)
      assert.equal("b", events:next().data)
      next(site.live):reset()
      assert.equal("c", events:next().data)
      assert.is_nil(events:next())
    end, nil, script(
      function(conn)
        conn:respond_chunked { headers = { ["Content-Type"] = "text/event-stream" } }
        conn:chunk("retry: 0\ndata: a\n\n")
        conn:close()
      end,
      function(conn)
        conn:send(HEAD .. "data: b\n\n")
      end,
      "data: c\n\n"
    ))
  end)

  it("end with 204", function()
    run(function()
      local events = source()
      assert.is_nil(events:next())
      assert.is_nil(events:next())
      assert.equal(1, #site.requests)
    end, nil, script())
  end)

  it("raise what connecting again would not mend: another status", function()
    run(function()
      for _, status in ipairs { 404, 500, 201 } do
        local events = source()
        local err = raised(function()
          events:next()
        end)
        assert.equal("status", err.kind)
        assert.matches(tostring(status), err.message)
        assert.equal(status, err.response.status)
      end
      assert.equal(3, #site.requests)
    end, nil, script({ status = 404 }, { status = 500 }, { status = 201 }))
  end)

  it("raise what connecting again would not mend: another content", function()
    local steps = {}
    for i, kind in ipairs { "text/html", "text/event-streams", "application/json", false } do
      steps[i] = { headers = { ["Content-Type"] = kind or nil }, body = "data: a\n\n" }
    end
    run(function()
      for _ = 1, #steps do
        local events = source()
        local err = raised(function()
          events:next()
        end)
        assert.equal("protocol", err.kind)
        assert.matches("not text/event%-stream", err.message)
      end
      assert.equal(#steps, #site.requests)
    end, nil, script(compat.unpack(steps, 1, #steps)))
  end)

  it("take parameters and another case for the same content", function()
    local steps = {}
    for i, kind in ipairs {
      "text/event-stream; charset=utf-8", "Text/Event-Stream", "text/event-stream ;x=y",
    } do
      steps[i] = {
        headers = { ["Content-Type"] = kind }, body = ("retry: 0\ndata: %d\n\n"):format(i),
      }
    end
    run(function()
      assert.equal("1 2 3", drain(source()))
    end, nil, script(compat.unpack(steps, 1, #steps)))
  end)

  it("raise what connecting again would not mend: a wrong URL", function()
    run(function()
      assert.equal("invalid_url", raised(function()
        session:events("no url"):next()
      end).kind)
    end)
  end)

  it("send the options of the request with each connection", function()
    run(function()
      local events = source {
        headers = { ["X-Token"] = "t", Accept = "text/event-stream, */*", ["last-event-id"] = "0" },
        params = { x = 1 },
      }
      assert.equal("a", events:next().data)
      assert.is_nil(events:next())
      for i, request in ipairs(site.requests) do
        assert.equal("t", request.headers["x-token"])
        assert.equal("text/event-stream, */*", request.headers.accept)
        assert.equal("/events?x=1", request.target)
        assert.equal(i == 1 and "0" or "9", request.headers["last-event-id"])
      end
    end, nil, script("retry: 0\nid: 9\ndata: a\n\n"))
  end)

  it("check their options at the caller's line", function()
    run(function()
      for pattern, fn in pairs {
        ["URL must be a string"] = function()
          session:events()
        end,
        ['did you mean "timeout"'] = function()
          session:events(site.url, { timout = 1 })
        end,
      } do
        assert.matches("session_events_spec.lua:%d+: .*" .. pattern, raised(fn))
      end
      assert.equal(0, #site.requests)
    end)
  end)

  it("end when another task closes them while one waits for the next", function()
    run(function()
      local events = source()
      local got, child = follow(events)
      wait(function()
        return got[1]
      end)
      events:close()
      events:close()
      assert.equal("end", child:await())
      assert.same({ "a" }, got)
      assert.equal(0, session:stats().in_flight)
      wait(function()
        return site.open == 0
      end)
      assert.is_nil(events:next())
      assert.equal(1, #site.requests)
    end, nil, script(function(conn)
      conn:send(HEAD .. "data: a\n\n")
    end))
  end)

  it("end when another task closes them while one waits for the connection", function()
    run(function()
      local events = source()
      local _, child = follow(events)
      wait(function()
        return site:last()
      end)
      events:close()
      assert.equal("end", child:await())
      assert.equal(0, session:stats().in_flight)
    end, nil, script(function() end))
  end)

  it("end when another task closes them before the next connection", function()
    run(function()
      local events = source()
      local got, child = follow(events)
      wait(function()
        return got[1] and site.open == 0
      end)
      curlew.sleep(0.01)
      events:close()
      assert.equal("end", child:await()) -- not in an hour
      assert.equal(1, #site.requests)
    end, nil, script("retry: 3600000\ndata: a\n\n"))
  end)

  it("go to one task at a time", function()
    run(function()
      local events = source()
      local got, child = follow(events)
      wait(function()
        return got[1]
      end)
      local good, err = curlew.pcall(events.next, events)
      assert.is_false(good)
      assert.matches("session_events_spec.lua:%d+: another task waits for the next event", err)
      events:close()
      assert.equal("end", child:await())
    end, nil, script(function(conn)
      conn:send(HEAD .. "data: a\n\n")
    end))
  end)

  it("drop what was not taken when they are closed", function()
    run(function()
      local events = source()
      assert.equal("a", events:next().data)
      events:close()
      assert.is_nil(events:next())
    end, nil, script("data: a\n\ndata: b\n\n"))
  end)

  it("can be cancelled in each of their waits", function()
    run(function()
      for _, path in ipairs { "/silent", "/events" } do
        local events = session:events(site.url .. path)
        local child = tasks.waiting(function()
          events:next()
          events:next()
        end)
        wait(function()
          return site:last() and site:last().path == path
        end)
        child:cancel()
        assert.is_true(tasks.is_cancelled(child))
        assert.equal(0, session:stats().in_flight)
        events:close()
      end
    end, nil, script(function(conn)
      conn:send(HEAD .. "data: a\n\n")
    end))
  end)

  it("can be limited in time", function()
    run(function()
      local events = source()
      assert.equal("a", events:next().data)
      local event, err = curlew.timeout(0.005, events.next, events)
      assert.is_nil(event)
      assert.equal("timeout", err.kind)
      next(site.live):send("data: b\n\n")
      assert.equal("b", events:next().data)
      events:close()
    end, nil, script(function(conn)
      conn:send(HEAD .. "data: a\n\n")
    end))
  end)

  it("raise that their session was closed, at once", function()
    run(function()
      local events = source()
      assert.equal("a", events:next().data)
      local child = tasks.waiting(function()
        return raised(function()
          events:next()
        end)
      end)
      session:close()
      assert.equal("closed_session", child:await().kind)
      assert.equal("closed_session", raised(function()
        session:events(site.url .. "/events"):next()
      end).kind)
    end, nil, script(function(conn)
      conn:send(HEAD .. "data: a\n\n")
    end))
  end)

  if _VERSION ~= "Lua 5.1" or rawget(_G, "jit") then -- which cannot wait there
    it("can be looped over", function()
      run(function()
        local list = {}
        for event in source() do
          list[#list + 1] = event.data
        end
        assert.same({ "a", "b" }, list)
      end, nil, script("retry: 0\ndata: a\n\n", "data: b\n\n"))
    end)
  end

  it("leave their connection to the end of their task", function()
    run(function()
      curlew.spawn(function()
        ok(source():next())
      end):await()
      assert.equal(0, session:stats().in_flight)
    end, nil, script(function(conn)
      conn:send(HEAD .. "data: a\n\n")
    end))
  end)
end)

describe("the time between two connections for events", function()
  -- Runs `fn(events, times)` on a clock that jumps, with a transport that gives the answers one
  -- after another, and then 204; `times` are those of the requests, in seconds since the first.
  local function run(answers, fn)
    testing.run(function()
      local times, start = {}, nil
      local session = curlew.session {
        transport = function()
          start = start or time.now()
          times[#times + 1] = time.now() - start
          local answer = answers[#times] or { status = 204 }
          if answer.err then
            return nil, answer.err
          elseif answer.status then
            return answer
          end
          return { headers = { ["Content-Type"] = "text/event-stream" }, body = answer.text }
        end,
      }
      fn(session:events("http://host/"), times)
      session:close()
    end)
  end

  local REFUSED

  setup(function()
    curlew.run(function()
      local session = curlew.session()
      REFUSED = select(2, session:get("http://127.0.0.1:1/"))
      session:close()
    end)
  end)

  it("is 3 seconds, until the server says otherwise", function()
    run({ { text = "data: a\n\n" }, { text = "retry: 500\ndata: b\n\n" }, { text = "data: c\n\n" },
      { text = "retry: 20000\n" } }, function(events, times)
      assert.equal(3, events.delay)
      assert.equal("a b c", drain(events))
      assert.same({ 0, 3, 3.5, 4, 24 }, times)
      assert.equal(20, events.delay)
    end)
  end)

  it("is an hour at most", function()
    run({ { text = "retry: 999999999999\n" } }, function(events, times)
      drain(events)
      assert.same({ 0, 3600 }, times)
    end)
  end)

  it("comes after a failed connection, too, also the first", function()
    assert.equal("connect", REFUSED.kind)
    local err = { err = REFUSED }
    run({ err, err, { text = "retry: 1000\ndata: a\n\n" }, err }, function(events, times)
      assert.equal("a", drain(events))
      assert.same({ 0, 3, 6, 7, 8 }, times)
    end)
  end)

  it("is cut short by a cancellation", function()
    run({ { text = "data: a\n\n" } }, function(events, times)
      local child = tasks.waiting(function()
        events:next()
        events:next()
      end)
      time.sleep(1)
      child:cancel()
      assert.is_true(tasks.is_cancelled(child))
      time.sleep(100)
      assert.same({ 0 }, times)
    end)
  end)
end)
