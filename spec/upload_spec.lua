local curlew = require "curlew"
local process = require "support.process"
local shell = require "support.shell"
local upload = require "curlew.upload"

describe("an upload", function()
  local directory, path

  setup(function()
    directory = shell.scratch()
    path = directory .. "/file"
  end)

  -- All that a body gives, and what is wrong behind it.
  local function drain(body)
    local pieces = {}
    local piece, problem = body.next()
    while piece do
      pieces[#pieces + 1] = piece
      piece, problem = body.next()
    end
    return table.concat(pieces, "|"), problem
  end

  it("is none where libcurl has it, as a form", function()
    curlew.run(function()
      local opened, err = upload.open { body = { { name = "a", value = "b" } } }
      assert.is_nil(opened)
      assert.is_nil(err)
    end)
  end)

  it("of a function gives what that returns, empty pieces, too", function()
    curlew.run(function()
      local left = { "a", "", "b" }
      local body = upload.open { source = {
        fn = function()
          return table.remove(left, 1)
        end,
      } }
      assert.is_nil(body.length)
      assert.equal("a||b", drain(body))
      body.close()
    end)
  end)

  it("of a function or a reader tells of what comes behind nil", function()
    curlew.run(function()
      local function broken()
        return nil, "broken"
      end
      assert.equal("broken", select(2, drain(upload.open { source = { fn = broken } })))
      assert.equal("broken", select(2, drain(upload.open { source = {
        reader = { read = broken },
      } })))
    end)
  end)

  it("of a reader ends at an empty piece, which is what the end of a file may be", function()
    curlew.run(function()
      local left = { "a", "b", "", "c" }
      assert.equal("a|b", drain(upload.open { source = {
        reader = {
          read = function()
            return table.remove(left, 1)
          end,
        },
      } }))
    end)
  end)

  it("raises an error of kind upload for what is no string", function()
    curlew.run(function()
      for _, piece in ipairs { 1, true, {} } do
        local body = upload.open { source = {
          fn = function()
            return piece
          end,
        } }
        local good, err = curlew.pcall(body.next)
        assert.is_false(good)
        assert.equal("upload", err.kind)
      end
    end)
  end)

  it("of a file has its length, gives its bytes, and holds a descriptor until it is closed",
    function()
      curlew.run(function()
        for _, size in ipairs { 0, 1, 65535, 65536, 65537, 200000 } do
          local text = ("x"):rep(size)
          shell.write_file(path, text)
          local before = process.descriptors()
          local body = upload.open { source = { path = path } }
          assert.equal(size, body.length)
          assert.equal(before + 1, process.descriptors())
          local all, problem = drain(body)
          assert.is_nil(problem)
          assert.equal(size, #all:gsub("|", ""))
          assert.is_nil((body.next())) -- libcurl may ask again
          body.close()
          body.close()
          assert.equal(before, process.descriptors())
        end
      end)
    end)

  it("of a file tells when that has changed its length", function()
    curlew.run(function()
      for _, sizes in ipairs { { 10, 9, "shrank" }, { 10, 0, "shrank" }, { 10, 11, "grew" },
        { 65536, 65537, "grew" }, { 65537, 65536, "shrank" }, { 0, 1, "grew" } } do
        shell.write_file(path, ("x"):rep(sizes[1]))
        local body = upload.open { source = { path = path } }
        shell.write_file(path, ("x"):rep(sizes[2]))
        local _, problem = drain(body)
        assert.equal(("%s %s while it was sent"):format(path, sizes[3]), problem)
        body.close()
      end
    end)
  end)

  it("names the file that cannot be sent, also one of a form", function()
    curlew.run(function()
      shell.write_file(path, "x")
      local before = process.descriptors()
      for name, message in pairs {
        [directory .. "/missing"] = "ENOENT", [directory] = "directory",
      } do
        for _, wanted in ipairs {
          { source = { path = name } },
          { body = { { file = path }, { file = name } } },
        } do
          wanted.method, wanted.target = "POST", { url = "http://h/" }
          local body, err = upload.open(wanted)
          assert.is_nil(body)
          assert.equal("io", err.kind)
          assert.matches("cannot send " .. name, err.message, 1, true)
          assert.matches(message, err.message)
        end
      end
      assert.equal(before, process.descriptors())
    end)
  end)
end)
