local curl = require "curlew.curl"
local process = require "support.process"
local shell = require "support.shell"
local uv = require "curlew.uv"

describe("a digest of the core", function()
  it("is that of the bytes, however they come #valgrind", function()
    for name, sum in pairs {
      md5 = "d41d8cd98f00b204e9800998ecf8427e",
      sha1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709",
      sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    } do
      assert.equal(sum, curl.digest(name):finish())
    end
    local whole, pieces = curl.digest("sha512"), curl.digest("sha512")
    local text = ("0123456789\0"):rep(1000)
    whole:update(text)
    for position = 1, #text, 7 do
      pieces:update(text:sub(position, position + 6))
    end
    local sum = whole:finish()
    assert.equal(sum, pieces:finish())
    assert.matches("^%x+$", sum)
    assert.equal(128, #sum)
  end)

  it("is that of the system's own program", function()
    local path = shell.scratch() .. "/bytes"
    local text = ("curlew "):rep(100000)
    shell.write_file(path, text)
    local digest = curl.digest("sha256")
    digest:update(text)
    assert.equal(shell.read("sha256sum <" .. shell.quote(path)):match("^%x+"), digest:finish())
  end)

  it("is nil for a name that is not known", function()
    for _, name in ipairs { "", "SHA256", "sha3", "sha256 " } do
      assert.is_nil(curl.digest(name))
    end
  end)

  it("is used up once it was taken #valgrind", function()
    local digest = curl.digest("sha1")
    digest:finish()
    assert.error_matches(function()
      digest:finish()
    end, "its sum was taken already")
    assert.error_matches(function()
      digest:update("x")
    end, "its sum was taken already")
    getmetatable(digest).__gc(digest)
    getmetatable(digest).__gc(digest)
  end)

  it("checks its arguments", function()
    local digest = curl.digest("md5")
    for _, call in ipairs {
      function() curl.digest() end,
      function() curl.digest({}) end,
      function() digest:update() end,
      function() digest:update({}) end,
      function() digest.update(io.stdout, "x") end,
      function() digest.finish({}) end,
    } do
      assert.has_error(call)
    end
  end)
end)

describe("a lock of the core", function()
  local path

  setup(function()
    path = shell.scratch() .. "/file"
  end)

  local function open()
    return assert(uv.fs_open(path, "a+", 420))
  end

  it("is of the open file: a second one in this process does not get it", function()
    local one, two = open(), open()
    assert.is_true(curl.lock(one))
    assert.is_true(curl.lock(one))
    assert.is_false(curl.lock(two))
    uv.fs_close(one)
    assert.is_true(curl.lock(two))
    uv.fs_close(two)
  end)

  it("goes with the process that holds it, even by a kill", function()
    local child = process.start {
      "flock", path, "sh", "-c", "echo held; exec sleep 60",
    }
    assert.is_true(shell.turn(function()
      return child.stdout == "held\n"
    end))
    local fd = open()
    assert.is_false(curl.lock(fd))
    child:kill("sigkill", true)
    child:wait()
    assert.is_true(curl.lock(fd))
    uv.fs_close(fd)
  end)

  it("says what is wrong with a descriptor", function()
    local locked, problem = curl.lock(-1)
    assert.is_nil(locked)
    assert.equal("Bad file descriptor", problem)
    assert.has_error(function()
      curl.lock("x")
    end)
  end)

  it("comes with a flag that lets no link be followed", function()
    local link = path .. "-link"
    assert(uv.fs_symlink(path, link))
    local fd, problem = uv.fs_open(link, uv.constants.O_RDONLY + curl.O_NOFOLLOW, 0)
    assert.is_nil(fd)
    assert.matches("^ELOOP", problem)
    fd = assert(uv.fs_open(path, uv.constants.O_RDONLY + curl.O_NOFOLLOW, 0))
    uv.fs_close(fd)
  end)
end)
