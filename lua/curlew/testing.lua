--- For tests of programs that use tasks: a clock that jumps, and tasks in a shuffled order.

local compat = require "curlew.compat"
local errors = require "curlew.error"
local run = require "curlew.run"
local task = require "curlew.task"
local time = require "curlew.time"
local turn = require "curlew.turn"
local uv = require "curlew.uv"

local M = {}
M.testing = M -- so that it is found as task.testing

local current_seed -- in force, nil for none

-- Parameters of the generator of Park and Miller (1988): the same numbers on every Lua.
local MULTIPLIER, MODULUS = 16807, 2147483647

--- Makes a function that gives whole numbers from 1 to `n`, the same ones for the same seed.
---@param seed integer
---@return fun(n: integer): integer
function M.random(seed)
  local state = seed % (MODULUS - 1) + 1
  return function(n)
    state = state * MULTIPLIER % MODULUS
    return state % n + 1
  end
end

-- A clock that stands still while anything can run, and then jumps to the next deadline: luv's idle
-- handle is called once for each turn of the loop, which has looked for sockets before.
local function jumping_clock()
  local clock, now, deadline = {}, 0, nil
  local idle = uv.new_idle()
  local jump = turn.entry(function()
    if not turn.has_more() then
      idle:stop()
      now = math.max(now, deadline)
      time.ring()
    end
  end)
  function clock.now()
    return now
  end
  function clock.arm(next_deadline)
    deadline = next_deadline
    if deadline < math.huge then
      idle:start(jump)
    end
  end
  function clock.disarm()
    idle:stop()
  end
  function clock.close()
    idle:close()
    uv.run("nowait") -- lets luv finish the closing
  end
  return clock
end

local function shuffler(seed)
  local random = M.random(seed)
  return function(tasks, count)
    for i = count, 2, -1 do
      local j = random(i)
      tasks[i], tasks[j] = tasks[j], tasks[i]
    end
  end
end

--- Shuffles the tasks that are ready at one time from now on, the same way for the same seed: for
--- tests that should not depend on their order.
---@param seed? integer nil: first come, first served again
---@return integer? seed that was in force before
function M.shuffle(seed)
  if seed ~= nil then
    errors.check_type("the seed", seed, "number")
  end
  local before = current_seed
  current_seed = seed
  turn.set_order(seed and shuffler(seed))
  return before
end

--- Waits until all other tasks wait: those that were spawned or woken have gone on as far as they
--- can without the loop.
---@async
function M.wait_all_blocked()
  repeat
    task.yield()
  until turn.is_quiet()
end

--- As `task.run`, on a clock that jumps: once all tasks wait, it is the time for which the first of
--- them waits. So hours pass in no time, and nothing depends on how fast the machine is. What waits
--- for real sockets or files gets one turn of the loop before each jump, no more.
---@param fn function the main function
---@param options? { seed?: integer } shuffles the tasks that are ready at one time; the seed is
--- named when `fn` fails
---@return any ... the results of `fn`
function M.run(fn, options)
  errors.check_callable("the main function", fn)
  local seed = errors.check_options(options, { seed = "number" }).seed
  local clock = jumping_clock()
  local restore_clock = time.set_clock(clock)
  local seed_before = seed and M.shuffle(seed)
  local results = compat.pack(pcall(run.run, fn))
  if seed then
    M.shuffle(seed_before)
  end
  restore_clock()
  clock.close()
  if not results[1] then
    local err = results[2]
    if seed and type(err) == "string" then
      err = ("%s\n(with the seed %d)"):format(err, seed)
    end
    error(err, 0)
  end
  return compat.unpack(results, 2, results.n)
end

return M
