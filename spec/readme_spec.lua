local nginx = require "support.nginx"
local process = require "support.process"
local shell = require "support.shell"

-- The pages whose code is run; "https://example.org" in them stands for a server of the suite's.
local PAGES = { "README.md", "docs/guide/tasks.md" }

-- The code blocks of a page: `{ language =, code =, line = }`.
local function blocks(path)
  local found, block, number = {}, nil, 0
  for line in (shell.read_file(path) .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    local language = line:match("^```(%w*)")
    if language and not block then
      block = { language = language, lines = {}, line = number }
    elseif language then
      block.code = table.concat(block.lines, "\n")
      found[#found + 1], block = block, nil
    elseif block then
      table.insert(block.lines, line)
    end
  end
  return found
end

-- What a block says that it prints: the texts behind `-->`, with any space between the words.
local function promised(code)
  local lines = {}
  for text in code:gmatch("%-%-> ([^\n]+)") do
    lines[#lines + 1] = (text:gsub("%s+", " "))
  end
  return lines
end

local function run_lua(code)
  local script = os.tmpname()
  shell.write_file(script, (code:gsub("https://example%.org", nginx.start().url)))
  local result = process.run { process.lua, script }
  os.remove(script)
  return result
end

for _, page in ipairs(PAGES) do
  describe(page, function()
    for _, block in ipairs(blocks(page)) do
      if block.language == "lua" then
        it(("has Lua at line %d that runs and prints what it says"):format(block.line), function()
          -- On plain Lua 5.1 `assert` cannot raise an error object; the page says so.
          local result = run_lua(block.code)
          assert.equal("", result.stderr)
          assert.equal(0, result.status)
          local printed = result.stdout:gsub("[ \t]+", " ")
          for _, text in ipairs(promised(block.code)) do
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
              assert.equal("luarocks make", command)
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
