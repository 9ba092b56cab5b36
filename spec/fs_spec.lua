local curlew = require "curlew"
local fs = require "curlew.fs"
local process = require "support.process"
local sessions = require "support.sessions"
local shell = require "support.shell"
local uv = require "curlew.uv"
local waiting = require("support.tasks").waiting

local ok = sessions.ok

describe("a file", function()
  local directory, path

  setup(function()
    directory = shell.scratch()
    path = directory .. "/file"
  end)

  it("is written and read piece by piece", function()
    curlew.run(function()
      local file = ok(fs.open(path, "w"))
      assert.is_true(file:write("one "))
      assert.is_true(file:write(""))
      assert.is_true(file:write("two\0"))
      assert.equal(8, file:size())
      file:close()
      file = ok(fs.open(path, "r"))
      assert.equal("one", file:read(3))
      assert.equal(" two\0", file:read(100))
      assert.equal("", file:read(100))
      file:close()
    end)
  end)

  it("says in luv's words what is wrong", function()
    curlew.run(function()
      local file, problem = fs.open(directory .. "/no/such", "r")
      assert.is_nil(file)
      assert.matches("^ENOENT", problem)
      file = ok(fs.open("/dev/full", "w"))
      local written
      written, problem = file:write("x")
      assert.is_nil(written)
      assert.matches("^ENOSPC", problem)
      file:close()
      file = ok(fs.open(path, "w"))
      local bytes
      bytes, problem = file:read(1)
      assert.is_nil(bytes)
      assert.matches("^EBADF", problem)
      file:close()
    end)
  end)

  it("has a size only when it is a regular one", function()
    curlew.run(function()
      for name, kind in pairs { [directory] = "directory", ["/dev/null"] = "char" } do
        local file = ok(fs.open(name, "r"))
        local size, problem = file:size()
        assert.is_nil(size)
        assert.equal("it is no regular file but a " .. kind, problem)
        file:close()
      end
    end)
  end)

  it("is cut short, synced, and described by luv", function()
    curlew.run(function()
      local flags = uv.constants.O_RDWR + uv.constants.O_CREAT + uv.constants.O_APPEND
      os.remove(path)
      local file = ok(fs.open(path, flags))
      ok(file:write("one two"))
      assert.truthy(file:truncate(3))
      ok(file:write("!"))
      assert.truthy(file:sync())
      local stat = ok(file:stat())
      assert.same({ "file", 4, 1 }, { stat.type, stat.size, stat.nlink })
      file:close()
      assert.equal("one!", shell.read_file(path))
      assert.truthy(fs.sync_folder(directory))
      local done, problem = fs.sync_folder(directory .. "/none")
      assert.is_nil(done)
      assert.matches("^ENOENT", problem)
    end)
  end)

  it("is moved and removed by its path", function()
    curlew.run(function()
      shell.write_file(path, "x")
      assert.is_true(fs.path("rename", path, path .. "2"))
      assert.equal(1, fs.path("lstat", path .. "2").size)
      assert.is_true(fs.path("unlink", path .. "2"))
      local done, problem = fs.path("unlink", path .. "2")
      assert.is_nil(done)
      assert.matches("^ENOENT", problem)
    end)
  end)

  it("gives its descriptor back once, unless that is somebody else's", function()
    curlew.run(function()
      local before = process.descriptors()
      local file = ok(fs.open(path, "w"))
      assert.equal(before + 1, process.descriptors())
      assert.truthy(file:close())
      assert.truthy(file:close())
      assert.equal(before, process.descriptors())
      local fd = assert(uv.fs_open(path, "w", 420))
      file = fs.of_descriptor(fd)
      assert.is_true(file:write("lent"))
      assert.truthy(file:close())
      assert.equal(before + 1, process.descriptors())
      assert(uv.fs_close(fd))
      assert.equal("lent", shell.read_file(path))
    end)
  end)

  it("leaves no descriptor when the task that opens it is cancelled", function()
    curlew.run(function()
      local before = process.descriptors()
      local opened
      local one = waiting(function()
        opened = ok(fs.open(path, "w"))
        opened:close()
      end)
      one:cancel()
      curlew.pcall(one.await, one)
      assert.truthy(opened)
      assert.equal(before, process.descriptors())
    end)
  end)

  it("keeps its descriptor until a write that was cancelled has ended", function()
    curlew.run(function()
      local ends = assert(uv.pipe({ nonblock = false }, { nonblock = false }))
      local before = process.descriptors()
      local file = fs.of_descriptor(ends.write)
      file.is_lent = nil
      local one = waiting(file.write, file, ("x"):rep(1e6)) -- more than a pipe takes
      curlew.sleep(0.02)
      one:cancel()
      assert.is_false((curlew.pcall(one.await, one)))
      file:close()
      assert.equal(before, process.descriptors())
      local size = 0
      repeat
        size = size + #assert(uv.fs_read(ends.read, 65536, -1))
      until size >= 1e6
      sessions.wait(function()
        return process.descriptors() == before - 1
      end)
      assert(uv.fs_close(ends.read))
    end)
  end)
end)
