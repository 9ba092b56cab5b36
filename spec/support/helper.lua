--- What busted loads once, before any spec file: `helper = "spec/support/helper.lua"` in `.busted`.
---
--- busted restores `package.loaded` after each spec file. Loaded here, luv stays loaded for the
--- whole run, together with the coroutine whose `lua_State` luv 1.44 keeps. And it crashes if the
--- Lua state ends while a closed handle still waits for its turn of the loop, so the loop gets its
--- turns at the end.

local uv = require "curlew.uv"

local TURNS = 5

-- With CURLEW_SEED in the environment, tasks that are ready at one time run in an order shuffled by
-- it, which is told when a test fails. Tests tagged #order are about that order, and are let be.
local seed = tonumber(os.getenv("CURLEW_SEED"))
local busted = require "busted"

if seed then
  busted.subscribe({ "test", "start" }, function(element)
    local testing = require "curlew.testing"
    testing.shuffle(not element.name:find("#order", 1, true) and seed or nil)
    return nil, true
  end)
  for _, event in ipairs { "failure", "error" } do
    busted.subscribe({ event, "test" }, function()
      io.stderr:write(("(tasks were shuffled: CURLEW_SEED=%d)\n"):format(seed))
      return nil, true
    end)
  end
end

-- With CURLEW_COLLECT=N in the environment, a full collection follows the first N waits of each
-- test: what is needed afterwards has to be held by somebody. The modules take `resume` when they
-- are loaded, which is later.
local collections = tonumber(os.getenv("CURLEW_COLLECT"))

if collections then
  local resume, left = coroutine.resume, 0
  local function collect(...)
    if left > 0 then
      left = left - 1
      collectgarbage()
    end
    return ...
  end
  rawset(coroutine, "resume", function(...)
    return collect(resume(...))
  end)
  busted.subscribe({ "test", "start" }, function()
    left = collections
    return nil, true
  end)
end

-- Handles that are left in the loop are closed, and what they held is collected, while Lua is all
-- there: at the end of its state, luv 1.44 now and then leaves them in memory.
busted.subscribe({ "exit" }, function()
  uv.walk(function(handle)
    if not handle:is_closing() then
      handle:close()
    end
  end)
  for _ = 1, TURNS do
    uv.run("nowait")
    collectgarbage()
  end
  return nil, true
end)
