local process = require "support.process"
local server = require "support.server"
local shell = require "support.shell"

local PROGRAM = "examples/upload.lua"

describe(PROGRAM, function()
  local folder, path, site
  local CONTENT = ("0123456789"):rep(300000)

  setup(function()
    folder = shell.scratch()
    path = folder .. "/three megabytes.bin"
    shell.write_file(path, CONTENT)
  end)

  after_each(function()
    if site then
      site:close()
      site:check()
      site = nil
    end
  end)

  local function serve(answer, options)
    site = server.new(function(conn)
      conn:respond(answer)
    end, options)
    return site.url .. "/place"
  end

  local function run(...)
    return process.run { process.lua, PROGRAM, ... }
  end

  it("sends the file, and prints a plain line and the answer into pipes", function()
    local result = run(path, serve { status = 201, body = "stored as \27[2Jx" })
    assert.equal("stored as \\x1b[2Jx\n", result.stdout)
    assert.truthy(result.stderr:find("^done    .*three megabytes.bin: 3.0 MB in %d+%.%d s\n$"))
    assert.equal(0, result.status)
    assert.equal("PUT", site:last().method)
    assert.equal(CONTENT, site:last().body)
    assert.equal(tostring(#CONTENT), site:last().headers["content-length"])
  end)

  it("takes another method", function()
    assert.equal(0, run("-X", "POST", path, serve { body = "" }).status)
    assert.equal("POST", site:last().method)
  end)

  it("says why it has failed, with status 1", function()
    local result = run(path, serve { status = 507, body = "full" })
    assert.truthy(result.stderr:find("^failed  .*three megabytes.bin: status: .*507"))
    assert.equal("", result.stdout)
    assert.equal(1, result.status)
    result = run(folder .. "/none", site.url)
    assert.truthy(result.stderr:find("^failed  .*/none: io: "))
    assert.equal(1, result.status)
  end)

  it("ends with status 2 when it is used wrongly", function()
    assert.equal(2, run(path).status)
    local result = run("-X", "a b", path, "http://127.0.0.1:1/")
    assert.equal(2, result.status)
    assert.truthy(result.stderr:find("^[^\n]*upload.lua: [^\n]*method[^\n]*\n$"))
  end)

  it("shows how far it is, and ends on Ctrl-C with status 130 and the cursor", function()
    local held
    serve({}, {
      on_head = function(conn) -- reads no further, so that the upload stands still
        held = conn
        conn:pause()
        return false
      end,
    })
    local big = folder .. "/big.bin"
    shell.write_file(big, CONTENT:rep(10))
    local pane = process.tmux {
      process.lua, PROGRAM, big, site.url .. "/place", width = 80, height = 10,
    }
    assert(pane:wait_for("^[^\n]*big.bin +%[=*>? +%] +%d+%%", 10))
    assert.is_false(pane:cursor().visible)
    pane:keys "C-c"
    assert.equal(130, pane:status(10))
    assert.is_true(pane:cursor().visible)
    assert.is_nil(pane:capture():find("big.bin", 1, true))
    assert.is_not_nil(held)
    pane:kill()
  end)
end)
