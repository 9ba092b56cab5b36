local neovim = require "support.neovim"
local nginx = require "support.nginx"
local pages = require "support.pages"
local process = require "support.process"
local shell = require "support.shell"

-- The pages whose code is run; "https://example.org" in them stands for a server of the suite's.
local PAGES = {
  "README.md", "docs/guide/tasks.md", "docs/guide/http.md", "docs/guide/download.md",
  "docs/guide/testing.md", "docs/guide/neovim.md", "docs/guide/terminal.md",
  "docs/guide/from-python.md", "docs/guide/from-curl.md",
}
local NEOVIM = "docs/guide/neovim.md" -- whose code runs there

-- Commands that a page may name, but for `make VERB`.
local COMMANDS = {
  ["luarocks make"] = true,
  ["luarocks --lua-version 5.1 make --deps-mode none"] = true,
}

local function run_lua(code, page)
  code = code:gsub("https://example%.org", nginx.start().url)
  if page == NEOVIM then
    return neovim.run(code)
  end
  local script = os.tmpname()
  shell.write_file(script, code)
  local result = process.run { process.lua, script }
  os.remove(script)
  return result
end

for _, page in ipairs(PAGES) do
  describe(page, function()
    for _, block in ipairs(pages.blocks(page)) do
      if block.language == "lua" then
        it(("has Lua at line %d that runs and prints what it says"):format(block.line), function()
          -- On plain Lua 5.1 `assert` cannot raise an error object; the page says so.
          local result = run_lua(block.code, page)
          assert.equal("", result.stderr)
          assert.equal(0, result.status)
          local printed = result.stdout:gsub("[ \t]+", " ")
          for _, text in ipairs(pages.promised(block.code)) do
            assert.truthy(printed:find(text, 1, true), ("%q is not in %q"):format(text, printed))
          end
        end)
      elseif block.language == "sh" then
        it(("has commands at line %d that exist"):format(block.line), function()
          for command in block.code:gmatch("[^\n]+") do
            local verb = command:match("^make (%w+)$")
            if verb then
              assert.truthy(shell.read_file("Makefile"):find("\n" .. verb .. ":", 1, true), command)
            else
              assert.is_true(COMMANDS[command], command)
            end
          end
        end)
      elseif block.language == "console" then
        it(("has a transcript at line %d whose commands say that"):format(block.line), function()
          for command, output in (block.code .. "\n$"):gmatch("%$ lua ([^\n]+)\n(.-)\n%f[$]") do
            local words = { process.lua }
            for word in command:gmatch("%S+") do
              words[#words + 1] = word
            end
            local scratch = shell.scratch()
            words[2] = shell.read("pwd"):gsub("%s+$", "") .. "/" .. words[2]
            words.cwd = scratch
            local result = process.run(words)
            assert.equal(0, result.status)
            local last = output:match("([^\n]+)\n*$")
            -- Numbers of seconds differ from machine to machine.
            local pattern = last:gsub("%p", "%%%0"):gsub("%d+%%%.%d+s", "%%d+%%.%%d+s")
            assert.truthy(result.stdout:find(pattern .. "\n$"), result.stdout)
          end
        end)
      end
    end
  end)
end

-- A table that compares curlew with something else: a Lua block with the names that its last column
-- uses; the rows that end with code, `{ name =, code = }`; the names of the other rows.
local function comparison(path, heading)
  local _, start = shell.read_file(path):find("\n## " .. heading .. "\n", 1, true)
  local section = (shell.read_file(path) .. "\n## "):match("^(.-)\n## ", start)
  local rows, others = {}, {}
  for line in section:gmatch("[^\n]+") do
    local name, cell = line:match("^| ([^|]*%a[^|]*) |.*| ([^|]+) |$")
    local code = name and cell:match("`([^`]+)`$")
    if code then
      rows[#rows + 1] = { name = name, code = code }
    elseif name then
      others[#others + 1] = name
    end
  end
  return section:match("\n```lua\n(.-\n)```\n"), rows, others
end

-- The program of a row: its code inside a task, but what calls `run` itself outside. What the code
-- has spawned goes on as far as it can.
local function row_program(prelude, code)
  local is_expression = (loadstring or load)("return " .. code)
  local statement = is_expression and "local _ = " .. code or code
  if code:find("%f[%w]run%f[%W]") then
    return prelude .. statement
  end
  return table.concat({
    prelude, "curlew.run(function()", statement, "curlew.testing.wait_all_blocked()", "end)",
  }, "\n")
end

-- One program for all rows, which prints "ok" or "not ok" and the number of each. A failure that
-- nobody awaits counts too.
local TRY_ROW = [[
local curlew = require "curlew"
local function try_row(number, program)
  local problem
  curlew.on_unhandled(function(err)
    problem = err
  end)
  local chunk, mistake = (loadstring or load)(program, "=row")
  local ok, err = pcall(chunk or error, mistake)
  if ok and not problem then
    print("ok " .. number)
  else
    print(("not ok %d: %s"):format(number, tostring(problem or err)))
  end
  curlew.on_warning(nil)
  curlew.testing.shuffle(nil)
end
]]

local function program_of(prelude, rows)
  local lines = { TRY_ROW }
  for number, row in ipairs(rows) do
    lines[#lines + 1] = ("try_row(%d, %q)"):format(number, row_program(prelude, row.code))
  end
  return table.concat(lines, "\n")
end

describe("the table in docs/guide/tasks.md for people who come from Python", function()
  local prelude, rows, others = comparison("docs/guide/tasks.md",
    "For people who come from Python")
  local result -- of the one program

  lazy_setup(function()
    result = run_lua(program_of(prelude, rows))
  end)

  it("has code in each row but that about the environment", function()
    assert.same({ "debugging" }, others)
    assert.truthy(rows[1])
  end)

  for number, row in ipairs(rows) do
    it(("has a row %q whose code runs"):format(row.name), function()
      local line = ("\n" .. result.stdout):match("\n([not ]*ok " .. number .. "%f[%D][^\n]*)")
      assert.equal("ok " .. number, line)
      assert.equal("", result.stderr)
      assert.equal(0, result.status)
    end)
  end
end)

describe("the table in docs/guide/neovim.md for those who come from curl processes", function()
  local prelude, rows, others = comparison(NEOVIM,
    "For those who come from plenary.curl, vim.system or jobstart")
  local result -- of one program for all rows, a task each

  lazy_setup(function()
    local lines = {}
    for number, row in ipairs(rows) do
      local is_expression = (loadstring or load)("return " .. row.code)
      lines[number] = ([[
        require("curlew").spawn(function()
          %s
          %s
          task:cancel()
          print("ok %d")
        end)
      ]]):format(prelude, is_expression and "local _ = " .. row.code or row.code, number)
    end
    result = run_lua(table.concat(lines, "\n"), NEOVIM)
  end)

  it("has code in each row", function()
    assert.same({}, others)
    assert.truthy(rows[20])
  end)

  for number, row in ipairs(rows) do
    it(("has a row %q whose code runs"):format(row.name), function()
      assert.matches("\nok " .. number .. "\n", "\n" .. result.stdout, 1, true)
      assert.same({ "", 0 }, { result.stderr, result.status })
    end)
  end
end)
