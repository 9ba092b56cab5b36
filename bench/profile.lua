--- Profiles bare C and curlew by callgrind: see bench/profile.

package.path = package.path .. ";./lua/?.lua;./lua/?/init.lua;./spec/?.lua;./bench/?.lua"

local instructions = require "instructions"
local programs = require "programs"
local servers = require "servers"
local shell = require "support.shell"

local SHOWN, WIDTH = 25, 110 -- functions, columns
local DEFAULT = { "get", nil, "3000", "64" }

-- Prints how much each library has, and the functions with the most.
local function summarise(text)
  local libraries, names, shown = {}, {}, 0
  for line in text:gmatch "[^\n]+" do
    local count, library = line:match "^ *([%d,]+) %(.*%[.-([^/%]]+)%] *$"
    if count then
      if not libraries[library] then
        names[#names + 1], libraries[library] = library, 0
      end
      libraries[library] = libraries[library] + tonumber((count:gsub(",", "")))
    end
    if shown <= SHOWN and line:find "^ *[%d,]+ +%([ %d.]+%%%)" then
      print((line:gsub("/[^ ]*/", ""):sub(1, WIDTH)))
      shown = shown + 1
    end
  end
  table.sort(names, function(a, b)
    return libraries[a] > libraries[b]
  end)
  print "by library:"
  for _, name in ipairs(names) do
    print(("%13.1f million  %s"):format(libraries[name] / 1e6, name))
  end
  print()
end

local function annotate(name, file)
  local text = shell.read(("callgrind_annotate %s 2>&1"):format(file))
  local path = ("build/bench/profile.%s.txt"):format(name)
  shell.write_file(path, text .. "\n")
  print(("%s: all of it is in %s"):format(name, path))
  summarise(text)
end

local words = arg[2] and arg or DEFAULT
words[2] = words[2] or servers.start().http .. "/1k"
for i, name in ipairs { "bare", "curlew" } do
  local file = ("build/bench/callgrind.%s"):format(name)
  instructions.count(programs[i], words, file)
  annotate(name, file)
end
