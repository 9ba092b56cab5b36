--- The program of spinner.lua with an operating-system thread as spinner. Nothing can end a thread
--- from outside: it has to be told, by a message that it waits for itself.
---
---     lua examples/spinner_thread.lua [--seconds N] [MESSAGE]

package.path = (arg[0]:match("^(.*)[/\\]") or ".") .. "/?.lua;" .. package.path

local curlew = require "curlew"
local program = require "spinner.program"
local uv = require "curlew.uv"

-- Runs in the thread, in a Lua of its own: it sees nothing of this file, and is given what it
-- needs. Two handles on a loop of its own make it turn, and listen, at once.
local function spin(message, ear, path)
  package.path = path
  local luv = require "luv"
  local screen = require "spinner.screen"
  local frames = screen.frames(message)
  local timer, poll = luv.new_timer(), luv.new_poll(ear)
  poll:start("r", function()
    if luv.fs_read(ear, 4, -1) == "turn" then
      timer:start(0, 100, function()
        screen.show(frames())
      end)
    else -- "stop"
      timer:close()
      poll:close()
    end
  end)
  luv.run()
  screen.clear()
end

local function slow(seconds)
  curlew.sleep(seconds)
  return 100
end

local function supervise(message, seconds)
  local pipe = uv.pipe()
  local spinner = uv.new_thread(spin, message, pipe.read, package.path)
  print(spinner) -- before it draws anything
  uv.fs_write(pipe.write, "turn")
  local ok, result = curlew.pcall(slow, seconds)
  uv.fs_write(pipe.write, "stop")
  spinner:join()
  uv.fs_close(pipe.read)
  uv.fs_close(pipe.write)
  if not ok then
    error(result, 0)
  end
  return result
end

program.main("spinner_thread.lua", supervise)
