local json = require "curlew.json"
local process = require "support.process"
local server = require "support.server"
local shell = require "support.shell"

describe("the program", function()
  local site

  after_each(function()
    if site then
      site:close()
      site:check()
      site = nil
    end
  end)

  -- A server that answers by path; anything else is 404.
  local function serve(pages)
    site = server.new(function(conn, request)
      local page = pages[request.path]
      if type(page) == "function" then
        page(conn, request)
      else
        conn:respond(page or { status = 404 })
      end
    end)
    return site.url
  end

  local function run(name, ...)
    return process.run { process.lua, "examples/" .. name .. ".lua", ... }
  end

  -- The assert of plain Lua 5.1, and of 5.2, raises no error objects, but complains of them.
  local raises_objects = _VERSION > "Lua 5.2" or rawget(_G, "jit") ~= nil

  -- Asserts that the program has failed with one line.
  local function failed(result, name, message)
    assert.equal(1, result.status)
    assert.matches(("^%s.lua: %s[^\n]*\n$"):format(name, raises_objects and message or ""),
      result.stderr)
  end

  local function interrupted(name, ...)
    local child = process.start { process.lua, "examples/" .. name .. ".lua", ... }
    assert.is_true(shell.turn(function()
      return site:last()
    end))
    child:kill "sigint"
    return child:wait()
  end

  it("each fits on a page", function()
    for name in shell.read("cd examples && ls *.lua"):gmatch("%S+") do
      local _, lines = shell.read_file("examples/" .. name):gsub("\n", "")
      local most = name == "download.lua" and 150 or name == "command_line.lua" and 100 or 60
      assert.is_true(lines <= most, name)
    end
  end)

  it("each tells how it is used, with status 2 when it is not", function()
    for _, name in ipairs { "api_client", "chat", "echo_beside", "health", "link_checker" } do
      local result = run(name)
      assert.equal(2, result.status)
      assert.matches("^" .. name .. ".lua: [^\n]+\nUsage: " .. name, result.stderr)
      assert.equal(0, run(name, "--help").status)
    end
  end)

  describe("api_client.lua", function()
    it("asks again when the server is busy, and prints what it says", function()
      local asked = 0
      local url = serve {
        ["/repos/lua/lua"] = function(conn, request)
          asked = asked + 1
          assert.equal("application/json", request.headers.accept)
          conn:respond(asked == 1 and { status = 503, headers = { ["Retry-After"] = "0" } } or {
            body = json.encode { full_name = "lua/lua", description = "The \27[31mLua\27[m repo" },
          })
        end,
      }
      local result = run("api_client", url, "lua/lua")
      assert.same({ 0, "" }, { result.status, result.stderr })
      assert.equal("lua/lua: The \\x1b[31mLua\\x1b[m repo\n", result.stdout)
      assert.equal(2, asked)
    end)

    it("says what went wrong in one line", function()
      local url = serve { ["/repos/no/json"] = { body = "<html>" } }
      failed(run("api_client", url, "no/such"), "api_client", "status: the server answered 404 ")
      failed(run("api_client", url, "no/json"), "api_client", "decode: ")
    end)
  end)

  describe("chat.lua", function()
    local function event(text)
      return "data: " .. json.encode { choices = { { delta = { content = text } } } } .. "\n\n"
    end

    it("prints the text as it comes, up to [DONE]", function()
      local url = serve {
        ["/chat"] = function(conn, request)
          local asked = json.decode(request.body)
          assert.same({ "m", true, "why?" },
            { asked.model, asked.stream, asked.messages[1].content })
          conn:respond {
            headers = { ["Content-Type"] = "text/event-stream" },
            body = event "Because\n" .. 'data: {"choices":[{"delta":{}}]}\n\n'
              .. event "\27[2Jit is." .. "data: [DONE]\n\n" .. event "never",
          }
        end,
      }
      local result = run("chat", "-m", "m", url .. "/chat", "why?")
      assert.same({ 0, "" }, { result.status, result.stderr })
      assert.equal("Because\n\\x1b[2Jit is.\n", result.stdout)
    end)

    it("shows each piece before the next has come", function()
      local url = serve {
        ["/chat"] = function(conn)
          conn:send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" .. event "first")
        end,
      }
      local child = process.start { process.lua, "examples/chat.lua", url .. "/chat", "why?" }
      assert.is_true(shell.turn(function()
        return child.stdout == "first"
      end))
      child:kill "sigint"
      child:wait()
      assert.equal(130, child.status)
      assert.equal("chat.lua: interrupted\n", child.stderr)
    end)

    it("fails when the server does", function()
      failed(run("chat", serve {} .. "/chat", "why?"), "chat", "status: the server answered 404")
    end)
  end)

  describe("health.lua", function()
    it("tells of each host, in order, how it is within the deadline", function()
      local url = serve { ["/well"] = { body = "" }, ["/silent"] = function() end }
      local result = run("health", "-d", "0.5", url .. "/well", url .. "/silent", url .. "/sick",
        "http://127.0.0.1:1/")
      assert.equal(1, result.status)
      local lines = {}
      for line in result.stdout:gmatch("[^\n]+") do
        lines[#lines + 1] = line
      end
      assert.equal(4, #lines)
      assert.matches("^ok    http://%S+/well  200 in %d+ ms$", lines[1])
      assert.matches("^SICK  http://%S+/silent  no answer within 0.5 s$", lines[2])
      assert.matches("^SICK  http://%S+/sick  404 in ", lines[3])
      assert.matches("^SICK  http://127.0.0.1:1/  connect: 127.0.0.1:1 refused", lines[4])
    end)

    it("ends with status 0 when all are well", function()
      local url = serve { ["/a"] = { body = "" }, ["/b"] = { body = "" } }
      assert.equal(0, run("health", url .. "/a", url .. "/b").status)
    end)

    it("ends at Ctrl-C", function()
      local url = serve { ["/silent"] = function() end }
      assert.equal(130, interrupted("health", url .. "/silent").status)
    end)
  end)

  describe("echo_beside.lua", function()
    it("hears both servers in one loop", function()
      local result = run("echo_beside", serve { ["/"] = { body = "x" } })
      assert.same({ 0, "" }, { result.status, result.stderr })
      assert.equal("the web says 200\tthe echo says hello\n", result.stdout)
    end)

    it("fails when the web does", function()
      failed(run("echo_beside", "http://127.0.0.1:1/"), "echo_beside", "connect: ")
    end)
  end)

  describe("link_checker.lua", function()
    local function page(...)
      local body = {}
      for _, link in ipairs { ... } do
        body[#body + 1] = ('<p><a class="x" href="%s">link</a>'):format(link)
      end
      return { headers = { ["Content-Type"] = "text/html" }, body = table.concat(body, "\n") }
    end

    it("follows the site, not other sites, and names broken links with their page", function()
      local other = server.new(function(conn)
        conn:respond(page "/deeper")
      end)
      local url = serve {
        ["/"] = page("/a", "b/", "#top", "mailto:x@example.org", other.url .. "/", "/?x=1&amp;y=2"),
        ["/a"] = page("/", "/missing", "/missing#again"),
        ["/b/"] = page("c", "http://127.0.0.1:1/"),
        ["/b/c"] = { body = '<a href="/no-html">' },
      }
      local result = run("link_checker", "-j", "2", url)
      assert.equal(1, #other.requests)
      other:close()
      assert.same({ 1, "" }, { result.status, result.stderr })
      assert.matches("^8 links, 2 broken\n", result.stdout)
      assert.matches(("\n%s/missing\n  on %s/a: status: the server answered 404"):format(url, url),
        result.stdout, 1, true)
      assert.matches(("http://127.0.0.1:1/\n  on %s/b/: connect: "):format(url), result.stdout, 1,
        true)
      local asked = {}
      for _, request in ipairs(site.requests) do
        asked[request.target] = (asked[request.target] or 0) + 1
      end
      assert.same({ ["/"] = 1, ["/a"] = 1, ["/b/"] = 1, ["/b/c"] = 1, ["/missing"] = 1,
        ["/?x=1&y=2"] = 1 }, asked)
    end)

    it("ends with status 0 when none is broken", function()
      assert.equal(0, run("link_checker", serve { ["/"] = page "/" }).status)
    end)

    it("ends at Ctrl-C", function()
      local url = serve { ["/"] = function() end }
      assert.equal(130, interrupted("link_checker", url).status)
    end)
  end)
end)
