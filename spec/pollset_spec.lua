local core = require "curlew.core"
local core_client = require "support.core_client"
local server = require "support.server"
local uv = require "curlew.uv"

-- The descriptors that an epoll descriptor of this process watches.
local function watched_by(fd)
  local list = {}
  for line in io.lines(("/proc/self/fdinfo/%d"):format(fd)) do
    local target, events = line:match("^tfd:%s+(%d+)%s+events:%s+(%x+)")
    if target then
      list[#list + 1] = { fd = tonumber(target), events = tonumber(events, 16) }
    end
  end
  return list
end

describe("the poll set", function()
  local client, site

  before_each(function()
    client = core_client.new()
    site = server.new(function(conn, request)
      if request.path == "/" then
        conn:respond { body = "x" }
      end
    end)
  end)

  after_each(function()
    client:close()
    site:close()
    site:check()
  end)

  it("is one descriptor, the client's own, that no child inherits", function()
    local fd = client.raw:fd()
    assert.equal(fd, client.raw:fd())
    local link = assert(uv.fs_readlink(("/proc/self/fd/%d"):format(fd)))
    assert.equal("anon_inode:[eventpoll]", link)
    local flags
    for line in io.lines(("/proc/self/fdinfo/%d"):format(fd)) do
      flags = flags or line:match("^flags:%s+(%d+)")
    end
    local close_on_exec = math.floor(tonumber(flags, 8) / tonumber("2000000", 8)) % 2
    assert.equal(1, close_on_exec)
  end)

  it("watches nothing at first", function()
    assert.same({}, watched_by(client.raw:fd()))
  end)

  it("watches the sockets of the transfers that wait", function()
    for _ = 1, 3 do
      client:start { url = site.url .. "/silent" }
    end
    client:turn(function()
      return #site.requests == 3
    end)
    assert.equal(3, #watched_by(client.raw:fd()))
  end)

  it("keeps a socket between the transfers of its connection", function()
    client:get(site.url .. "/")
    local before = watched_by(client.raw:fd())
    assert.equal(1, #before)
    client:get(site.url .. "/")
    assert.same(before, watched_by(client.raw:fd()))
  end)

  it("forgets a socket when it closes", function()
    local id = client:start { url = site.url .. "/silent" }
    client:turn(function()
      return #site.requests == 1
    end)
    client.raw:cancel(id)
    assert.same({}, watched_by(client.raw:fd()))
  end)

  it("forgets a socket that wakes it while nobody wants to know", function()
    client:get(site.url .. "/")
    assert.equal(1, #watched_by(client.raw:fd()))
    for conn in pairs(site.live) do
      conn:close()
    end
    assert.is_true(client:turn(function()
      return #watched_by(client.raw:fd()) == 0
    end))
    local steps = client.steps
    for _ = 1, 5 do
      uv.run("once")
    end
    assert.is_falsy(client.readable)
    assert.is_true(client.steps - steps <= 1)
    assert.equal(200, client:get(site.url .. "/").status)
  end)

  it("takes more events than fit into one batch", function()
    local ids = {}
    for i = 1, 300 do
      ids[i] = client:start { url = site.url .. "/" }
    end
    for _, id in ipairs(ids) do
      assert.equal(200, client:finish(id).status)
    end
  end)

  it("closes with its client", function()
    local other = core.client()
    local fd = other:fd()
    other:close()
    local link = uv.fs_readlink(("/proc/self/fd/%d"):format(fd))
    assert.not_equal("anon_inode:[eventpoll]", link)
  end)
end)
