-- What fuzzing has met, once more: needs no clang. See fuzz/README.md.

local uv = require "curlew.uv"

local FOLDER = "fuzz/corpus/"

local function read(path)
  local file = assert(io.open(path, "rb"))
  local bytes = file:read("*a")
  file:close()
  return bytes
end

local function names_in(folder)
  local scan = assert(uv.fs_scandir(folder))
  return function()
    return uv.fs_scandir_next(scan)
  end
end

describe("the fuzzer's inputs do no harm to", function()
  for file in names_in("fuzz/targets") do
    local target = file:match("^(.*)%.lua$")
    it(target, function()
      local check, count = assert(loadfile("fuzz/targets/" .. file))(), 0
      for name in names_in(FOLDER .. target) do
        local ok, problem = pcall(check, read(FOLDER .. target .. "/" .. name))
        assert(ok, ("%s/%s: %s"):format(target, name, tostring(problem)))
        count = count + 1
      end
      assert.is_true(count > 0)
    end)
  end
end)
