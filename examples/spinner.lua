--- A spinner turns while a slow function runs. It is a coroutine in a task: once it has done its
--- duty it is cancelled, and the cancellation is raised at the wait where it stands. To compare:
--- spinner_thread.lua.
---
---     lua examples/spinner.lua [--seconds N] [--group] [MESSAGE]

package.path = (arg[0]:match("^(.*)[/\\]") or ".") .. "/?.lua;" .. package.path

local curlew = require "curlew"
local group = require "spinner.group"
local program = require "spinner.program"
local screen = require "spinner.screen"

local function spin(message)
  local ok, err = curlew.pcall(function()
    for frame in screen.frames(message) do
      screen.show(frame)
      curlew.sleep(0.1) -- the other tasks run meanwhile; a cancellation is raised here
    end
  end)
  screen.clear()
  if not ok then
    error(err, 0) -- a cancellation that was caught has to be passed on
  end
end

local function slow(seconds)
  curlew.sleep(seconds)
  return 100
end

local function supervise(message, seconds)
  return curlew.group(function(tasks)
    local spinner = tasks:spawn(spin, message)
    spinner:name("spin")
    print(spinner)
    local result = slow(seconds)
    spinner:cancel()
    return result
  end)
end

program.main("spinner.lua", supervise, group.supervise)
