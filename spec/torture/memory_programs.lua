--- Small programs in which memory runs out: see spec/torture/memory. Each runs as the main task,
--- with `(session, site, folder)`, and returns something true, or nil and an error.

local curlew = require "curlew"

-- Seconds; so long that what ends by it counts as hanging.
local NEVER = 100

local M = {}

-- Raises when what has come as a success is not all that there was.
local function check(body, wanted)
  if body ~= wanted then
    error(("the body of a success has %d bytes, not %d"):format(#body, #wanted), 0)
  end
  return body
end

local function read_all(res)
  local pieces = {}
  while true do
    local chunk, err = res:read(1000)
    if err then
      return nil, err
    elseif not chunk then
      return table.concat(pieces)
    end
    pieces[#pieces + 1] = chunk
  end
end

local function checked(wanted, res, err)
  if not res then
    return nil, err
  end
  return check(res.body, wanted)
end

local function lines(count, format)
  local all = {}
  for i = 1, count do
    all[i] = format:format(i)
  end
  return table.concat(all)
end

-- As of support.nginx.
local ONE_K = lines(64, "%015d\n")
local GZIP = lines(500, "line %d of a text that gzip makes much smaller\n")

local function read_file(path)
  local handle = assert(io.open(path, "rb"))
  local bytes = handle:read("*a")
  handle:close()
  return bytes
end

function M.get(session, site)
  return checked(ONE_K, session:get(site.url .. "/1k", { timeout = NEVER }))
end

function M.https(session, site)
  local given = { verify = site.ca, timeout = NEVER }
  return checked("Hello from nginx\n", session:get(site.https .. "/hello.txt", given))
end

function M.post_json(session, site)
  local given = { json = { list = { 1, 2 } }, timeout = NEVER }
  return checked('{"list":[1,2]}', session:post(site.url .. "/post", given))
end

function M.stream(session, site)
  local res, err = session:get(site.url .. "/gzip", { stream = true, timeout = NEVER })
  if not res then
    return nil, err
  end
  local body, problem = read_all(res)
  if problem then
    return nil, problem
  end
  return check(body, GZIP)
end

function M.sink(session, site, folder)
  local path = folder .. "/sink"
  local res, err = session:get(site.url .. "/1k", { sink = path, timeout = NEVER })
  return res and check(read_file(path), ONE_K), err
end

function M.upload(session, site)
  local left = 3
  local function body()
    left = left - 1
    return left >= 0 and ("x"):rep(1000) or nil
  end
  return checked(("x"):rep(3000), session:post(site.url .. "/post", {
    body = body,
    timeout = NEVER,
  }))
end

function M.multipart(session, site)
  local file = { name = "file", value = "content", filename = "a.txt", type = "text/plain" }
  local parts = { { name = "field", value = "text" }, file }
  return session:post(site.url .. "/post", { multipart = parts, timeout = NEVER })
end

function M.redirect(session, site)
  local res, err = session:get(site.url .. "/headers", { timeout = NEVER }) -- sets cookies
  if not res then
    return nil, err
  end
  return session:get(site.url .. "/moved/307", { timeout = NEVER })
end

function M.cancel(session, site)
  local getting = curlew.spawn(session.get, session, site.url .. "/drip", { timeout = NEVER })
  curlew.sleep(0.003)
  getting:cancel()
  curlew.wait { getting }
  return getting:status()
end

function M.timeout(session, site)
  local res, err = session:get(site.url .. "/drip", { timeout = 0.005 })
  if not res and err.kind == "timeout" then
    return "timeout"
  end
  return res, err
end

function M.download(_, site, folder)
  local given = { overwrite = true, timeout = NEVER }
  local done, err = curlew.download(site.url .. "/1k", folder .. "/whole", given)
  return done and check(read_file(done.path), ONE_K), err
end

function M.resume(_, site, folder)
  local part = assert(io.open(folder .. "/rest.part", "wb"))
  part:write(("x"):rep(100))
  part:close()
  local given = { resume = true, overwrite = true, timeout = NEVER }
  local done, err = curlew.download(site.url .. "/1k", folder .. "/rest", given)
  return done and check(read_file(done.path), ONE_K), err
end

function M.group(session, site)
  local ok, err = curlew.pcall(curlew.group, function(group)
    group:spawn(session.get, session, site.url .. "/drip", { timeout = NEVER })
    group:spawn(session.get, session, site.url .. "/1k", { timeout = NEVER })
    group:spawn(function()
      curlew.sleep(0.003)
      error("enough", 0)
    end)
  end)
  if err == "enough" then
    return "enough"
  end
  return ok, err
end

-- One waits in the queue, as two connections are all that the session may have.
function M.close(_, site)
  local session = curlew.session { max_connections = 2 }
  local tasks = {}
  for i = 1, 3 do
    tasks[i] = curlew.spawn(session.get, session, site.url .. "/drip", { timeout = NEVER })
  end
  curlew.sleep(0.003)
  session:close()
  return #curlew.wait(tasks)
end

function M.callback(_, site)
  local err, res = curlew.await(function(done)
    curlew.fetch_cb(site.url .. "/1k", { timeout = NEVER }, done)
  end)
  return res, err
end

return M
