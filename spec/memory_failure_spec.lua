-- A sample of what spec/torture/memory does: memory runs out at some of the allocations of small
-- programs. Which ones, CURLEW_SEED tells; the same ones when it is not set.

local driver = require "torture.memory_driver"

local SEED = tonumber(os.getenv("CURLEW_SEED")) or 0
local STEP = 41 -- a prime: the samples of different programs are of different places

local function way_called(name)
  for _, way in ipairs(driver.WAYS) do
    if way.name == name then
      return way
    end
  end
end

-- Of Lua 5.4 only: the library is built for its headers.
local describe_it = _VERSION == "Lua 5.4" and describe or function() end

describe_it("memory that runs out #confined", function()
  local bench

  setup(function()
    bench = driver.prepare()
  end)

  -- At least one run has to fail, or else nothing was tried.
  local function try(name, programs)
    for i, program in ipairs(programs) do
      local report = driver.run(bench, way_called(name), program, 1 + (SEED + 7 * i) % STEP, STEP)
      assert.same({}, report.wrong)
      assert.is_true(report.tried > 0)
    end
  end

  it("in Lua fails a request, and leaves its session as it was", function()
    try("lua", { "get", "stream", "upload", "sink", "cancel", "callback" })
  end)

  it("in Lua leaves no task or handle of groups, downloads and sessions that close", function()
    try("lua", { "group", "close", "download" })
  end)

  it("in Lua for one moment is made up for by its collector", function()
    try("lua-retried", { "get", "group" })
  end)

  it("in libcurl and the core fails a request, and leaves its session as it was", function()
    try("c", { "get", "https", "stream", "upload", "multipart", "redirect", "close", "download" })
  end)
end)
