-- The pages hang together, and the reference has every public name, with an example that runs.

package.path = "tools/?.lua;" .. package.path -- where what makes the reference is

local names = require "reference.names"
local nginx = require "support.nginx"
local pages = require "support.pages"
local process = require "support.process"
local shell = require "support.shell"

local entries, classes = names.read()

local ALL = pages.all()

local REFERENCE = {}
for _, path in ipairs(ALL) do
  if path:find("^docs/reference/") then
    REFERENCE[#REFERENCE + 1] = path
  end
end

-- The path of what a link of a page leads to.
local function resolve(page, target)
  local parts = {}
  for part in (page:gsub("[^/]*$", "") .. target):gmatch("[^/]+") do
    if part == ".." then
      table.remove(parts)
    else
      parts[#parts + 1] = part
    end
  end
  return table.concat(parts, "/")
end

-- The examples of a page: `{ line =, code =, names = }`, with what their heading is about.
local function examples(path)
  local found, headings = {}, pages.headings(path)
  for _, block in ipairs(pages.blocks(path)) do
    local about
    for _, heading in ipairs(headings) do
      about = heading.line < block.line and heading or about
    end
    block.names = names.in_heading(about.text)
    found[#found + 1] = block
  end
  return found
end

-- One program runs all examples of a page, each as the page says: inside a task, or, when it calls
-- `run` itself, outside.
local RUN_EXAMPLE = [[
io.stdout:setvbuf("no")
local curlew = require "curlew"
local function run_example(line, code)
  print("\n== " .. line)
  local chunk = assert((loadstring or load)("local curlew = require 'curlew'\n" .. code))
  local ok, err
  if code:find("%f[%w]run%(") then
    ok, err = pcall(chunk)
  else
    ok, err = pcall(curlew.run, chunk)
  end
  curlew.on_unhandled(nil)
  curlew.on_warning(nil)
  print(ok and "== ok" or "== failed: " .. tostring(err))
end
]]

-- Whether this Lua can run an example: plain Lua 5.1 cannot wait in the iterator of a loop.
local function can_run(block)
  return not block.code:find("not on plain Lua 5.1", 1, true) or _VERSION ~= "Lua 5.1" or jit
end

-- What the examples of a page print, by their lines.
local function run_examples(blocks)
  local program = { RUN_EXAMPLE }
  for _, block in ipairs(blocks) do
    if can_run(block) then
      local code = block.code:gsub("https://example%.org", nginx.start().url)
      program[#program + 1] = ("run_example(%d, %q)"):format(block.line, code)
    end
  end
  local script = os.tmpname()
  shell.write_file(script, table.concat(program, "\n"))
  local result = process.run { process.lua, script }
  os.remove(script)
  local printed, current = {}, {}
  for line in (result.stdout .. "\n"):gmatch("(.-)\n") do
    local number = tonumber(line:match("^== (%d+)$"))
    if number then
      current = { number = number }
    elseif line == "== ok" then
      printed[current.number] = table.concat(current, "\n")
    else
      current[#current + 1] = line:gsub("%s+", " ")
    end
  end
  return printed, result
end

describe("the pages", function()
  for _, page in ipairs(ALL) do
    it(("have no dead link in %s"):format(page), function()
      for _, link in ipairs(pages.links(page)) do
        local target, anchor = link.target:match("^([^#]*)#?(.*)$")
        local path = target == "" and page or resolve(page, target)
        local place = ("line %d: %s"):format(link.line, link.target)
        assert.is_true(shell.run("test -e " .. shell.quote(path)), place)
        if anchor ~= "" then
          assert.is_true(pages.anchors(path)[anchor], place)
        end
      end
    end)
  end

  it("are all on the site", function()
    local listed = {}
    for path in shell.read_file("docs/site/pages"):gmatch("\n(%S+)") do
      listed[path] = true
    end
    for _, page in ipairs(ALL) do
      assert.is_true(listed[page], page)
    end
  end)
end)

describe("the reference", function()
  local has_example, has_heading = {}, {}

  for _, page in ipairs(REFERENCE) do
    for _, heading in ipairs(pages.headings(page)) do
      for _, name in ipairs(heading.level > 1 and names.in_heading(heading.text) or {}) do
        has_heading[name] = (has_heading[name] or 0) + 1
      end
    end
    for _, block in ipairs(examples(page)) do
      for _, name in ipairs(block.names) do
        has_example[name] = true
      end
    end
  end

  it("has every function and method once, with an example", function()
    for name in pairs(entries) do
      assert.equal(1, has_heading[name], name)
      assert.is_true(has_example[name], name)
    end
  end)

  it("has every class once, with an example", function()
    assert.is_true(#classes > 30)
    for _, class in ipairs(classes) do
      assert.equal(1, has_heading[class.name], class.name)
      assert.is_true(has_example[class.name], class.name)
    end
  end)

  it("has no method that is gone", function()
    for name in pairs(has_heading) do
      local is_name = name:find("^%u%w+:") or name:find("^curlew%.")
      assert.truthy(not is_name or entries[name], name)
    end
  end)

  it("says something of each function, each class and each of its fields", function()
    for name, entry in pairs(entries) do
      assert.truthy(entry.comment and entry.comment.text ~= "" or entry.field.text ~= "", name)
    end
    for _, class in ipairs(classes) do
      assert.truthy(class.text ~= "", class.name)
      for _, field in ipairs(class.data) do
        assert.truthy(field.text ~= "", class.name .. "." .. field.name)
      end
    end
  end)

  for _, page in ipairs(REFERENCE) do
    local blocks = examples(page)
    if blocks[1] then
      describe(page, function()
        local printed, result

        lazy_setup(function()
          printed, result = run_examples(blocks)
        end)

        for _, block in ipairs(blocks) do
          if can_run(block) then
            it(("has an example at line %d that prints what it says"):format(block.line), function()
              local text = printed[block.line]
              assert.truthy(text, result.stdout .. result.stderr)
              for _, promise in ipairs(pages.promised(block.code)) do
                local is_there = text:find(promise, 1, true)
                assert.truthy(is_there, ("%q is not in %q"):format(promise, text))
              end
            end)
          end
        end
      end)
    end
  end
end)
