-- Tasks are cancelled at random moments of requests to servers that misbehave, among good ones.
-- 500 of them; 10,000 with CURLEW_TORTURE in the environment. CURLEW_SEED sets the seed.

local census = require "support.census"
local collect = require "support.collect"
local curlew = require "curlew"
local encounter = require "support.encounter"
local misbehaviour = require "support.misbehaviour"
local seeds = require "support.seeds"

local IS_LONG = os.getenv("CURLEW_TORTURE") ~= nil
local TASKS = 100 -- of a round
local SITES = 25
local ROUNDS = (IS_LONG and 10000 or 500) / TASKS
local LIMIT = 0.25 -- seconds, for those that nobody cancels

-- What may stay after the second half of the rounds, more than after the first. Lua keeps
-- coroutines for reuse and tables that have grown; malloc counts what it keeps for its threads.
local LUA_GROWTH = 512 -- KiB
local C_GROWTH = IS_LONG and 64 or 1024 -- KiB

-- Themes whose cases need no other program.
local THEMES = {
  "framing", "heads", "silence", "redirects", "encodings", "uploads", "reuse", "proxies", "http2",
}

-- KiB that malloc has given out: LuaJIT can ask it, and does not use it itself. Elsewhere the leak
-- sanitizer has to look.
local function c_memory()
  local has_ffi, ffi = pcall(require, "ffi")
  if not has_ffi then
    return 0
  end
  pcall(ffi.cdef, [[
    struct mallinfo2 {
      size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
    };
    struct mallinfo2 mallinfo2(void);
  ]])
  local info = ffi.C.mallinfo2()
  return tonumber(info.uordblks + info.hblkhd) / 1024
end

local function all_cases()
  local all = {}
  for _, theme in ipairs(THEMES) do
    for _, case in ipairs(misbehaviour.cases(theme)) do
      if not (case.unmet or case.alone) then
        all[#all + 1] = case
      end
    end
  end
  return all
end

-- Ways to take a response.
local WAYS = {
  function() end,
  function(given)
    given.stream = true
  end,
  function(given)
    given.sink = function() end
  end,
}

local function is_always_good(case)
  return not (case.connect or case.bytes or case.root or case.falls_back)
end

-- A request, good or bad, taken in some way. What is wrong with its ending goes to `wrong`.
local function request_of(random, session, case, site, wrong)
  local is_good = random(3) == 1 and is_always_good(case)
  local given = {}
  for name, value in pairs(is_good and { http = site.given.http } or site.given) do
    given[name] = value
  end
  given.timeout = { total = LIMIT, idle = LIMIT, connect = LIMIT }
  WAYS[is_good and 1 or random(#WAYS)](given)
  local address = is_good and site.url .. "/" or site.address
  return function()
    local res, err = session:request(not is_good and case.method or nil, address, given)
    if res and given.stream and random(2) == 1 then
      res:read(random(100))
    end
    if is_good and res and res.body ~= "hello" or not res and not curlew.is_error(err)
      or is_good and err and err.kind ~= "timeout"
    then
      wrong[#wrong + 1] = ("%s: %s"):format(case[1], tostring(res or err))
    end
  end
end

-- Spawns tasks, and for most of them one that cancels at a random moment: before the start, at one
-- of the first waits, or some milliseconds later.
local function spawn_all(random, session, cases, sites, wrong)
  local tasks, cancellers = {}, {}
  for i = 1, TASKS do
    local which = random(#sites)
    tasks[i] = curlew.spawn(request_of(random, session, cases[which], sites[which], wrong))
    local turns, delay = random(20) - 1, (random(16) - 1) / 2000
    local way = random(5)
    cancellers[i] = way > 1 and curlew.spawn(function()
      if way > 3 then
        curlew.sleep(delay)
      else
        for _ = 1, turns do
          curlew.yield()
        end
      end
      tasks[i]:cancel()
    end) or nil
    if random(8) == 1 then
      curlew.sleep(random(3) / 2000)
    end
  end
  return tasks, cancellers
end

local function round(random, all)
  local before = encounter.census()
  local session = curlew.session { max_connections = 50 }
  local cases, sites, wrong = {}, {}, {}
  for i = 1, SITES do
    cases[i] = all[random(#all)]
    sites[i] = misbehaviour.start(cases[i])
  end
  local tasks, cancellers = spawn_all(random, session, cases, sites, wrong)
  local ends = { done = 0, cancelled = 0 }
  for i = 1, TASKS do
    curlew.pcall(tasks[i].await, tasks[i])
    local status = tasks[i]:status()
    assert(ends[status], tostring(tasks[i]))
    ends[status] = ends[status] + 1
    if cancellers[i] then
      cancellers[i]:await()
    end
  end
  assert(#wrong == 0, table.concat(wrong, "\n"))
  encounter.check_empty(session)
  for i, site in ipairs(sites) do
    site.misbehaves = false
    if not cases[i].root then
      encounter.get_good(session, site)
    end
  end
  session:close()
  for _, site in ipairs(sites) do
    site:close()
    site:check()
  end
  census.wait(before)
  return ends
end

local function lua_memory()
  collect()
  return collectgarbage("count")
end

-- Goes through all rounds. Returns how many tasks have ended in which way, and by how many KiB the
-- memory of Lua and of C has grown in the second half: the least of it, as garbage may wait.
local function all_rounds(random)
  local all, sums = all_cases(), { cancelled = 0, done = 0 }
  local half, before, least = math.ceil(ROUNDS / 2), nil, { math.huge, math.huge }
  for number = 1, ROUNDS do
    for status, count in pairs(round(random, all)) do
      sums[status] = sums[status] + count
    end
    local now = { lua_memory(), c_memory() }
    if number == half then
      before = now
    elseif before then
      least = { math.min(least[1], now[1] - before[1]), math.min(least[2], now[2] - before[2]) }
    end
  end
  return sums, least[1], least[2]
end

describe("a session under torture #stress", function()
  it(("survives %d tasks cancelled at random moments"):format(ROUNDS * TASKS), function()
    curlew.run(function()
      seeds.with_seed(function(random, seed)
        local sums, in_lua, in_c = all_rounds(random)
        if IS_LONG then
          io.stderr:write(("seed %d: %d cancelled, %d ended before; %+.0f KiB of Lua, %+.0f of C\n")
            :format(seed, sums.cancelled, sums.done, in_lua, in_c))
        end
        assert(sums.cancelled > 0 and sums.done > 0)
        assert(in_lua < LUA_GROWTH, ("%.0f KiB of Lua stay"):format(in_lua))
        assert(in_c < C_GROWTH, ("%.0f KiB of C stay"):format(in_c))
      end)
    end)
  end)
end)
