-- A request may be cancelled, or run out of time, wherever it stands. Each time the wait ends,
-- nothing stays behind, and the session serves the next request.

local census = require "support.census"
local curlew = require "curlew"
local nginx = require "support.nginx"
local ports = require "support.ports"
local process = require "support.process"
local sessions = require "support.sessions"
local shell = require "support.shell"

local ok, wait = sessions.ok, sessions.wait

local LONG = 0.15 -- seconds: enough to get there, and soon over
local MEGABYTE = 1024 * 1024

describe("a request that ends", function()
  local site, session

  local run = sessions.runner(function(...)
    site, session = ...
  end)

  local function asked()
    return #site.requests > 0
  end

  local function dribbled()
    return site.dribbled
  end

  local handlers = {
    ["/endless-head"] = function(conn)
      conn:send("HTTP/1.1 200 OK\r\n")
      local function more()
        if conn:send("X-More: field\r\n") then
          site.dribbled = true
          conn:after(0.005, more)
        end
      end
      more()
    end,
    ["/flood"] = function(conn)
      conn:send(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(64 * MEGABYTE))
      conn:send(("x"):rep(MEGABYTE))
    end,
  }

  -- By phase: where a request stands there, its options, whether it is there; and the `phase` of
  -- the error of a limit of time.
  local phases = {
    {
      "connecting", "connect",
      open = function()
        local port, close = ports.full()
        return "http://127.0.0.1:" .. port, {}, nil, close
      end,
    },
    {
      "in the TLS handshake", "tls",
      open = function() -- the server speaks none
        return (site.url:gsub("http:", "https:")), {}, function()
          return site.open > 0
        end
      end,
    },
    {
      "sending", "send",
      open = function()
        local port, close = ports.deaf()
        return "http://127.0.0.1:" .. port, { body = ("x"):rep(32 * MEGABYTE) }, nil, close
      end,
    },
    {
      "waiting for the head", "wait",
      open = function()
        return site.url .. "/silent", {}, asked
      end,
    },
    {
      "within the head", "wait",
      open = function()
        return site.url .. "/endless-head", {}, dribbled
      end,
    },
    {
      "within the body", "body",
      open = function()
        return site.url .. "/half", {}, asked
      end,
    },
    {
      "reading a stream that pauses", "body",
      read = true,
      open = function()
        return site.url .. "/half", { stream = true }, asked
      end,
    },
    {
      "reading a stream whose server was stopped", "body",
      read = true,
      open = function()
        return site.url .. "/flood", { stream = true }, asked
      end,
    },
    {
      "in the queue", "queue",
      open = function()
        local others = {}
        for i = 1, 6 do
          others[i] = curlew.spawn(session.get, session, site.url .. "/silent")
        end
        wait(function()
          return session.pool.active == #others
        end)
        return site.url .. "/", {}, function()
          return session.pool.queued == 1
        end, function()
          for _, one in ipairs(others) do
            one:cancel()
            curlew.pcall(one.await, one)
          end
        end
      end,
    },
  }

  -- Sends a request and, where that is the phase, reads on until there is nothing.
  local function perform(phase, address, given)
    local res, err = session:request(nil, address, given)
    while res and phase.read do
      local bytes
      bytes, err = res:read()
      if not bytes then
        return nil, err
      end
    end
    return res, err
  end

  -- Runs `finish(child)` on a request in its phase, and looks at what is left then.
  local function walk(phase, limit, finish)
    ok(session:get(site.url .. "/"))
    curlew.sleep(0.01) -- also makes the timer that all tasks share
    site.requests, site.dribbled = {}, false
    local before = census.take()
    local address, given, there, close = phase.open()
    given.timeout = limit
    local child = curlew.spawn(perform, phase, address, given)
    if there and not limit then
      wait(there)
    end
    curlew.sleep(0.01)
    finish(child)
    if close then
      close()
    end
    assert.equal(0, session:stats().in_flight)
    assert.equal("hello", ok(session:get(site.url .. "/")).body)
    local after
    for _ = 1, 1000 do -- until the server has seen it, too
      after = census.take()
      if session:stats().open == 1 and pcall(assert.same, before, after) then
        break
      end
      curlew.sleep(0.005)
    end
    assert.same(before, after)
    assert.equal(1, session:stats().open)
  end

  for _, phase in ipairs(phases) do
    it(("by being cancelled %s leaves nothing"):format(phase[1]), function()
      run(function()
        walk(phase, nil, function(child)
          assert.is_true(child:cancel("enough"))
          local good, err = curlew.pcall(child.await, child)
          assert.same({ false, "cancelled", "enough" }, { good, err.kind, err.reason })
        end)
      end, nil, handlers)
    end)

    it(("by its time %s leaves nothing"):format(phase[1]), function()
      run(function()
        walk(phase, LONG, function(child)
          local res, err = child:await()
          assert.same({ nil, "timeout", phase[2] }, { res, err.kind, err.phase })
        end)
      end, nil, handlers)
    end)
  end

  it("unread, once its task has ended, leaves nothing", function()
    run(function()
      local web = nginx.start()
      ok(session:get(site.url .. "/"))
      local before = census.take()
      for _, address in ipairs { site.url .. "/", site.url .. "/flood", web.url .. "/big" } do
        curlew.spawn(function()
          ok(session:get(address, { stream = true }))
          curlew.sleep(0.01)
        end):await()
        assert.equal(0, session:stats().in_flight)
        assert.equal("hello", ok(session:get(site.url .. "/")).body)
      end
      wait(function()
        return census.take().descriptors <= before.descriptors + 1 -- to nginx
      end)
      assert.is_true(session:stats().open <= 2)
    end, nil, handlers)
  end)

  describe("while a name server is dead", function()
    local shim

    -- getaddrinfo hangs for one name, as it does while no name server answers.
    local SHIM = [[
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>
typedef int lookup(const char *, const char *, const struct addrinfo *, struct addrinfo **);
int getaddrinfo(const char *name, const char *port, const struct addrinfo *hints,
                struct addrinfo **found)
{
    if (name && strcmp(name, "dead.test") == 0)
        sleep(600);
    return ((lookup *)dlsym(RTLD_NEXT, "getaddrinfo"))(name, port, hints, found);
}
]]

    setup(function()
      local dir = shell.scratch()
      shell.write_file(dir .. "/shim.c", SHIM)
      shim = dir .. "/shim.so"
      local build = "LD_PRELOAD= cc -D_GNU_SOURCE -shared -fPIC -o %s %s/shim.c -ldl"
      assert(shell.run(build:format(shim, dir)))
    end)

    -- The child would hang for ten minutes if anything waited for the look-up.
    it("waits for it neither in the loop nor at the end of the program", function()
      run(function()
        local child = process.start {
          process.lua, "-e", ([[
            local curlew = require "curlew"
            curlew.run(function()
              local session = curlew.session()
              print(select(2, session:get("http://dead.test/", { timeout = 0.1 })).kind)
              local child = curlew.spawn(session.get, session, "http://dead.test/")
              curlew.sleep(0.05)
              child:cancel()
              print(select(2, curlew.pcall(child.await, child)).kind)
              print(assert(session:get("%s/")).body)
              print(session:stats().in_flight)
            end)
            print "done"
          ]]):format(site.url),
          env = { LD_PRELOAD = (os.getenv "LD_PRELOAD" or "") .. " " .. shim },
        }
        wait(function()
          return child.status
        end)
        assert.equal("timeout\ncancelled\nhello\n0\ndone\n", child.stdout)
        assert.same({ "", 0 }, { child.stderr, child.status })
      end)
    end)
  end)
end)
