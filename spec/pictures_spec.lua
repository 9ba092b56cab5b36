local curlew = require "curlew"
local shell = require "support.shell"
local uv = require "curlew.uv"

local examples = "./examples/?.lua;"

describe("the picture server", function()
  local pictures, drawing, path

  setup(function()
    path = package.path
    package.path = examples .. path
    pictures, drawing = require "pictures.server", require "pictures.motifs"
  end)

  teardown(function()
    package.path = path
  end)

  -- Runs `fn(server, session)` in a task, and closes both.
  local function with_server(options, fn)
    curlew.run(function()
      local server = pictures.serve(options)
      local session = curlew.session { base_url = server.urls[1], max_per_host = 80 }
      local ok, err = curlew.pcall(fn, server, session)
      session:close()
      server:close()
      if not ok then
        error(err, 0)
      end
    end)
  end

  it("draws 80 different pictures of 8 to 60 KB", function()
    local seen = {}
    for number = 1, drawing.COUNT do
      local bytes = drawing.draw(number)
      assert.is_true(#bytes >= 8000 and #bytes <= 60000, ("picture %d: %d"):format(number, #bytes))
      assert.is_nil(seen[bytes])
      seen[bytes] = true
    end
    assert.equal(80, drawing.COUNT)
  end)

  it("draws pictures that a decoder takes", function()
    local folder = shell.scratch()
    for number = 1, drawing.COUNT do
      shell.write_file(("%s/%02d.png"):format(folder, number), drawing.draw(number))
    end
    assert.is_true(shell.run("pngcheck -q " .. folder .. "/*.png"))
  end)

  it("draws the same picture each time", function()
    assert.equal(drawing.draw(17), drawing.draw(17))
  end)

  it("serves each picture as it was drawn, and HEAD without a body", function()
    with_server(nil, function(server, session)
      local res = session:get(server.urls[3])
      assert.equal(200, res.status)
      assert.equal("image/png", res.headers["content-type"])
      assert.equal(drawing.draw(3), res.body)
      local head = session:head(server.urls[3])
      assert.equal("", head.body)
      assert.equal(tostring(#res.body), head.headers["content-length"])
      assert.is_true(head.reused)
    end)
  end)

  it("answers 404 for other names, and 405 for other methods", function()
    with_server(nil, function(_, session)
      assert.equal(404, session:get("/nothing.png").status)
      assert.equal(405, session:post("/picture-01.png", { body = "" }).status)
    end)
  end)

  it("answers requests that come in pieces or together, in their order", function()
    with_server(nil, function(server)
      local got = curlew.await(function(done)
        local socket, all = uv.new_tcp(), ""
        socket:connect("127.0.0.1", server.port, function()
          socket:read_start(function(_, bytes)
            if bytes then
              all = all .. bytes
            else
              socket:close()
              done(all)
            end
          end)
          socket:write("GET /a HT")
          socket:write("TP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n"
            .. "GET /c HTTP/1.1\r\nConnection: close\r\n\r\n")
        end)
      end)
      local _, answers = got:gsub("HTTP/1.1 404", "")
      assert.equal(3, answers)
    end)
  end)

  it("waits before each answer when it is told to, without keeping others waiting", function()
    with_server({ delay = 0.02 }, function(server, session)
      local order = {}
      curlew.group(function(group)
        for number = 1, 20 do
          group:spawn(function()
            session:get(server.urls[number])
            order[#order + 1] = "answer"
          end)
        end
        curlew.sleep(0.001)
        order[#order + 1] = "meanwhile"
      end)
      assert.equal("meanwhile", order[1])
      assert.equal(21, #order)
    end)
  end)
end)
