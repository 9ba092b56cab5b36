local core = require "curlew.core"
local core_client = require "support.core_client"
local curlew = require "curlew"
local options = require "curlew.options"
local request = require "curlew.request"
local server = require "support.server"
local sessions = require "support.sessions"
local setup = require "curlew.setup"

local ok = sessions.ok

-- What is told libcurl is the subject of request_spec.lua; here, when it is told.
describe("a setup", function()
  local defaults, kept

  before_each(function()
    defaults, kept = options.for_session(), {}
  end)

  local function of(address, method, given)
    return setup.of(assert(request.new(defaults, method, address, given, kept)))
  end

  it("is one table for the requests of a session that say nothing but their URL", function()
    local first = of "http://a/"
    assert.equal(first, of "http://b/other?x=1")
    assert.equal(first, of("http://a/", "GET"))
    assert.equal(first, of("http://a/", "get"))
    assert.is_number(first.number)
  end)

  it("is another for another method, another scheme and another session", function()
    local first = of "http://a/"
    local others = { of("http://a/", "HEAD"), of "https://a/", of("http://a/", "PURGE") }
    kept = {}
    others[#others + 1] = of "http://a/"
    for _, other in ipairs(others) do
      assert.not_equal(first, other)
      assert.not_equal(first.number, other.number)
    end
  end)

  it("has no number where it serves one request", function()
    assert.is_nil(of("http://a/", nil, { headers = { A = "b" } }).number)
    assert.is_nil(of("http://u:p@a/").number)
    assert.equal("p", of("http://u:p@a/").options.PASSWORD)
    assert.is_nil(of("http://a/").options.PASSWORD)
  end)

  it("has no number where an authentication takes several steps", function()
    defaults = options.for_session { auth = { user = "u", password = "p", type = "digest" } }
    assert.is_nil(of("http://a/").number)
    assert.equal(of "http://a/", of "http://a/")
  end)
end)

describe("a handle", function()
  local client, site

  before_each(function()
    client = core_client.new()
    site = server.new(function(conn, wanted)
      conn:respond { body = table.concat({ wanted.headers["x-a"] or "none", wanted.body }, " ") }
    end)
  end)

  after_each(function()
    client:close()
    site:close()
  end)

  local function body(number, line, given)
    local all = { number = number, guarded = true, HTTPHEADER = line and { line } }
    for name, value in pairs(given or {}) do
      all[name] = value
    end
    return client:get(site.url, all).body
  end

  it("that was told of a setup is not told again", function()
    assert.equal("one ", body(7, "X-A: one"))
    assert.equal("one ", body(7, "X-A: two"))
  end)

  it("forgets one setup for another, or for none #valgrind", function()
    for _ = 1, 3 do
      assert.equal("one ", body(7, "X-A: one"))
      assert.equal("two ", body(8, "X-A: two"))
      assert.equal("none ", body(nil, nil))
      assert.equal("none ", body(9, nil))
    end
  end)

  it("takes nothing of a body, a failure or a cancel to the next request #valgrind", function()
    assert.equal("one text", body(7, "X-A: one", { body = "text" }))
    assert.equal("one ", body(7, "X-A: one"))
    assert.equal("none ", body(7, nil, { number = 6 }))
    local refused = client:get("http://127.0.0.1:1/", {
      number = 7,
      guarded = true,
      HTTPHEADER = { "X-A: one" },
    })
    assert.equal(7, refused.result)
    assert.equal("one ", body(7, "X-A: one"))
    local id = client:start {
      url = site.url,
      number = 7,
      guarded = true,
      HTTPHEADER = { "X-A: one" },
    }
    client.raw:cancel(id)
    assert.equal("one ", body(7, "X-A: one"))
  end)

  it("counts its own bytes and connections only", function()
    for i = 1, 3 do
      local outcome = client:get(site.url, { number = 7, guarded = true })
      assert.equal(i == 1 and 1 or 0, outcome.connects)
      assert.equal(5, core.figures(outcome.figures).received)
    end
    local received, sent = client.raw:moved()
    assert.equal(15, received)
    assert.equal(0, sent)
  end)
end)

describe("very many requests to one host at once", function()
  local site, session

  local run = sessions.runner(function(...)
    site, session = ...
  end)

  it("have the connections of those before, on all multi handles", function()
    run(function()
      for _ = 1, 3 do
        local group = {}
        for i = 1, 600 do
          group[i] = function()
            return ok(session:get(site.url .. "/hold?" .. i)).body
          end
        end
        local asking = curlew.spawn(curlew.gather, group)
        sessions.wait(function()
          return #site.held == 600
        end)
        site.answer_all()
        local bodies = asking:await()
        assert.equal(600, bodies.n)
        for i = 1, 600 do
          assert.equal(tostring(i), bodies[i])
        end
        assert.equal(600, site.connections)
        assert.equal(600, session:stats().open)
      end
    end, { max_per_host = 1000, max_connections = 1000 })
  end)

  it("look its name up once", function()
    local found = 0
    run(function()
      local address = site.url:gsub("127%.0%.0%.1", "localhost")
      local group = {}
      for i = 1, 600 do
        group[i] = function()
          return ok(session:get(address .. "/hold?" .. i))
        end
      end
      local asking = curlew.spawn(curlew.gather, group)
      sessions.wait(function()
        return #site.held == 600
      end)
      site.answer_all()
      asking:await()
      assert.equal(600, site.connections)
      assert.equal(599, found)
    end, {
      max_per_host = 1000,
      max_connections = 1000,
      verbose = function(line)
        found = found + (line:find("found in DNS cache", 1, true) and 1 or 0)
      end,
    })
  end)
end)
