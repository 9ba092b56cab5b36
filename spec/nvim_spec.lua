local answers = require "support.answers"
local neovim = require "support.neovim"
local nginx = require "support.nginx"
local process = require "support.process"
local shell = require "support.shell"

-- What scripts have in common: the buffer that they may touch only in the main loop.
local HEAD = [[
local curlew = require "curlew"
local uv = vim.loop
local function touch(text)
  vim.api.nvim_buf_set_lines(0, 0, -1, false, { text })
  print(vim.api.nvim_get_current_line())
end
]]

-- Runs a script, which has nothing to complain of; returns what it has printed.
local function printed(code, ...)
  local result = neovim.run(HEAD .. (select("#", ...) > 0 and code:format(...) or code))
  assert.equal("", result.stderr)
  assert.equal(0, result.status)
  return result.stdout
end

describe("in Neovim", function()
  local web

  lazy_setup(function()
    web = nginx.start()
  end)

  it("curlew runs on the luv that is built in", function()
    assert.equal("true\ttrue\n", printed [[
      print(require "curlew.uv" == uv, curlew.features().luv == uv.version_string())
    ]])
  end)

  it("JSON is Neovim's, whatever else there is: null is vim.NIL", function()
    assert.equal("true\ttrue\tnil\n", printed [[
      local json = require "curlew.json"
      print(curlew.null == vim.NIL, json.decode("[null]")[1] == vim.NIL, json.decode("[") or nil)
    ]])
  end)

  it("a command starts a task, which may use the whole API after whatever it waits for", function()
    local folder = shell.scratch()
    assert.equal("start\nyield\nsleep\n200\nawait\nfs\nthread\nsaved\nend\n", printed([[
      vim.api.nvim_create_user_command("Go", function()
        curlew.spawn(function()
          touch "start"
          curlew.yield()
          touch "yield"
          curlew.sleep(0.001)
          touch "sleep"
          touch(tostring(assert(curlew.fetch("%s/hello.txt")).status))
          curlew.await(function(done)
            local timer = uv.new_timer()
            timer:start(1, 0, function() timer:close() done() end)
          end)
          touch "await"
          assert(curlew.call(uv.fs_stat, "/"))
          touch "fs"
          touch(curlew.thread(function() return "thread" end))
          assert(curlew.download("%s/1k", "%s/file"))
          touch "saved"
        end)
      end, {})
      vim.cmd "Go"
      vim.wait(10000, function() return vim.api.nvim_get_current_line() == "saved" end)
      print "end"
    ]], web.url, web.url, folder))
    assert.equal(1024, #shell.read_file(folder .. "/file"))
  end)

  it("a key mapping starts a task", function()
    assert.equal("hello\n", printed [[
      vim.keymap.set("n", "x", function() curlew.spawn(touch, "hello") end)
      vim.cmd "normal x"
    ]])
  end)

  it("a callback of luv starts and wakes tasks, which run in the main loop", function()
    assert.equal("true\nwoken\nstarted\n", printed [[
      local event = curlew.event()
      curlew.spawn(function() event:wait() touch "woken" end)
      local timer = uv.new_timer()
      timer:start(5, 0, function()
        timer:close()
        print(vim.in_fast_event())
        event:set()
        curlew.spawn(touch, "started")
      end)
      vim.wait(10000, function() return vim.api.nvim_get_current_line() == "started" end)
    ]])
  end)

  it("streams are read, sinks and callbacks called, in the main loop", function()
    assert.equal("chunk\nsink\nprogress\nfetch_cb\nclosed\n", printed([[
      local url = "%s/1k"
      curlew.spawn(function()
        local res = assert(curlew.fetch(url, { stream = true }))
        while res:read() do end
        touch "chunk"
        assert(curlew.fetch(url, { sink = function() touch "sink" end }))
        local told
        assert(curlew.fetch(url, { on_progress = function()
          told = told or touch "progress" or true
        end }))
        curlew.fetch_cb(url, nil, function() touch "fetch_cb" end)
        curlew.sleep(0.2)
        curlew.fetch_cb(url, nil, function() touch "closed" end):close()
      end)
    ]], web.url))
  end)

  it("speaks HTTP/2 over TLS", function()
    assert.equal("2\n", printed([[
      curlew.spawn(function()
        touch(assert(curlew.fetch("%s/hello.txt", { verify = "%s" })).http_version)
      end)
    ]], web.https, web.ca))
  end)

  it("vim.wait waits for a task, whose error can be taken then", function()
    assert.equal("7\nfalse\tkept\n", printed [[
      local good = curlew.spawn(function() curlew.sleep(0.01) return 7 end)
      assert(vim.wait(10000, function() return good:done() end))
      print(good:result())
      local bad = curlew.spawn(function() curlew.sleep(0.01) error("kept", 0) end)
      assert(vim.wait(10000, function() return bad:done() end))
      print(pcall(bad.result, bad))
      vim.wait(700) -- nobody is told of it
    ]])
  end)

  it("vim.wait inside a task holds up the others, which go on behind it", function()
    assert.equal("false\nbehind it\n", printed [[
      local second
      curlew.spawn(function()
        second = curlew.spawn(function() curlew.sleep(0.001) print "behind it" end)
        print((vim.wait(50, function() return second:done() end)))
      end)
    ]])
  end)

  it("a task that never ceases to yield holds up neither timers nor transfers", function()
    assert.equal("20\n200\ntrue\n", printed([[
      local busy = curlew.spawn(function() while true do curlew.yield() end end)
      local count, timer = 0, uv.new_timer()
      timer:start(1, 1, function() count = count + 1 if count == 20 then timer:close() end end)
      assert(vim.wait(10000, function() return count == 20 end))
      print(count)
      local other = curlew.spawn(function() return curlew.fetch("%s/hello.txt") end)
      assert(vim.wait(10000, function() return other:done() end))
      print(other:result().status)
      print(busy:cancel())
    ]], web.url))
  end)

  it("the loop does not spin while Neovim keeps a turn waiting, as at a prompt", function()
    assert.equal("true\nran\n", printed [[
      curlew.spawn(print, "ran")
      local ticks, timer = 0, uv.new_timer()
      timer:start(1, 1, function() ticks = ticks + 1 end)
      local turns, prepare = 0, uv.new_prepare()
      prepare:start(function() turns = turns + 1 end)
      vim.wait(10000, function() return ticks == 20 end, 1, true) -- nothing scheduled runs
      timer:close()
      prepare:close()
      print(turns < 10 * ticks or turns)
    ]])
  end)

  it("curlew may be loaded in a coroutine that is collected, or by the first command", function()
    local result = neovim.run(([[
      local status
      vim.api.nvim_create_user_command("Go", function()
        coroutine.wrap(function()
          local curlew = require "curlew"
          curlew.spawn(function() status = assert(curlew.fetch("%s/hello.txt")).status end)
          coroutine.yield()
        end)()
        collectgarbage()
        collectgarbage()
      end, {})
      assert(not package.loaded.curlew)
      vim.cmd "Go"
      vim.wait(10000, function() collectgarbage() return status end)
      print(status)
    ]]):format(web.url))
    assert.same({ "200\n", "", 0 }, { result.stdout, result.stderr, result.status })
  end)

  it("a failure that nobody awaits is shown as an error, with its traceback", function()
    assert.matches("^4\tcurlew: <Task mine failed> failed and nobody awaited it: %S+: boom\n"
      .. "stack traceback:\n  %S+: in function 'broken'\n.*\nfalse\n$", printed [[
      vim.notify = function(text, level)
        print(level, text)
        print(vim.in_fast_event())
      end
      local function broken() curlew.sleep(0.001) error "boom" end
      local mine = curlew.spawn(function() broken() end)
      mine:name "mine"
    ]])
  end)

  it("the hook for failures is called in the main loop, and warnings are shown", function()
    assert.equal("lost\n", printed [[
      curlew.on_unhandled(function(err) touch(err) end)
      curlew.spawn(function() curlew.sleep(0.001) error("lost", 0) end)
    ]])
    assert.matches("^curlew: a coroutine object made at .* was never started.*\nfalse\n", printed [[
      vim.notify = function(text) print(text) print(vim.in_fast_event()) end
      local timer = uv.new_timer()
      timer:start(1, 0, function()
        timer:close()
        curlew.async(print)()
        collectgarbage()
        collectgarbage()
      end)
      vim.wait(50)
    ]])
  end)

  it("run says what to do instead", function()
    assert.matches("%.lua:%d+: run cannot be called inside Neovim, whose loop turns already: use",
      printed "print(pcall(function() curlew.run(print) end))")
  end)

  describe("with transfers in flight", function()
    local site

    before_each(function()
      site = answers.new {
        ["/flood"] = function(conn)
          local function more()
            conn:send(("x"):rep(65536), more)
          end
          conn:send("HTTP/1.1 200 OK\r\n\r\n", more)
        end,
      }
    end)

    after_each(function()
      site:close()
      site:check()
    end)

    for _, moment in ipairs { 0, 1, 30, 300 } do
      it(("leaving after %d ms is clean"):format(moment), function()
        local script = ([[
          local url = "%s"
          for i = 1, 10 do
            for _, path in ipairs { "/silent", "/half", "/hold", "/" } do
              curlew.spawn(curlew.fetch, url .. path)
            end
            curlew.spawn(function()
              local res = assert(curlew.fetch(url .. "/flood", { stream = true }))
              while res:read() do vim.cmd "redraw" end
            end)
            curlew.spawn(curlew.fetch, url .. "/flood", { sink = function() curlew.sleep(60) end })
            curlew.spawn(curlew.fetch, "https://" .. url:match "//(.*)")
            curlew.spawn(curlew.fetch, "http://no-such-host-" .. i .. ".invalid/")
            curlew.spawn(curlew.download, url .. "/flood", "%s/" .. i)
            curlew.spawn(curlew.thread, function() return 1 end)
            curlew.spawn(function() while true do curlew.yield() end end)
            curlew.fetch_cb(url .. "/silent", nil, function() end)
          end
          vim.wait(%d)
        ]]):format(site.url, shell.scratch(), moment)
        local result = process.run(neovim.command(HEAD .. script))
        assert.same({ 0, 0, "" }, { result.status, result.signal, result.stderr })
        assert.is_nil(result.timed_out)
      end)
    end
  end)
end)

describe("the plugin in examples/nvim", function()
  local SETTINGS = [[
    vim.opt.runtimepath:append(vim.loop.cwd() .. "/examples/nvim")
    vim.o.laststatus = 2
    vim.o.statusline = "%f %y%=%{v:lua.require'curlew_fetch'.status()}"
  ]]
  -- What is printed of the buffer whenever it changes, and of messages.
  local TELLING = SETTINGS .. [[
    vim.cmd "runtime plugin/curlew_fetch.lua"
    vim.notify = function(text, level) print("told " .. (level or ""), text) end
    local function show()
      return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "|")
    end
    local function fetch(url)
      vim.cmd("Fetch " .. url)
      vim.api.nvim_buf_attach(0, false, {
        on_lines = function() vim.schedule(function() print("shows " .. show()) end) end,
      })
    end
    local status = require("curlew_fetch").status
    local function wait(ready) assert(vim.wait(10000, ready, 5), "it does not come") end
    local function ended() return status() == "" end
  ]]
  local site, live, child

  before_each(function()
    live = nil
    site = answers.new {
      ["/live"] = function(conn, request)
        conn:respond_chunked { headers = { ["Content-Type"] = request.query:gsub("%%20", " ") } }
        live = conn
      end,
    }
  end)

  after_each(function()
    if child then
      child:kill "sigkill"
      child = nil
    end
    site:close()
    site:check()
  end)

  local function start(code)
    child = process.start(neovim.command(TELLING .. code:gsub("URL", site.url)))
  end

  local function shows(text)
    assert.is_true(shell.turn(function()
      return child.stdout:find(text .. "\n", 1, true) or child.status
    end))
    assert.matches(text .. "\n", child.stdout, 1, true)
  end

  local function ends()
    child:wait()
    assert.same({ "", 0 }, { child.stderr, child.status })
  end

  it("shows lines as they come, and what is there of the last one", function()
    start [[
      fetch "URL/live?application/json;%20charset=utf-8"
      wait(function() return show() ~= "" end)
      print("is " .. vim.bo.filetype, status())
      wait(ended)
      print("at last " .. show())
    ]]
    assert.is_true(shell.turn(function()
      return live
    end))
    live:chunk "one\ntw"
    shows "shows one|tw"
    shows " fetching 1"
    assert.matches("is json\t[|/\\-] fetching 1\n", child.stdout)
    live:chunk "o\nthree\n"
    shows "shows one|two|three|"
    live:chunk()
    shows "at last one|two|three"
    shows "told \tFetch: 200, 14 B"
    ends()
  end)

  it("stops all at :FetchStop, and keeps what has come", function()
    start [[
      vim.cmd "Fetch URL/silent"
      fetch "URL/live?text/html"
      wait(function() return show() == "one|" end)
      print("then " .. status():sub(3))
      vim.cmd "FetchStop"
      wait(ended)
      print("at last " .. show(), vim.bo.filetype)
    ]]
    assert.is_true(shell.turn(function()
      return live
    end))
    live:chunk "one\n"
    shows "at last one|\thtml"
    assert.matches("then fetching 2\n", child.stdout)
    ends()
    assert.not_matches("told", child.stdout)
    assert.equal(0, site.open)
  end)

  it("stops when the buffer goes, and begins anew when the URL is asked for again", function()
    start [[
      fetch "URL/live?x"
      wait(function() return show() == "first" end)
      fetch "URL/live?x"
      wait(function() return show() == "second" end)
      print("now " .. status():sub(3), #vim.api.nvim_list_wins())
      vim.cmd "bwipeout"
      wait(ended)
    ]]
    assert.is_true(shell.turn(function()
      return live
    end))
    local before = live
    live:chunk "first"
    assert.is_true(shell.turn(function()
      return live ~= before
    end))
    live:chunk "second"
    shows "now fetching 1\t2"
    ends()
  end)

  it("tells what has failed, as an error", function()
    start [[
      fetch "http://127.0.0.1:1/"
      wait(ended)
      fetch "URL/cut"
      wait(ended)
      print("at last " .. show())
    ]]
    ends()
    assert.matches("told 4\tFetch: connect: 127.0.0.1:1 refused the connection\n", child.stdout)
    assert.matches("told 4\tFetch: closed: [^\n]+\n.*at last half\n$", child.stdout)
  end)

  it("draws lines and a spinner on a terminal, takes keys meanwhile, and leaves cleanly", function()
    local command = neovim.in_terminal(SETTINGS)
    command.height = 12
    local pane = process.tmux(command)
    local function sees(pattern)
      local screen, last = pane:wait_for(pattern)
      assert.truthy(screen, last)
    end
    sees "%[No Name%]"
    pane:type(":Fetch " .. site.url .. "/live?text/css")
    pane:keys "Enter"
    assert.is_true(shell.turn(function()
      return live
    end))
    live:chunk "one\ntwo\n"
    sees "^one\ntwo\n"
    sees "live%?text/css %[css%] +[|/\\-] fetching 1\n"
    local seen = {}
    for mark in ("|/-\\"):gmatch "." do
      sees("css%] +%" .. mark .. " fetching 1\n")
      seen[#seen + 1] = mark
    end
    assert.equal(4, #seen)
    pane:keys "C-c" -- which Neovim answers, and drops the keys that come right behind it
    sees "Type +:qa"
    pane:keys("C-w", "j", "i")
    pane:type "typed below"
    sees "\ntyped below\n"
    live:chunk "three\n"
    sees "^one\ntwo\nthree\n"
    sees "fetching 1\n"
    pane:keys "Escape"
    pane:type ":qa!"
    pane:keys "Enter"
    assert.equal(0, pane:status())
    assert.is_true(shell.turn(function()
      return live.closed
    end))
    pane:kill()
  end)
end)
