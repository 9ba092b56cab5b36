local core = require "curlew.core"
local core_client = require "support.core_client"
local process = require "support.process"
local server = require "support.server"
local shell = require "support.shell"

describe("a transfer", function()
  local client, site

  before_each(function()
    client = core_client.new()
    site = server.new(function(conn, request)
      if request.path == "/teapot" then
        conn:respond { status = 418, headers = { ["X-Tea"] = "yes" }, body = ("t"):rep(100000) }
      elseif request.path == "/cut" then
        conn:send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        conn:close()
      elseif request.path == "/cookie" then
        conn:respond { headers = { ["Set-Cookie"] = "sid=secret; Max-Age=1000" }, body = "" }
      elseif request.path == "/reset" then
        conn:reset()
      else
        conn:respond { body = "plain" }
      end
    end)
  end)

  after_each(function()
    client:close()
    site:close()
    site:check()
  end)

  it("keeps nothing of the options of the one before, though its handle is used again", function()
    client:get(site.url .. "/teapot", {
      body = "text",
      CUSTOMREQUEST = "PATCH",
      HTTPHEADER = { "X-Token: secret", "Accept: nothing" },
      USERAGENT = "before/1",
      REFERER = "http://before/",
      COOKIE = "a=b",
      USERNAME = "user",
      PASSWORD = "password",
      ACCEPT_ENCODING = "",
      RANGE = "0-5",
      POST = true,
    })
    assert.equal("PATCH", site:last().method)
    assert.equal("secret", site:last().headers["x-token"])
    client:get(site.url .. "/")
    assert.equal("GET / HTTP/1.1\r\nHost: 127.0.0.1:" .. ("%d"):format(site.port)
      .. "\r\nAccept: */*\r\n\r\n", site:last().raw)
  end)

  it("keeps nothing of the outcome of the one before", function()
    local teapot = client:get(site.url .. "/teapot")
    assert.equal(418, teapot.status)
    assert.equal(100000, #teapot.body)
    local outcome = client:get(site.url .. "/")
    assert.equal(200, outcome.status)
    assert.equal("plain", outcome.body)
    assert.is_nil(outcome.head:find("X-Tea", 1, true))
    assert.is_nil(outcome.verdict)
    assert.equal(0, outcome.connects)
  end)

  it("keeps nothing of the failure of the one before #valgrind", function()
    for _, given in ipairs {
      { path = "/cut" }, { path = "/reset" }, { path = "/teapot", max_body = 10 },
    } do
      local outcome = client:get(site.url .. given.path, { max_body = given.max_body })
      assert.not_equal(0, outcome.result)
      outcome = client:get(site.url .. "/")
      assert.equal(0, outcome.result)
      assert.equal("plain", outcome.body)
      assert.is_nil(outcome.verdict)
    end
  end)

  it("keeps nothing of the system's error of the one before", function()
    assert.not_equal(0, client:get(site.url .. "/reset").result)
    local outcome = client:get(site.url .. "/")
    assert.equal(0, outcome.result)
    assert.is_nil(outcome.os_error)
  end)

  it("works after one whose name had no address", function()
    for _ = 1, 3 do
      assert.equal(6, client:get("http://nosuch.invalid/").result)
      assert.equal(200, client:get(site.url .. "/").status)
    end
  end)

  it("works after one whose name had no address, with the same options", function()
    for _ = 1, 3 do
      local outcome = client:get("http://nosuch.invalid/", { BUFFERSIZE = 65536 })
      assert.equal(6, outcome.result)
      assert.equal(200, client:get(site.url .. "/", { BUFFERSIZE = 65536 }).status)
    end
  end)

  it("keeps no list of addresses of one that libcurl refused, or that never began", function()
    local list = { "bad:80:nonsense-instead-of-an-address", "b:80:127.0.0.1" }
    for _ = 1, 3 do
      assert.not_equal(0, client:get(site.url .. "/", { RESOLVE = list }).result)
      assert.equal(200, client:get(site.url .. "/").status)
      client.raw:cancel(client:start { url = site.url .. "/", RESOLVE = { "b:80:127.0.0.1" } })
      assert.equal(200, client:get(site.url .. "/").status)
    end
  end)

  it("sends no cookie that another was given, and writes its own to their file", function()
    local path = os.tmpname()
    local outcome = client:get(site.url .. "/cookie", { COOKIEFILE = "", COOKIEJAR = path })
    assert.equal(200, outcome.status)
    for _ = 1, 3 do
      client:get(site.url .. "/")
      assert.is_nil(site:last().headers.cookie)
    end
    assert.truthy(shell.read_file(path):find("sid\tsecret", 1, true))
    os.remove(path)
  end)

  it("does not read standard input for a body that it was not given", function()
    local outcome = client:get(site.url .. "/", { UPLOAD = true })
    assert.equal(42, outcome.result)
    assert.equal(200, client:get(site.url .. "/").status)
  end)

  it("ends by the timeout that libcurl was given", function()
    local silent = server.new(function() end)
    local outcome = client:get(silent.url, { TIMEOUT_MS = 30 })
    assert.equal(28, outcome.result)
    assert.is_nil(outcome.verdict)
    assert.is_true(core.figures(outcome.figures).ready > 0)
    silent:close()
  end)

  it("reports libcurl's result, and its own words for it", function()
    local outcome = client:get(site.url .. "/cut")
    assert.equal(18, outcome.result)
    assert.truthy(outcome.error:find("bytes remaining"))
    assert.equal(1, client:get("gopherx://127.0.0.1/").result)
    assert.equal(3, client:get("http://[::1/").result)
  end)

  it("opens sockets that programs started meanwhile do not inherit", function()
    client:get(site.url .. "/")
    local connections, inherited = {}, {}
    for line in io.lines("/proc/self/net/tcp") do
      connections[line:match("^" .. ("%s*%S+"):rep(9) .. "%s+(%d+)") or ""] = true
    end
    for inode in process.run({ "ls", "-l", "/proc/self/fd" }).stdout:gmatch("socket:%[(%d+)%]") do
      inherited[#inherited + 1] = connections[inode] and inode
    end
    assert.is_not_nil(next(connections, next(connections)))
    assert.same({}, inherited)
  end)

  it("sends a dead keep-alive connection's request again on a new one", function()
    local once = server.new(function(conn)
      conn:respond { body = tostring(conn.number) }
      conn:after(0.005, function()
        conn:close()
      end)
    end)
    assert.equal("1", client:get(once.url).body)
    once:wait(function()
      return once.open == 0
    end)
    local outcome = client:get(once.url)
    assert.equal("2", outcome.body)
    assert.equal(1, outcome.connects)
    once:close()
  end)
end)
