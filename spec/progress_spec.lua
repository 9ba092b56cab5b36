local blamed = require "support.blamed"
local curlew = require "curlew"
local meter = require "curlew.meter"
local process = require "support.process"
local programs = require "support.programs"
local progress = require "curlew.progress"
local shell = require "support.shell"
local task = require "curlew.task"
local terminal = require "curlew.terminal"
local time = require "curlew.time"

local DOTS = "\226\128\166"
local KANJI = "\230\188\162\229\173\151"

-- Programs -------------------------------------------------------------------------------------

-- Begins every program below.
local HEAD = [[
local curlew, progress = require "curlew", require "curlew.progress"
local uv = require "curlew.uv"
]]

local script, command = programs.beginning_with(HEAD)

-- Runs a program in a real terminal.
local function pane(body, options)
  return process.tmux(command(body, options))
end

-- Three transfers, one of which is done and one failed, and then nothing but waiting.
local THREE = [[
  local display = progress.display { count = 4 }
  local first, second = display:add("first.bin", 2e6), display:add("KANJI.iso")
  local third = display:add("third\27[2J.bin", 1e6)
  first:update(0) second:update(0) third:update(0)
  first:update(1e6) second:update(5e5) third:update(1e6)
  third:finish("whole") display:add("gone"):fail("no \27]0;such\7 file")
]]
THREE = THREE:gsub("KANJI", KANJI)
local WAITING = "curlew.run(function() " .. THREE .. " curlew.sleep(60) end)"

local ABOVE = "done    third\\x1b[2J.bin: whole\nfailed  gone: no \\x1b]0;such\\x07 file\n"

local function without_rates(screen)
  return (screen:gsub(" *[%d.]+ .B/s", ""):gsub(" *ETA %d+:%d+", ""))
end

describe("a display in a terminal", function()
  it("draws a line for each transfer that runs, and one for the whole", function()
    local it = pane(WAITING, { width = 81 })
    local screen = assert(it:wait_for("1 of 4, 1 failed.*2%.5 MB"))
    assert.equal(ABOVE
      .. "first.bin            [========>          ]  50%   1.0 MB\n"
      .. KANJI .. ".iso" .. (" "):rep(40) .. "500.0 KB\n"
      .. "1 of 4, 1 failed     [=========>         ]  55%   2.5 MB", without_rates(screen))
    assert.same({ x = 0, y = 2, visible = false }, it:cursor())
    it:kill()
  end)

  it("fits into 10, 20 and 200 columns", function()
    for columns, expected in pairs {
      [11] = ("fi%sin  50%%\n%s 500.0 KB\n1 %sed  55%%"):format(DOTS, DOTS, DOTS),
      [20] = "first.bin       50%\n" .. KANJI .. ".iso   500.0 KB\n1 of 4,"
        .. DOTS .. "failed  55%",
      [200] = "first.bin" .. (" "):rep(32) .. "[" .. ("="):rep(28) .. ">" .. (" "):rep(29)
        .. "]  50%   1.0 MB\n" .. KANJI .. ".iso" .. (" "):rep(99) .. "500.0 KB\n"
        .. "1 of 4, 1 failed" .. (" "):rep(25) .. "[" .. ("="):rep(31) .. ">" .. (" "):rep(26)
        .. "]  55%   2.5 MB",
    } do
      local it = pane(WAITING, { width = columns, height = 30 })
      assert(it:wait_for("55%%"))
      assert.equal(expected, without_rates(it:capture()):match("\n(f?i?[^\n]*\n[^\n]*\n1[^\n]*)$"))
      it:kill()
    end
  end)

  it("follows the terminal to another size, and leaves nothing behind", function()
    local it = pane(WAITING, { width = 81 })
    assert(it:wait_for("55%%"))
    for _, columns in ipairs { 40, 120, 30, 200, 81 } do
      it:resize(columns, 24)
      local screen
      assert(shell.turn(function()
        screen = it:capture()
        local first = screen:match("([^\n]*)\n[^\n]*\n[^\n]*$") or ""
        return terminal.width(first) < columns and first:find("^first.bin .*50%%")
          and (columns < 80 or first:find("]", 1, true))
      end), screen)
      local rows = screen:match("\n?(first.bin[^\n]*\n" .. KANJI .. "[^\n]*\n1 of 4[^\n]*)$")
      assert.truthy(rows, screen)
      local above = screen:sub(1, -#rows - 1)
      assert.is_nil(above:find("first.bin", 1, true) or above:find("1 of 4", 1, true), screen)
      local _, lines = above:gsub("\n", "")
      assert.same({ x = 0, y = lines, visible = false }, it:cursor())
    end
    it:kill()
  end)

  it("counts the rows for which there is no room", function()
    local body = [[curlew.run(function()
      local display = progress.display { %s }
      for i = 1, 30 do display:add("row-" .. i):update(0, 10) end
      curlew.sleep(60)
    end)]]
    local it = pane(body:format(""), { height = 8 })
    local screen = assert(it:wait_for("and 25 more\n0 of 30"))
    assert.truthy(screen:find("^row%-1 .*\nrow%-5 [^\n]*\nand 25 more\n0 of 30"))
    it:resize(80, 5)
    assert(it:wait_for("^row%-1 [^\n]*\nrow%-2 [^\n]*\nand 28 more\n0 of 30"))
    it:resize(80, 2)
    assert(it:wait_for("^0 of 30[^\n]*$"))
    it:resize(80, 40)
    assert(it:wait_for("^row%-1 .*\nrow%-30 [^\n]*\n0 of 30"))
    it:kill()
    it = pane(body:format("max_rows = 2"), { height = 20 })
    assert(it:wait_for("^row%-1 [^\n]*\nrow%-2 [^\n]*\nand 28 more\n0 of 30"))
    it:kill()
  end)

  it("turns a frame beside a label as long as no bytes are told", function()
    local it = pane([[curlew.run(function()
      progress.display():add("thinking \27[2J") curlew.sleep(60)
    end)]])
    for _, frame in ipairs(progress.frames) do
      assert(it:wait_for("^" .. frame:gsub("%p", "%%%0") .. " thinking \\x1b%[2J$"))
    end
    it:kill()
  end)

  it("writes lines above the rows, and clears the rows in the end", function()
    local it = pane([[curlew.run(function()
      local display = progress.display()
      display:print("before")
      local row = display:add("row")
      for i = 1, 3 do
        display:print("line " .. i .. "\n\27[2J" .. ("long"):rep(30))
        curlew.sleep(0.06)
      end
      row:update(1)
      display:print("last")
      display:close()
      display:print("after")
      row:update(2)
      display:close()
      print("end")
    end)]], { width = 80 })
    assert.equal(0, it:status(10))
    local long = "\\x1b[2J" .. ("long"):rep(18) .. "l\n" .. "ong" .. ("long"):rep(11) .. "\n"
    assert.equal("before\nline 1\n" .. long .. "line 2\n" .. long .. "line 3\n" .. long
      .. "last\nafter\nend", it:capture())
    assert.is_true(it:cursor().visible)
    it:kill()
  end)

  it("is modest with colours, and has none with NO_COLOR", function()
    local body = "curlew.run(function() " .. THREE .. " end)"
    local it = pane(body)
    assert.equal(0, it:status(10))
    local screen = it:capture { escapes = true }
    assert.truthy(screen:find("^\27%[32mdone%s*\27%[39m%s+third"), screen)
    assert.truthy(screen:find("\27%[31mfailed\27%[39m%s+gone"))
    it:kill()
    it = pane(body, { no_colour = "1" })
    assert.equal(0, it:status(10))
    assert.equal(ABOVE, it:capture { escapes = true } .. "\n")
    it:kill()
  end)
end)

describe("the end of a display", function()
  -- Runs a program until it shows its rows, and then acts; the program must leave its last lines,
  -- the cursor and no rows.
  local function ends(body, status, act)
    local it = pane("curlew.run(function() " .. THREE .. body .. " end)")
    if act then
      assert(it:wait_for("55%%"))
      assert.is_false(it:cursor().visible)
      act(it)
    end
    assert.equal(status, it:status(10))
    assert.is_true(it:cursor().visible)
    local screen = it:capture()
    assert.equal(ABOVE, screen:sub(1, #ABOVE - 1) .. "\n")
    assert.is_nil(screen:find("first.bin", 1, true))
    it:kill()
    return screen
  end

  it("comes with that of its task", function()
    ends("", 0)
    ends("display:close()", 0)
  end)

  it("comes with an error", function()
    local screen = ends('curlew.sleep(0.2) error("boom")', 1)
    assert.truthy(screen:find("boom", 1, true))
    ends('curlew.group(function(g) g:spawn(error, "boom") curlew.sleep(9) end)', 1)
  end)

  it("comes with Ctrl-C", function()
    ends("curlew.sleep(60)", 1, function(it)
      it:keys "C-c"
    end)
  end)

  it("comes with SIGTERM, of which the program dies", function()
    local pid_file = shell.scratch() .. "/pid"
    ends(([[
      local file = io.open(%q, "w") file:write(uv.os_getpid()) file:close()
      curlew.sleep(60)
    ]]):format(pid_file), 143, function()
      os.execute("kill " .. shell.read_file(pid_file))
    end)
  end)

  it("comes with os.exit", function()
    ends("curlew.sleep(0.2) os.exit(7)", 7)
    ends("curlew.sleep(0.2) os.exit(8, true)", 8)
  end)

  it("shows the cursor as soon as its task is cancelled, which may take long to end", function()
    local it = pane("curlew.run(function() " .. THREE
      .. "curlew.pcall(curlew.sleep, 60) curlew.shield(curlew.sleep, 60) end)")
    assert(it:wait_for("55%%"))
    it:keys "C-c"
    assert.is_true(shell.turn(function()
      return it:cursor().visible
    end))
    it:keys "C-c"
    assert.equal(130, it:status(10))
    it:kill()
  end)

  it("comes when nothing refers to it any more", function()
    local it = pane [[
      local function show()
        local display = progress.display()
        display:add("row")
      end
      show()
      io.read()
      collectgarbage() collectgarbage()
      local timer, handles = uv.new_timer(), 0
      timer:start(300, 0, function() timer:close() end)
      uv.run()
      uv.walk(function(handle) handles = handles + (handle:is_active() and 1 or 0) end)
      io.read()
      print("active", handles)
    ]]
    assert(it:wait_for("row"))
    assert.is_false(it:cursor().visible)
    it:keys "Enter"
    assert.is_true(shell.turn(function()
      return it:cursor().visible
    end))
    it:keys "Enter"
    assert(it:wait_for("active%s+1"), it:capture()) -- that of SIGTERM
    it:kill()
  end)
end)

describe("a display elsewhere", function()
  local BODY = "curlew.run(function() " .. THREE .. [[
    display:print("said\27[m") second:finish() first:fail(curlew.error) end)]]
  local PLAIN = ABOVE .. "said\\x1b[m\ndone    " .. KANJI .. ".iso: 500.0 KB in 0.0 s\n"
    .. "failed  first.bin\n"

  it("writes one plain line for each transfer that has ended", function()
    local result = process.run { process.lua, script(BODY) }
    assert.equal("", result.stdout)
    assert.equal(PLAIN, result.stderr)
  end)

  it("is the same in a terminal that cannot draw", function()
    for _, name in ipairs { "dumb", "" } do
      local words = command(BODY, { term = name })
      local line = {}
      for i, word in ipairs(words) do
        line[i] = shell.quote(word)
      end
      local result = process.run {
        "script", "-qec", table.concat(line, " "), "/dev/null", env = words.env,
      }
      assert.equal(PLAIN, (result.stdout:gsub("\r", "")))
    end
  end)

  it("says only failures, and what is printed, when it is quiet", function()
    local body = BODY:gsub("count = 4", "quiet = true")
    local plain = PLAIN:gsub("done [^\n]*\n", "")
    assert.equal(plain, process.run({ process.lua, script(body) }).stderr)
    local it = pane(body)
    assert.equal(0, it:status(10))
    assert.equal(plain, it:capture() .. "\n")
    it:kill()
  end)
end)

-- In this process ------------------------------------------------------------------------------

-- A terminal of 80 columns that keeps what is written.
local function recorder()
  local written = {}
  local screen = terminal.open { write = function(_, text) table.insert(written, text) end }
  screen.is_terminal = true
  function screen.width() return 80 end
  function screen.height() return 24 end
  function screen.hide_cursor() end
  return screen, written
end

describe("the drawing of a display", function()
  local now, restore, screen, written, display

  before_each(function()
    now = 1000
    local function nothing() end
    restore = time.set_clock {
      now = function() return now end, arm = nothing, disarm = nothing,
    }
    screen, written = recorder()
  end)

  after_each(function()
    display:close()
    restore()
    shell.settle()
  end)

  it("happens at most 20 times a second, however often it is told something", function()
    display = progress.display { stream = screen }
    local row = display:add("row", 1e6)
    for i = 1, 10000 do
      row:update(i)
    end
    assert.equal(1, #written)
    for i = 1, 10000 do
      now = 1000 + i / 1000
      row:update(10000 + i)
    end
    assert.is_true(#written >= 100 and #written <= 201, #written)
  end)

  it("is one write, with the lines above in it, and none when nothing has changed", function()
    display = progress.display { stream = screen }
    local row = display:add("row", 100)
    row:update(100)
    now = now + 1
    row:update(100)
    assert.equal(2, #written)
    display:print("one")
    display:print("two")
    assert.equal(2, #written)
    now = now + 1
    row:update(100)
    assert.equal(3, #written)
    local above = "\r\27[Jone\r\ntwo\r\n"
    assert.equal(above .. written[2], written[3])
    assert.truthy(written[2]:find("^\27%[%?7l\rrow .*\27%[J\r\27%[%?7h$"))
    now = now + 1
    row:update(100)
    assert.equal(3, #written)
    display:close()
    assert.equal(4, #written)
    assert.equal("\r\27[J", written[4]:sub(1, 4))
  end)

  -- The line about the whole, drawn a second later.
  local function last_line()
    now = now + 1
    display:print("")
    return written[#written]:match("\n([^\n]-)\27%[J\27%[%d")
  end

  it("takes the size of the whole from sizes that are known, and their mean", function()
    display = progress.display { stream = screen, count = 4 }
    local rows = {}
    for i = 1, 3 do
      rows[i] = display:add("row", i < 3 and 1000 or nil)
      rows[i]:update(i == 2 and 400 or 0) -- the second is resumed
    end
    last_line()
    assert.truthy(last_line():find("^0 of 4 .*  10%%    400 B      0 B/s$"))
    rows[1]:update(1000)
    assert.truthy(last_line():find("^0 of 4 .*  35%%   1.4 KB    333 B/s     ETA 0:08$"))
    rows[1]:finish()
    rows[2]:fail("x")
    assert.truthy(last_line():find("^1 of 4, 1 failed .*  33%%   1.0 KB "))
    rows[3]:update(3000)
    rows[3]:finish()
    display:add("row", 2000):update(0)
    display:add("row", 2000):update(0)
    assert.truthy(last_line():find("^2 of 5, 1 failed .*  50%%   4.0 KB "))
  end)

  it("clears the rest of each line, and lets the rate of one that stands still go down", function()
    display = progress.display { stream = screen, count = 2 }
    display:add("first"):update(0)
    local row = display:add("second")
    row:update(0)
    now = now + 1
    row:update(1000)
    now = now + 1
    display:print("")
    assert.truthy(written[#written]:find("\rfirst [^\n]* 0 B/s\27%[K\r\n"))
    assert.truthy(written[#written]:find("\nsecond [^\n]* 500 B/s\27%[K\r\n"))
    now = now + 10
    display:print("")
    now = now + 10
    display:print("")
    assert.truthy(written[#written]:find("\nsecond [^\n]*   0 B/s\27%[K\r\n"))
  end)

  it("goes on when a transfer begins again", function()
    display = progress.display { stream = screen, count = 1 }
    local row = display:add("row", 1000)
    row:update(0)
    last_line()
    row:update(500)
    assert.truthy(last_line():find("^0 of 1 .*  50%%    500 B    250 B/s "))
    row:update(0)
    assert.truthy(last_line():find("^0 of 1 .*   0%%      0 B    167 B/s "))
    row:update(250, 500)
    assert.truthy(last_line():find("^0 of 1 .*  50%%    250 B    188 B/s "))
  end)
end)

describe("a display in a run", function()
  it("does not keep it from ending, nor from being told that it waits for ever", function()
    local screen = recorder()
    curlew.run(function()
      progress.display({ stream = screen }):add("row")
    end)
    local ok, err = pcall(curlew.run, function()
      progress.display({ stream = screen }):add("row")
      task.event():wait()
    end)
    assert.is_false(ok)
    assert.truthy(tostring(err):find("^deadlock"))
  end)

  it("ends with the group that it was made in", function()
    local screen, written = recorder()
    curlew.run(function()
      local display
      curlew.group(function()
        display = progress.display { stream = screen }
        display:add("row")
      end)
      assert.is_true(display.closed)
      assert.equal("\r\27[J", written[#written])
      local row = display:add("late")
      row:finish("x")
      row:finish("y")
      row:fail("z")
      row:update(1)
      assert.equal("done    late: x\n", written[#written])
    end)
  end)

  it("is closed by a variable that is, where Lua has these", function()
    local screen = recorder()
    local display = progress.display { stream = screen }
    getmetatable(display).__close(display)
    assert.is_true(display.closed)
  end)
end)

describe("progress", function()
  it("gives what it is made of", function()
    assert.equal(meter.meter, progress.meter)
    assert.equal("1.5 MB", progress.bytes(1.5e6))
    assert.equal("1:02:03", progress.duration(3723))
    assert.same({ "|", "/", "-", "\\" }, progress.frames)
  end)

  it("refuses wrong input at the caller's line", function()
    for message, fn in pairs {
      ['unknown option "rows"'] = function() progress.display { rows = 5 } end,
      ['option "count" must be a whole number, at least 0, got 1.5'] = function()
        progress.display { count = 1.5 }
      end,
      ["the stream must have a method write, got a number"] = function()
        progress.display { stream = 5 }
      end,
      ["the label must be a string, got nothing"] = function() progress.display():add() end,
      ["the total must be a number, got string"] = function() progress.display():add("a", "b") end,
      ["the number of bytes must be a number, got nothing"] = function()
        progress.display():add("x"):update()
      end,
      ["the text must be a string, got nothing"] = function() progress.display():print() end,
    } do
      assert.equal(message, blamed(fn))
    end
  end)
end)
