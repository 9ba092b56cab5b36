local answers = require "support.answers"
local census = require "support.census"
local curlew = require "curlew"
local nginx = require "support.nginx"
local seeds = require "support.seeds"
local sessions = require "support.sessions"

local TASKS = 300

describe("under stress #stress", function()
  local function slow_site()
    return answers.new {
      ["/slow"] = function(conn, request)
        conn:respond_chunked()
        conn:chunk("begun ")
        conn:after((tonumber(request.query) or 0) / 1000, function()
          conn:chunk("ended")
          conn:chunk()
        end)
      end,
      ["/away"] = function(conn)
        conn:respond { status = 302, headers = { Location = "/slow?3" } }
      end,
    }
  end

  local function addresses(site, web)
    return {
      site.url .. "/", site.url .. "/slow?1", site.url .. "/slow?20", site.url .. "/away",
      site.url .. "/silent", site.url .. "/half", site.url .. "/reset", site.url .. "/cut",
      web.url .. "/1k", web.https .. "/1k", web.https .. "/drip", web.url .. "/redirect/3",
      "http://127.0.0.1:1/",
    }
  end

  local GOOD = { cancelled = true, closed = true, connect = true, timeout = true }

  -- Spawns the tasks; what is wrong with an ending goes to `wrong`.
  local function spawn_all(random, session, targets, verify, wrong)
    local tasks = {}
    for i = 1, TASKS do
      local address = targets[random(#targets)]
      tasks[i] = curlew.spawn(function()
        local res, err = session:get(address, { verify = verify, timeout = { total = 3 } })
        if res and (res.status ~= 200 or (address:find("/slow") and res.body ~= "begun ended")) then
          wrong[#wrong + 1] = tostring(res)
        elseif err and not GOOD[err.kind] then
          wrong[#wrong + 1] = tostring(err)
        end
      end)
      if random(4) == 1 then
        curlew.yield()
      end
    end
    return tasks
  end

  it("300 tasks cancelled at random moments of their fetch leave nothing behind", function()
    local web = nginx.start()
    curlew.run(function()
      seeds.with_seed(function(random)
        local site = slow_site()
        curlew.sleep(0.001)
        local before = census.take()
        local session = curlew.session { max_per_host = 20 }
        local wrong = {}
        local tasks = spawn_all(random, session, addresses(site, web), web.ca, wrong)
        local order = {}
        for i = 1, TASKS do
          table.insert(order, random(#order + 1), i)
        end
        for _, index in ipairs(order) do
          if random(3) == 1 then
            curlew.sleep((random(3) - 1) / 2000)
          end
          tasks[index]:cancel()
        end
        for _, one in ipairs(tasks) do
          curlew.pcall(one.await, one)
          assert(one:status() == "done" or one:status() == "cancelled", tostring(one))
        end
        assert(#wrong == 0, table.concat(wrong, "\n"))
        assert(session.pool.active == 0 and session.pool.queued == 0, "the pool is not empty")
        assert(next(session.pool.origins) == nil, "the pool remembers an origin")
        assert(session.driver.count == 0 and next(session.driver.live) == nil, "transfers are left")
        for _ = 1, 20 do
          assert(session:get(site.url .. "/").body == "hello")
          assert(session:get(web.https .. "/1k", { verify = web.ca }).status == 200)
        end
        session:close()
        sessions.wait(function()
          return site.open == 0
        end)
        site:check()
        curlew.yield()
        assert.is_nil(census.growth(before))
        site:close()
      end)
    end)
  end)

  it("sessions closed at random moments end all their requests", function()
    local web = nginx.start()
    curlew.run(function()
      seeds.with_seed(function(random)
        local site = slow_site()
        curlew.sleep(0.001)
        local before = census.take()
        GOOD.closed_session = true
        for _ = 1, 10 do
          local session = curlew.session { max_per_host = 4 }
          local wrong, tasks = {}, {}
          local targets = addresses(site, web)
          for i = 1, 40 do
            tasks[i] = curlew.spawn(function()
              local _, err = session:get(targets[random(#targets)], { verify = web.ca })
              if err and not GOOD[err.kind] then
                wrong[#wrong + 1] = tostring(err)
              end
            end)
          end
          for _ = 1, random(12) do
            curlew.sleep((random(4) - 1) / 2000)
          end
          session:close()
          for _, one in ipairs(tasks) do
            local good, err = curlew.pcall(one.await, one)
            assert(good, tostring(err))
          end
          assert(#wrong == 0, table.concat(wrong, "\n"))
          assert(session.pool.active == 0 and session.pool.queued == 0, "the pool is not empty")
          assert(session.driver.count == 0, "transfers are left")
        end
        sessions.wait(function()
          return site.open == 0
        end)
        curlew.yield()
        assert.is_nil(census.growth(before))
        site:close()
      end)
    end)
  end)
end)
