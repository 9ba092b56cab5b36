local curlew = require "curlew"
local partial = require "curlew.partial"
local process = require "support.process"
local sessions = require "support.sessions"
local shell = require "support.shell"
local uv = require "curlew.uv"

local ok = sessions.ok

local URL = "https://example.org/a"

describe("the part of a file", function()
  local folder, path, descriptors

  setup(function()
    process.run { "true" } -- luv keeps a descriptor for the ends of children
  end)

  before_each(function()
    folder = shell.scratch()
    path = folder .. "/file"
    descriptors = process.descriptors()
  end)

  after_each(function()
    assert.equal(descriptors, process.descriptors())
  end)

  local function names()
    return shell.names(folder)
  end

  local function known_of(address, more)
    local known = { etag = '"x"', size = 6 }
    known.id, known.url = partial.identity(address)
    for name, value in pairs(more or {}) do
      known[name] = value
    end
    return known
  end

  -- Leaves a part as a download does that is killed.
  local function leave(bytes, known)
    local part = ok(partial.open(path))
    ok(part:begin(known or known_of(URL)))
    ok(part:append(bytes))
    part:close()
  end

  it("is found again with what is known of it, and becomes the file", function()
    curlew.run(function()
      leave("abc")
      assert.same({ "file.part", "file.part.json" }, names())
      local part = ok(partial.open(path))
      assert.equal(3, part.size)
      assert.same(known_of(URL), part.known)
      assert.is_true(part:is_of(URL .. "#x"))
      assert.is_false(part:is_of_other(URL))
      assert.is_false(part:is_of(URL .. "?"))
      assert.is_true(part:is_of_other(URL .. "?"))
      assert.equal("abc", part:read())
      assert.is_nil(part:read())
      ok(part:append("def"))
      assert.is_true((part:place(path, false)))
      part:close()
      assert.same({ "file" }, names())
      assert.equal("abcdef", shell.read_file(path))
    end)
  end)

  it("tells no secret of the URL", function()
    curlew.run(function()
      leave("abc", known_of("https://example.org/a?key=hidden#there"))
      local text = shell.read_file(path .. ".part.json")
      assert.is_nil(text:find("hidden", 1, true))
      assert.is_nil(text:find("there", 1, true))
      assert.truthy(text:find('"url": "https://example.org/a"', 1, true))
    end)
  end)

  it("is another's while it is open, here or in another process", function()
    curlew.run(function()
      local part = ok(partial.open(path))
      local other, problem, is_taken = partial.open(path)
      assert.same({ nil, "another download writes it", true }, { other, problem, is_taken })
      part:close()
      part = ok(partial.open(path))
      part:close()
    end)
    local child = process.start { "flock", path .. ".part", "sh", "-c", "echo held; exec sleep 60" }
    shell.turn(function()
      return child.stdout == "held\n"
    end)
    curlew.run(function()
      local _, _, is_taken = partial.open(path)
      assert.is_true(is_taken)
    end)
    child:kill("sigkill", true)
    child:wait()
    curlew.run(function()
      ok(partial.open(path)):close()
    end)
  end)

  it("goes when nothing is in it, or when it is dropped", function()
    curlew.run(function()
      ok(partial.open(path)):close()
      assert.same({}, names())
      local part = ok(partial.open(path))
      ok(part:begin(known_of(URL)))
      part:close()
      assert.same({}, names())
      leave("abc")
      ok(partial.open(path)):close(true)
      assert.same({}, names())
    end)
  end)

  it("is looked for again when it was moved while it was opened", function()
    curlew.run(function()
      leave("abc")
      local opening, count = uv.fs_open, 0
      uv.fs_open = function(name, flags, mode, done)
        return opening(name, flags, mode, function(...)
          count = count + 1
          if count == 1 then
            assert(os.rename(path .. ".part", path))
            shell.write_file(path .. ".part", "other")
          end
          done(...)
        end)
      end
      local part = partial.open(path)
      uv.fs_open = opening
      assert.equal(5, part.size)
      ok(part:append("!"))
      part:close()
      assert.equal("abc", shell.read_file(path))
      assert.equal("other!", shell.read_file(path .. ".part"))
    end)
  end)

  it("may be empty and yet become the file", function()
    curlew.run(function()
      local part = ok(partial.open(path))
      ok(part:begin(known_of(URL)))
      part:close(not part:place(path, false))
      assert.same({ "file" }, names())
    end)
  end)

  it("does not believe a record that is another's, broken or absent", function()
    curlew.run(function()
      for _, text in ipairs {
        "", "{", "{}", "[]", '{\n  "size": "6"\n}\n', '{\n  "etag": 5\n}\n',
        '{\n  "etag": "\\u000d\\u000aX: y"\n}\n', '{\n  "more": "x"\n}\n',
      } do
        leave("abc")
        shell.write_file(path .. ".part.json", text)
        local part = ok(partial.open(path))
        assert.is_nil(part.known, text)
        assert.equal(3, part.size)
        part:close(true)
      end
      leave("abc")
      assert(os.remove(path .. ".part.json"))
      local part = ok(partial.open(path))
      assert.is_nil(part.known)
      part:close(true)
    end)
  end)

  it("has no record while it is empty, whatever lies there", function()
    curlew.run(function()
      leave("abc")
      shell.write_file(path .. ".part", "")
      local part = ok(partial.open(path))
      assert.is_nil(part.known)
      part:close()
      assert.same({}, names())
    end)
  end)

  it("follows no link", function()
    curlew.run(function()
      local victim = folder .. "/victim"
      shell.write_file(victim, "dear")
      assert(uv.fs_symlink(victim, path .. ".part"))
      local part, problem = partial.open(path)
      assert.is_nil(part)
      assert.equal(path .. ".part is a symbolic link", problem)
      assert(os.remove(path .. ".part"))
      leave("abc")
      assert(os.remove(path .. ".part.json"))
      assert(uv.fs_symlink(victim, path .. ".part.json"))
      assert(uv.fs_symlink(victim, path .. ".part.new"))
      part = ok(partial.open(path))
      assert.is_nil(part.known)
      ok(part:begin(known_of(URL)))
      ok(part:append("abc"))
      part:close()
      assert.equal("dear", shell.read_file(victim))
      assert.same({ "file.part", "file.part.json", "victim" }, names())
      assert.equal("file", uv.fs_lstat(path .. ".part.json").type)
    end)
  end)

  it("leaves a file alone that has another name, too", function()
    curlew.run(function()
      local victim = folder .. "/victim"
      shell.write_file(victim, "dear")
      assert(uv.fs_link(victim, path .. ".part"))
      local part = ok(partial.open(path))
      assert.equal(0, part.size)
      ok(part:append("abc"))
      part:close()
      assert.equal("dear", shell.read_file(victim))
      assert.equal("abc", shell.read_file(path .. ".part"))
    end)
  end)

  it("is a regular file, or there is none", function()
    curlew.run(function()
      assert(shell.run("mkfifo " .. shell.quote(path .. ".part")))
      local part, problem = partial.open(path)
      assert.is_nil(part)
      assert.equal(path .. ".part: it is no regular file but a fifo", problem)
      part, problem = partial.open(folder .. "/none/file")
      assert.is_nil(part)
      assert.matches("^ENOENT", problem)
    end)
  end)

  it("takes the place of no file, unless that is wanted", function()
    curlew.run(function()
      shell.write_file(path, "old")
      leave("new")
      local part = ok(partial.open(path))
      local placed, _, exists = part:place(path, false)
      assert.same({ nil, true }, { placed, exists })
      part:close()
      assert.equal("old", shell.read_file(path))
      assert.same({ "file", "file.part", "file.part.json" }, names())
      part = ok(partial.open(path))
      part.is_synced = true
      assert.truthy((part:place(path, true)))
      part:close()
      assert.equal("new", shell.read_file(path))
      assert.same({ "file" }, names())
    end)
  end)

  it("replaces a link rather than what it leads to", function()
    curlew.run(function()
      local victim = folder .. "/victim"
      shell.write_file(victim, "dear")
      assert(uv.fs_symlink(victim, path))
      leave("new")
      local part = ok(partial.open(path))
      assert.is_nil((part:place(path, false)))
      assert.truthy((part:place(path, true)))
      part:close()
      assert.equal("dear", shell.read_file(victim))
      assert.equal("file", uv.fs_lstat(path).type)
    end)
  end)

  it("is moved where there are no links", function()
    curlew.run(function()
      local link = uv.fs_link
      leave("new")
      local part = ok(partial.open(path))
      uv.fs_link = function(_, _, done)
        done("EPERM: operation not permitted")
        return true
      end
      local placed = part:place(path, false)
      local again, _, exists = part:place(path, false)
      uv.fs_link = link
      part:close()
      assert.is_true(placed)
      assert.same({ nil, true }, { again, exists })
      assert.same({ "file" }, names())
    end)
  end)

  it("waits for a write that has begun, also when it is cancelled", function()
    curlew.run(function()
      local ends = assert(uv.pipe({ nonblock = false }, { nonblock = false }))
      local busy = {}
      for i = 1, tonumber(os.getenv("UV_THREADPOOL_SIZE")) or 4 do -- all threads of luv's
        busy[i] = curlew.spawn(curlew.call, uv.fs_read, ends.read, 1, -1)
      end
      curlew.sleep(0.02)
      local part
      uv.fs_write(ends.write, "x", -1)
      part = ok(partial.open(path))
      busy[#busy + 1] = curlew.spawn(curlew.call, uv.fs_read, ends.read, 1, -1)
      curlew.sleep(0.02)
      local child = curlew.spawn(part.append, part, "abc")
      curlew.sleep(0.02)
      child:cancel()
      curlew.sleep(0.02)
      local status = child:status()
      uv.fs_write(ends.write, ("x"):rep(#busy), -1)
      curlew.pcall(child.await, child)
      assert.equal("waiting", status)
      assert.equal("abc", shell.read_file(path .. ".part"))
      part:close(true)
      curlew.wait(busy)
      uv.fs_close(ends.read)
      uv.fs_close(ends.write)
    end)
  end)

  it("is on the disk before it has its name, and so is that, when that is wanted", function()
    curlew.run(function()
      for _, is_synced in ipairs { true, false } do
        local log, sync, link = {}, uv.fs_fsync, uv.fs_link
        uv.fs_fsync = function(...)
          log[#log + 1] = "sync"
          return sync(...)
        end
        uv.fs_link = function(...)
          log[#log + 1] = "link"
          return link(...)
        end
        local part = ok(partial.open(path))
        part.is_synced = is_synced
        ok(part:begin(known_of(URL)))
        ok(part:append("abc"))
        ok(part:place(path, false))
        part:close()
        uv.fs_fsync, uv.fs_link = sync, link
        assert.same(is_synced and { "sync", "sync", "link", "sync" } or { "link" }, log)
        assert(os.remove(path))
      end
    end)
  end)

  it("keeps its bytes in step with its lock when a task is cancelled", function()
    curlew.run(function()
      local block = ("x"):rep(2 ^ 20)
      local child = curlew.spawn(function()
        local part = ok(partial.open(path))
        ok(part:begin(known_of(URL)))
        local good, err = curlew.pcall(function()
          while true do
            ok(part:append(block))
            curlew.yield()
          end
        end)
        part:close()
        assert.is_false(good)
        error(err, 0)
      end)
      sessions.wait(function()
        return (uv.fs_stat(path .. ".part") or { size = 0 }).size > 2 ^ 20
      end)
      child:cancel()
      curlew.pcall(child.await, child)
      assert.equal("cancelled", child:status())
      local part = ok(partial.open(path))
      assert.equal(0, part.size % 2 ^ 20)
      part:close(true)
    end)
  end)

  it("says when the disk is full", function()
    curlew.run(function()
      local part = ok(partial.open(path))
      local file = part.file
      part.file = ok(require("curlew.fs").open("/dev/full", "w"))
      local done, problem = part:append("x")
      part.file:close()
      part.file = file
      part:close()
      assert.is_nil(done)
      assert.matches("^ENOSPC", problem)
    end)
  end)
end)
