local answers = require "support.answers"
local nginx = require "support.nginx"
local process = require "support.process"
local server = require "support.server"
local shell = require "support.shell"
local uv = require "curlew.uv"

local HEAD = [[
io.stdout:setvbuf "line"
local curlew = require "curlew"
local uv = require "curlew.uv"
local busy = require "support.busy"
local function collect()
  for _ = 1, 4 do collectgarbage() end
end
]]

describe("a program with transfers under way", function()
  local web, site, mute, folder
  local count = 0

  lazy_setup(function()
    web = nginx.start()
    folder = shell.scratch()
  end)

  before_each(function()
    -- Looks for no head in what it gets: the bytes of a handshake may end one.
    mute = server.new(function() end, { raw = true })
    site = answers.new {
      ["/later"] = function(conn)
        conn:respond { status = 503, headers = { ["Retry-After"] = 30 } }
      end,
    }
  end)

  after_each(function()
    for _, one in ipairs { site, mute } do
      one:close()
      one:check()
    end
  end)

  local function start(code)
    count = count + 1
    local own = ("%s/%d"):format(folder, count)
    local path = own .. "/program.lua"
    assert(uv.fs_mkdir(own, tonumber("700", 8)))
    shell.write_file(path, HEAD .. code)
    return process.start {
      process.lua, path, site.url, web.url, web.https, web.ca, own, mute.url, timeout = 20,
    }
  end

  -- The program has ended by itself, as it should.
  local function ended(child, status, output)
    child:wait()
    assert.is_nil(child.timed_out)
    if type(status) == "string" then
      assert.equal(status, "signal " .. child.signal)
    else
      assert.equal("0 " .. status, child.signal .. " " .. child.status, child.stderr)
    end
    if output then
      assert.equal(output, child.stdout)
    end
    return child
  end

  local function ends(code, status, output)
    return ended(start(code), status, output)
  end

  -- Ways to leave, of which nothing is said: code, status, what stderr has (nothing else).
  local LEAVING = {
    { "leaves by os.exit", "curlew.run(function() busy.start() os.exit(3) end)", 3 },
    { "leaves by os.exit, which closes the Lua state",
      "curlew.run(function() busy.start() os.exit(4, true) end)", 4 },
    { "leaves by os.exit in a task of its own, beside that of run",
      "curlew.run(function() busy.start() curlew.spawn(os.exit, 4, true):await() end)", 4 },
    { "leaves by os.exit in a callback of luv's", [[
      curlew.run(function()
        busy.start()
        local timer = uv.new_timer()
        timer:start(1, 0, function() os.exit(5, true) end)
        curlew.sleep(60)
      end)]], 5 },
    { "leaves by os.exit in a callback of luv's, with work of luv's threads under way", [[
      curlew.run(function()
        for _ = 1, 50 do
          curlew.spawn(function()
            while true do curlew.call(uv.fs_stat, ".") end
          end)
        end
        busy.start()
        local timer = uv.new_timer()
        timer:start(1, 0, function() os.exit(6, true) end)
        curlew.sleep(60)
      end)]], 6 },
    { "leaves by an error in the main task", [[
      curlew.run(function() busy.start() error "boom" end)]], 1, "boom" },
    { "leaves by an error outside of tasks", [[
      curlew.spawn(busy.start)
      for _ = 1, 300 do uv.run "once" end
      error "boom"]], 1, "boom" },
    { "comes to its end outside of a run, with tasks that wait", [[
      local it
      curlew.spawn(function() it = busy.start() end)
      while not it do uv.run "once" end]], 0 },
    { "comes to its end, the loop stopped in the middle of it", [[
      curlew.spawn(function() busy.start() uv.stop() end)
      uv.run()]], 0 },
    { "comes to the end of its run", "curlew.run(busy.start) print(uv.loop_alive())", 0 },
  }
  for _, case in ipairs(LEAVING) do
    it(case[1] .. "", function()
      local child = ends(case[2], case[3])
      if case[4] then
        assert.matches(case[4], child.stderr, 1, true)
      else
        assert.equal("", child.stderr)
      end
    end)
  end

  describe("that is sent a signal", function()
    -- Ends by a signal that is sent once all transfers are there.
    local function ends_by(signal, code, status)
      local child = start(code)
      assert(shell.turn(function()
        return child.stdout:find "there\n" or child.status
      end, 60))
      child:kill(signal)
      return ended(child, status)
    end
    local RUN = 'curlew.run(function() busy.start() print "there" curlew.sleep(60) end)'

    it("dies of SIGTERM, and of SIGHUP", function()
      ends_by("sigterm", RUN, "signal 15")
      ends_by("sighup", RUN, "signal 1")
    end)

    it("ends by the cancellation of its main task on SIGINT", function()
      local child = ends_by("sigint", ("print(pcall(function() %s end))"):format(RUN), 0)
      assert.equal("there\nfalse\tcancelled: interrupted\n", child.stdout)
    end)

    it("may handle it with luv, and end its tasks in good order", function()
      for _, name in ipairs { "sigterm", "sighup" } do
        local child = ends_by(name, ([[
          local left = 0
          curlew.run(function()
            local signal, main = uv.new_signal(), curlew.current()
            signal:start("%s", function() signal:close() main:cancel "enough" end)
            local it = busy.start()
            print "there"
            curlew.pcall(curlew.sleep, 60)
            for _, one in ipairs(it.tasks) do
              one:cancel()
              curlew.shield(curlew.pcall, one.await, one)
              left = left + (one:status() == "cancelled" and 0 or 1)
            end
            it.session:close()
            it.other:close()
            it.narrow:close()
          end)
          print(left .. " left")
        ]]):format(name), 0)
        assert.equal("there\n0 left\n", child.stdout)
        assert.equal("", child.stderr)
      end
    end)
  end)

  describe("that drops every reference to them", function()
    it("has them go on while their tasks do, and keeps nothing afterwards", function()
      ends([[
        local function descriptors()
          local count, scan = 0, uv.fs_scandir "/proc/self/fd"
          while uv.fs_scandir_next(scan) do count = count + 1 end
          return count
        end
        curlew.run(function()
          curlew.sleep(0.01)
          local before = descriptors()
          busy.start()
          collect()
          curlew.sleep(0.05)
          print(descriptors() > before + 10)
          for one in pairs(require("curlew.ending").roots) do
            if one ~= curlew.current() then one:cancel() end
          end
          for _ = 1, 200 do -- until their clean-up is over
            curlew.sleep(0.02)
            collect()
            curlew.session():close() -- takes along those that were collected
            if descriptors() == before then break end
          end
          print(descriptors() - before)
        end)]], 0, "true\n0\n")
    end)
  end)

  describe("that closes all handles of the loop", function()
    local WALK = [[
      local function walk()
        uv.walk(function(handle) if not handle:is_closing() then handle:close() end end)
      end
      local it
    ]]

    it("gets no answer but a clear error of that session; others work", function()
      local child = ends(WALK .. [[
        curlew.run(function()
          it = busy.start()
          walk()
          local res, err = it.session:get(arg[1])
          print(res, err.kind, err.message)
          local waiting = 0
          curlew.sleep(0.01)
          for i = 1, 4 do waiting = waiting + (it.tasks[i]:done() and 0 or 1) end
          print(waiting, it.session:stats().in_flight)
          print(assert(curlew.fetch(arg[1])).body)
          walk()
          print(assert(curlew.fetch(arg[1])).body)
        end)
        print(uv.loop_alive())
      ]], 0, "nil\tclosed_session\tthe session was closed: its handles in luv's loop were closed "
        .. "by another part of the program\n0\t0\nhello\nhello\nfalse\n")
      assert.equal("", child.stderr)
    end)

    it("is told of a deadlock when it goes on to wait", function()
      local child = ends(WALK .. [[
        curlew.run(function()
          local one = curlew.spawn(curlew.fetch, arg[1] .. "/silent")
          curlew.sleep(0.02)
          walk()
          one:await()
        end)]], 1)
      assert.matches("deadlock: nothing in the loop can wake any of these tasks", child.stderr, 1,
        true)
    end)

    it("can run, and close what it has, outside of a run, too", function()
      ends(WALK .. [[
        curlew.spawn(function() it = busy.start() end)
        while not it do uv.run "once" end
        walk()
        print(uv.run())
        it.session:close()
        it.other:close()
        it.narrow:close()
        uv.run()
        curlew.spawn(function() print(assert(curlew.fetch(arg[1])).body) end)
        uv.run()
        walk()
        uv.run()]], 0, "false\nhello\n")
    end)
  end)

  describe("that forks", function()
    local library, size

    lazy_setup(function()
      size = #web.file "big"
      library = folder .. "/forking.so"
      assert(shell.run("LD_PRELOAD= cc -shared -fPIC -o " .. library
        .. " spec/support/forking.c"))
    end)

    -- The parent's transfers, and further requests on their connections, do not notice a child that
    -- runs `code`. Returns what the child has printed.
    local function forks(code)
      local child = start(([[
        local fork = assert(package.loadlib("%s", "fork_process"))
        local wait = assert(package.loadlib("%s", "wait_process"))
        curlew.run(function()
          local session = curlew.session { verify = arg[4], timeout = 10 }
          local places = {
            { arg[1], "/hold", "1.1" }, { arg[3], "/big", "1.1" }, { arg[3], "/big" },
          }
          local function get(place, path)
            local given = { http = place[3], max_speed = path == "/big" and 1e7 or nil }
            return assert(session:get(place[1] .. path, given))
          end
          local tasks = {}
          for i, place in ipairs(places) do
            tasks[i] = curlew.spawn(get, place, place[2])
          end
          repeat
            curlew.sleep(0.01)
          until session:stats().open == 3
          curlew.sleep(0.1)
          if fork() == 0 then
            %s
          end
          print("status", wait() / 256)
          for i, place in ipairs(places) do
            local res = tasks[i]:await()
            print(#res.body, get(place, "/").reused, res.http_version)
          end
        end)
      ]]):format(library, library, code))
      shell.turn(function()
        return child.status or child.stdout:find "status"
      end, 20)
      site.answer_all { body = "held" }
      ended(child, 0)
      local said, rest = child.stdout:match "^(.*)status\t7[.0]*\n(.*)$"
      assert.equal(("4\ttrue\t1.1\n%d\ttrue\t1.1\n%d\ttrue\t2\n"):format(size, size), rest,
        child.stdout)
      return said, child.stderr
    end

    local CHILDREN = {
      { "leaves by os.exit", "os.exit(7)" },
      { "closes its Lua state", "os.exit(7, true)" },
      { "closes the session", "session:close() os.exit(7)" },
      { "drops and collects what it has", "session, tasks = nil, nil collect() os.exit(7)" },
      { "cancels its tasks", [[
        for _, one in ipairs(tasks) do one:cancel() end
        collect()
        os.exit(7, true)]] },
    }
    for _, case in ipairs(CHILDREN) do
      it("loses nothing to a child that " .. case[1] .. " #leaks", function()
        local said, complaints = forks(case[2])
        assert.equal("", said .. complaints)
      end)
    end

    it("has a child get a clear error from its session #leaks", function()
      assert.equal("nil\tclosed_session\tthe session was closed: it belongs to the process that "
        .. "this one was forked off\n", (forks [[
          local res, err = session:get(arg[1])
          print(res, err.kind, err.message)
          os.exit(7)]]))
    end)
  end)

  describe("that starts another", function()
    -- The descriptors that are open in what a shell runs.
    local LISTS = [[
      local LIST = "for f in /proc/$$/fd/*; do echo ${f##*/}; done"
      local function by_popen()
        local pipe = io.popen(LIST)
        local text = pipe:read "*a"
        pipe:close()
        return text
      end
      local function by_execute()
        local path = arg[5] .. "/list"
        os.execute("{ " .. LIST .. "; } >" .. path)
        local file = io.open(path)
        local text = file:read "*a"
        file:close()
        return text
      end
      local function by_spawn()
        local text, pipe, handle = "", uv.new_pipe(false), nil
        handle = uv.spawn("sh", { args = { "-c", LIST }, stdio = { nil, pipe, nil } }, function()
          handle:close()
        end)
        curlew.await(function(done)
          pipe:read_start(function(_, bytes)
            text = text .. (bytes or "")
            if not bytes then pipe:close() done() end
          end)
        end)
        return text
      end
    ]]

    it("hands down no descriptor", function()
      ends(LISTS .. [[
        curlew.run(function()
          local ways, before = { by_popen, by_execute, by_spawn }, {}
          for i, way in ipairs(ways) do before[i] = way() end
          busy.start()
          for i, way in ipairs(ways) do
            local after = way()
            print(#after > 4 and after == before[i] or before[i] .. after)
          end
        end)]], 0, "true\ntrue\ntrue\n")
    end)

    it("hands down none while a name is looked up", function()
      ends([[
        local CLOEXEC = tonumber("2000000", 8)
        local function inherited()
          local list = {}
          for fd = 0, 200 do
            local file = io.open("/proc/self/fdinfo/" .. fd)
            if file then
              local flags = (file:read "*a" or ""):match "flags:%s*(%d+)"
              file:close()
              local bits = tonumber(flags or "2000000", 8)
              list[#list + 1] = math.floor(bits / CLOEXEC) % 2 == 0 and fd or nil
            end
          end
          return table.concat(list, " ")
        end
        curlew.run(function()
          local before, pairs_seen = inherited(), 0
          for i = 1, 10 do
            local one = curlew.spawn(curlew.fetch, ("http://nosuch%d.invalid/"):format(i))
            while not one:done() do
              local now = inherited()
              if now ~= before then print(before, now) end
              curlew.yield()
            end
          end
          print "looked up"
        end)]], 0, "looked up\n")
    end)
  end)
end)
