--- What busted loads once, before any spec file: `helper = "spec/support/helper.lua"` in `.busted`.
---
--- busted restores `package.loaded` after each spec file. Loaded here, luv stays loaded for the
--- whole run, together with the coroutine whose `lua_State` luv 1.44 keeps. And it crashes if the
--- Lua state ends while a closed handle still waits for its turn of the loop, so the loop gets its
--- turns at the end.

local uv = require "curlew.uv"

local TURNS = 5

require("busted").subscribe({ "exit" }, function()
  for _ = 1, TURNS do
    uv.run("nowait")
  end
  return nil, true
end)
