local collect = require "support.collect"
local curlew = require "curlew"
local here = require "support.here"
local listen = require "support.listen"
local process = require "support.process"
local sessions = require "support.sessions"
local shell = require "support.shell"
local uv = require "curlew.uv"

local wait = sessions.wait

describe("fetch_cb", function()
  local site, told

  before_each(function()
    told = listen.to_failures()
  end)

  after_each(listen.no_more)

  local run = sessions.runner(function(...)
    site = ...
  end)

  -- A callback that notes its calls: `{ n =, err =, res =, task = }`.
  local function noting()
    local seen = { n = 0 }
    return seen, function(...)
      seen.n, seen.err, seen.res = seen.n + 1, ...
      seen.task, seen.arguments = curlew.current(), select("#", ...)
    end
  end

  local function called(seen)
    wait(function()
      return seen.n > 0
    end)
    curlew.testing.wait_all_blocked() -- a second call would come now
    assert.equal(1, seen.n)
  end

  it("calls back with nil and the response", function()
    run(function()
      local seen, callback = noting()
      curlew.fetch_cb(site.url .. "/", nil, callback)
      called(seen)
      assert.is_nil(seen.err)
      assert.equal("hello", seen.res.body)
    end)
  end)

  it("takes the options of fetch, as they are at the call", function()
    run(function()
      local seen, callback = noting()
      local given = { method = "PUT", body = "first" }
      curlew.fetch_cb(site.url .. "/", given, callback)
      given.body = "second"
      called(seen)
      assert.same({ "PUT", "first" }, { site:last().method, site:last().body })
    end)
  end)

  it("calls back with the error where there is no response", function()
    run(function()
      local seen, callback = noting()
      curlew.fetch_cb("http://127.0.0.1:1/", nil, callback)
      called(seen)
      assert.is_true(curlew.is_error(seen.err, "connect"))
      assert.is_nil(seen.res)
    end)
  end)

  it("takes a status of 404 for a response, and with check for an error", function()
    run(function()
      local seen, callback = noting()
      curlew.fetch_cb(site.url .. "/no", nil, callback)
      called(seen)
      assert.equal(404, seen.res.status)
      seen, callback = noting()
      curlew.fetch_cb(site.url .. "/no", { check = true }, callback)
      called(seen)
      assert.equal(404, seen.err.response.status)
    end)
  end)

  it("works in a live loop without run, and calls back on a later turn", function()
    local result = process.run { process.lua, "-e", [[
      local curlew, uv = require "curlew", require "curlew.uv"
      curlew.fetch_cb("http://127.0.0.1:1/", nil, function(err) print("called", err.kind) end)
      curlew.fetch_cb("http://127.0.0.1:1/", { nope = 1 }, function(err) print(err.message) end)
      print("returned")
      uv.run()
    ]] }
    assert.equal("", result.stderr)
    assert.matches('^returned\n[^\n]*:3: unknown option "nope"\ncalled\tconnect\n$', result.stdout)
    assert.equal(0, result.status)
  end)

  describe("never raises, but calls back with", function()
    -- The error of a call that is wrong, which says so at its line.
    local function wrong(call, line, text)
      local seen, callback = noting()
      call(callback)
      assert.equal(0, seen.n)
      called(seen)
      assert.is_true(curlew.is_error(seen.err, "raised"))
      assert.equal(seen.err.cause, seen.err.message)
      assert.matches(("fetch_cb_spec%%.lua:%d: %s"):format(line, text), seen.err.message)
      assert.is_false(seen.err.retryable)
      assert.same({}, told)
    end

    it("what is wrong in the options, at the caller's line", function()
      run(function()
        wrong(function(callback)
          curlew.fetch_cb(site.url, { timout = 5 }, callback)
        end, here() - 1, 'unknown option "timout": did you mean "timeout"')
        wrong(function(callback)
          curlew.fetch_cb(site.url, "GET", callback)
        end, here() - 1, "the options must be a table, got string")
        wrong(function(callback)
          curlew.fetch_cb(nil, nil, callback)
        end, here() - 1, "the URL must be a string, got nothing")
        assert.same({}, site.requests)
      end)
    end)

    it("kind invalid_url for what is no URL", function()
      run(function()
        local seen, callback = noting()
        curlew.fetch_cb("http://[", nil, callback)
        called(seen)
        assert.is_true(curlew.is_error(seen.err, "invalid_url"))
      end)
    end)

    it("what a function among the options has raised, unchanged in cause", function()
      run(function()
        local seen, callback = noting()
        local problem = {}
        curlew.fetch_cb(site.url, { body = function() error(problem) end }, callback)
        called(seen)
        assert.is_true(curlew.is_error(seen.err, "raised"))
        assert.equal(problem, seen.err.cause)
      end)
    end)
  end)

  it("tells the unhandled hook of a callback that cannot be called, at its line", function()
    run(function()
      curlew.fetch_cb(site.url)
      local line = here() - 1
      assert.same({}, told)
      wait(function()
        return told[1]
      end)
      assert.equal(1, #told)
      assert.matches(":" .. line .. ": the callback must be a function, got nothing", told[1])
      assert.same({}, site.requests)
    end)
  end)

  it("tells the unhandled hook of an error of the callback, unchanged, at once and once", function()
    run(function()
      local problem = {}
      local call = curlew.fetch_cb(site.url, nil, function() error(problem) end)
      wait(function()
        return told[1]
      end)
      assert.equal(problem, told[1])
      assert.is_false(call:close())
    end)
    collect()
    assert.equal(1, #told)
  end)

  it("tells it with the traceback of the callback", function()
    local text
    curlew.on_unhandled(function(_, task)
      text = task:traceback()
    end)
    run(function()
      local function broken()
        error "boom"
      end
      curlew.fetch_cb(site.url, nil, function()
        broken()
      end)
      wait(function()
        return text
      end)
    end)
    assert.matches("in %a+ '?b?r?o?k?e?n?'?.*fetch_cb_spec", text)
  end)

  describe("closed", function()
    local function cancelled(seen)
      assert.equal(0, seen.n)
      called(seen)
      assert.is_true(curlew.is_error(seen.err, "cancelled"))
      assert.is_nil(seen.res)
      assert.same({}, told)
    end

    it("calls back with kind cancelled once, however often, and drops the request", function()
      run(function()
        local seen, callback = noting()
        local call = curlew.fetch_cb(site.url .. "/silent", nil, callback)
        wait(function()
          return site.requests[1]
        end)
        assert.is_true(call:close())
        call:close()
        cancelled(seen)
        wait(function()
          return site.open == 0
        end)
        assert.is_false(call:close())
        called(seen)
      end)
    end)

    it("does so before it has begun, and then sends nothing", function()
      run(function()
        local seen, callback = noting()
        assert.is_true(curlew.fetch_cb(site.url, nil, callback):close())
        cancelled(seen)
        assert.same({}, site.requests)
      end)
    end)

    it("does so where the options were wrong", function()
      run(function()
        local seen, callback = noting()
        curlew.fetch_cb(site.url, { nope = 1 }, callback):close()
        cancelled(seen)
      end)
    end)

    it("does so where the response has come in the same turn", function()
      run(function()
        local seen, callback = noting()
        local call = curlew.fetch_cb(site.url .. "/hold", nil, callback)
        wait(function()
          return site.answer_all() == 1
        end)
        repeat -- while this task runs, no other does
          uv.run("nowait")
        until call.task.state == "ready"
        assert.is_true(call:close())
        assert.equal(0, seen.n)
        wait(function()
          return seen.n > 0
        end)
        assert.is_true(curlew.is_error(seen.err, "cancelled"))
        assert.is_nil(seen.res)
      end)
    end)

    it("does nothing after the call back", function()
      run(function()
        local seen, callback = noting()
        local call = curlew.fetch_cb(site.url, nil, callback)
        called(seen)
        assert.is_false(call:close())
        called(seen)
        assert.equal(200, seen.res.status)
      end)
    end)

    it("tells the unhandled hook of an error that the callback raises then", function()
      run(function()
        curlew.fetch_cb(site.url, nil, function(err)
          error("seen " .. err.kind, 0)
        end):close()
        wait(function()
          return told[1]
        end)
        assert.same({ "seen cancelled" }, told)
      end)
    end)

    it("may be called in the callback", function()
      run(function()
        local call, is_closed
        call = curlew.fetch_cb(site.url, nil, function()
          is_closed = call:close()
        end)
        wait(function()
          return is_closed ~= nil
        end)
        curlew.testing.wait_all_blocked()
        assert.same({}, told)
      end)
    end)
  end)

  it("calls back with kind cancelled where the run ends first, begun or not", function()
    local begun, on_begun = noting()
    local fresh, on_fresh = noting()
    run(function()
      curlew.fetch_cb(site.url .. "/silent", nil, on_begun)
      wait(function()
        return site.requests[1]
      end)
      curlew.fetch_cb(site.url .. "/silent", nil, on_fresh)
      assert.equal(0, begun.n + fresh.n)
    end)
    assert.same({ 1, 1 }, { begun.n, fresh.n })
    assert.is_true(curlew.is_error(begun.err, "cancelled"))
    assert.is_true(curlew.is_error(fresh.err, "cancelled"))
  end)

  describe("with stream = true", function()
    it("has a callback that reads the response as it comes", function()
      run(function()
        local text, err
        curlew.fetch_cb(site.url .. "/", { stream = true }, function(_, res)
          text, err = res:text()
        end)
        wait(function()
          return text or err
        end)
        assert.equal("hello", text)
      end)
    end)

    it("ends the response with the callback", function()
      run(function()
        curlew.fetch_cb(site.url .. "/half", { stream = true }, function(_, res)
          assert.equal("half", res:read())
        end)
        wait(function()
          return site.requests[1] and site.open == 0
        end)
        assert.same({}, told)
      end)
    end)

    it("has its reading cancelled by close, quietly, and is called no second time", function()
      run(function()
        local seen, ended = {}, nil
        local call = curlew.fetch_cb(site.url .. "/half", { stream = true }, function(_, res)
          table.insert(seen, res:read())
          local _, err = curlew.pcall(res.read, res)
          ended = err
          error(err, 0)
        end)
        wait(function()
          return seen[1]
        end)
        assert.is_true(call:close())
        wait(function()
          return ended and site.open == 0
        end)
        assert.is_true(curlew.is_error(ended, "cancelled"))
        assert.same({ "half" }, seen)
        assert.same({}, told)
      end)
    end)
  end)

  it("serves many at once", function()
    run(function()
      local bodies, count = {}, 0
      for i = 1, 50 do
        curlew.fetch_cb(site.url .. "/hold?" .. i, nil, function(_, res)
          bodies[i], count = res.body, count + 1
        end)
      end
      wait(function()
        site.answer_all()
        return count == 50
      end)
      for i = 1, 50 do
        assert.equal(tostring(i), bodies[i])
      end
    end)
  end)

  it("keeps nothing of a call that has ended", function()
    local kept = setmetatable({}, { __mode = "k" })
    run(function()
      local done = false
      kept[curlew.fetch_cb(site.url, nil, function()
        done = true
      end)] = true
      wait(function()
        return done
      end)
    end)
    shell.settle()
    collect()
    assert.is_nil(next(kept))
  end)
end)
