-- What fuzzing has met, once more: needs no clang. See fuzz/README.md.

local curlew = require "curlew"
local server = require "support.server"
local uv = require "curlew.uv"

local FOLDER = "fuzz/corpus/"
local HTTP2, DECODED, CHOICES = 16, 2, 2 -- as in fuzz/answer.c

local function names_in(folder)
  local scan = assert(uv.fs_scandir(folder))
  return function()
    return uv.fs_scandir_next(scan)
  end
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local bytes = file:read("*a")
  file:close()
  return bytes
end

-- Calls `fn` with the bytes of each input of a target.
local function each_input(target, fn)
  local count = 0
  for name in names_in(FOLDER .. target) do
    local ok, problem = curlew.pcall(fn, read(FOLDER .. target .. "/" .. name))
    assert(ok, ("%s/%s: %s"):format(target, name, tostring(problem)))
    count = count + 1
  end
  assert.is_true(count > 0)
end

local function has(choices, bit)
  return choices % (2 * bit) >= bit
end

-- A server that says these bytes to each client, and hangs up.
local function speaker(bytes)
  return server.new(function(conn)
    if not conn.has_spoken then
      conn.has_spoken = true
      conn:send(bytes)
      conn:close()
    end
  end, { raw = true })
end

local function get(site, choices)
  local res, err = curlew.fetch(site.url, {
    http = has(choices, HTTP2) and "2-prior-knowledge" or "1.1",
    decompress = has(choices, DECODED),
    redirect = "manual",
    timeout = 20,
  })
  local text = res and res.reason .. tostring(res.headers):gsub("\n", "") or tostring(err)
  assert.not_matches("[\r\n]", text)
  assert.is_true(res ~= nil or curlew.is_error(err) and err.kind ~= "timeout", text)
end

describe("the fuzzer's inputs do no harm", function()
  for file in names_in("fuzz/targets") do
    local target = file:match("^(.*)%.lua$")
    it("as " .. target, function()
      each_input(target, assert(loadfile("fuzz/targets/" .. file))())
    end)
  end

  it("as the answer of a server", function()
    curlew.run(function()
      each_input("answer", function(bytes)
        local site = speaker(bytes:sub(CHOICES + 1))
        local ok, problem = curlew.pcall(get, site, bytes:byte(1) or 0)
        site:close()
        assert(ok, problem)
        site:check()
      end)
    end)
  end)
end)
