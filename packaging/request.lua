-- Makes one request with the curlew that this Lua finds, and tells where it was found:
-- lua packaging/request.lua FOLDER
--
-- Fails when its C core or its Lua files are not below that folder.

local curlew = require "curlew"
local uv = require "luv"

local folder = assert(arg[1], "usage: lua packaging/request.lua FOLDER")

local function find(name, path)
  for template in path:gmatch("[^;]+") do
    local file = template:gsub("%?", (name:gsub("%.", "/")))
    local handle = io.open(file)
    if handle then
      handle:close()
      return file
    end
  end
end

local function check_place(name, path)
  local file = find(name, path)
  assert(file and file:sub(1, #folder) == folder, name .. " was found in " .. tostring(file))
  return file
end

local server = uv.new_tcp()
assert(server:bind("127.0.0.1", 0))
assert(server:listen(1, function()
  local peer = uv.new_tcp()
  server:accept(peer)
  peer:read_start(function(_, bytes)
    if bytes then
      peer:write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\ncurlew")
    else
      peer:close()
    end
  end)
end))

curlew.run(function()
  local url = ("http://127.0.0.1:%d/"):format(server:getsockname().port)
  local res = assert(curlew.fetch(url, { proxy = false, timeout = 20 }))
  assert(res.status == 200 and res.body == "curlew", res.body)
  server:close()
end)

check_place("curlew.init", package.path:gsub("%?/init%.lua", "?.lua"))
print(check_place("curlew.core", package.cpath))
