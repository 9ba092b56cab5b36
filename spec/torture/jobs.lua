--- What the tasks of the soak do, one piece of work each: `job(it)`, with `it.session`, `it.at`
--- (where the servers are), `it.random` and `it.path` (of a file of its own). Returns "succeeded",
--- or "failed" when it has failed as it should; raises what should not be.

local curl = require "curlew.curl"
local curlew = require "curlew"
local sha256 = require "support.sha256"

local MAX_BODY = 2 * 1024 * 1024 -- bytes, of those that do not end

local M = {}

-- The response, of which nothing but that is expected.
local function need(res, err)
  if not res then
    error("unexpected: " .. tostring(err), 0)
  elseif res.status ~= 200 then
    error(("unexpected: status %d of %s"):format(res.status, res.url), 0)
  end
  return res
end

local function verify(sum, expected, what)
  if sum ~= expected then
    error("unexpected: wrong bytes of " .. what, 0)
  end
  return "succeeded"
end

-- No response, but an error of one of these kinds.
local function must_fail(res, err, ...)
  if res then
    error("unexpected: a response of " .. res.url, 0)
  end
  for _, kind in ipairs { ... } do
    if err.kind == kind then
      return "failed"
    end
  end
  error("unexpected: " .. tostring(err), 0)
end

local function pick(it, list)
  return list[it.random(#list)]
end

-- Servers with all files, and the options of requests to them.
local function place(it)
  local at, n = it.at, it.random(5)
  if n == 1 then
    return at.web
  elseif n == 2 then
    return at.tls
  elseif n == 3 then
    return at.tls, { http = "1.1" }
  elseif n == 4 then
    return at.h2c, { http = "2-prior-knowledge" }
  end
  return at.h2
end

local function with(given, more)
  for name, value in pairs(given or {}) do
    more[name] = value
  end
  return more
end

-- What is sent, and its sum.
local function bytes_to_send(it)
  local bytes = (it.path .. it.random(1000)):rep(it.random(4000))
  return bytes, sha256(bytes)
end

local function whole(it)
  local file, base, given = pick(it, it.at.files), place(it)
  local res = need(it.session:get(base .. file.path, given))
  return verify(sha256(res.body), file.sum, res.url)
end

local function streamed(it)
  local file, base, given = pick(it, it.at.files), place(it)
  local res = need(it.session:get(base .. file.path, with(given, { stream = true })))
  local digest = curl.digest("sha256")
  local chunk, err = res:read(it.random(100000))
  while chunk do
    digest:update(chunk)
    chunk, err = res:read(it.random(100000))
  end
  if err then
    error("unexpected: " .. tostring(err), 0)
  end
  return verify(digest:finish(), file.sum, res.url)
end

local function abandoned(it)
  local base, given = place(it)
  local res = need(it.session:get(base .. "/1048576.bin", with(given, { stream = true })))
  res:read(it.random(300000))
  if it.random(2) == 1 then
    res:close()
  end
  return "succeeded"
end

local function endless(it)
  local res = need(it.session:get(it.at.scripted .. "/endless", { stream = true }))
  for _ = 1, it.random(4) do
    assert(res:read())
  end
  return "succeeded"
end

local function saved(it)
  local file, base, given = pick(it, it.at.files), place(it)
  local result, err = curlew.download(base .. file.path, it.path .. ".saved", with(given, {
    session = it.session, checksum = "sha256:" .. file.sum, overwrite = true,
  }))
  if not result then
    error("unexpected: " .. tostring(err), 0)
  end
  return "succeeded"
end

local function sunk(it)
  local file, base, given = pick(it, it.at.files), place(it)
  local digest = curl.digest("sha256")
  need(it.session:get(base .. file.path, with(given, { sink = function(chunk)
    digest:update(chunk)
  end })))
  return verify(digest:finish(), file.sum, file.path)
end

local function posted(it)
  local bytes, sum = bytes_to_send(it)
  local res = need(it.session:post(it.at.scripted .. "/sum", { body = bytes }))
  return verify(res.body, sum, "an upload")
end

local function posted_in_pieces(it)
  local bytes, sum = bytes_to_send(it)
  local from, piece = 1, it.random(50000)
  local res = need(it.session:post(it.at.scripted .. "/sum", { body = function()
    local part = bytes:sub(from, from + piece - 1)
    from = from + piece
    return part ~= "" and part or nil
  end }))
  return verify(res.body, sum, "an upload in pieces")
end

local function posted_file(it)
  local file = pick(it, it.at.files)
  local res = need(it.session:post(it.at.scripted .. "/sum", { file = it.at.www .. file.path }))
  return verify(res.body, file.sum, "an uploaded file")
end

local function echoed(it)
  if not it.at.post then
    return posted(it)
  end
  local bytes, sum = bytes_to_send(it)
  local http = it.random(2) == 1 and "1.1" or nil
  local res = need(it.session:post(it.at.post, { body = bytes, http = http }))
  return verify(sha256(res.body), sum, "an echo")
end

local function redirected(it)
  local file = pick(it, it.at.files)
  local address = ("%s/redirect?%s%s"):format(it.at.scripted, it.at.web, file.path)
  return verify(sha256(need(it.session:get(address)).body), file.sum, address)
end

local function unpacked(it)
  local res = need(it.session:get(pick(it, { it.at.web, it.at.tls }) .. "/gzip"))
  return verify(sha256(res.body), it.at.gzip, res.url)
end

local function chunked(it)
  local res = need(it.session:get(it.at.scripted .. "/chunks"))
  return #res.body > 20000 and "succeeded" or error("unexpected: short chunks", 0)
end

local function retried(it)
  local retry = { max = 2, backoff = 0.01 }
  local res, err = it.session:get(it.at.scripted .. "/busy", { retry = retry })
  if not res or res.status ~= 503 or res.attempts ~= 3 then
    error("unexpected: " .. tostring(res or err), 0)
  end
  return "failed"
end

local function too_late(it)
  local res, err = it.session:get(it.at.scripted .. pick(it, { "/silent", "/half" }), {
    timeout = it.random(100) / 1000,
  })
  return must_fail(res, err, "timeout")
end

local function limited(it)
  local res, err = curlew.timeout(it.random(50) / 1000, it.session.get, it.session,
    it.at.scripted .. "/silent")
  return must_fail(res, err, "timeout")
end

local function cut(it)
  local path = pick(it, { "/cut", "/closed", "/reset", "/garbage" })
  local res, err = it.session:get(it.at.scripted .. path)
  return must_fail(res, err, "closed", "protocol", "unsupported")
end

local function refused(it)
  local res, err = it.session:get("http://127.0.0.1:1/")
  return must_fail(res, err, "connect")
end

local function unknown(it)
  local res, err = it.session:get(("http://nosuch%d.invalid/"):format(it.random(1000)))
  return must_fail(res, err, "resolve")
end

local function misbehaved(it)
  local fault = pick(it, it.at.faults)
  local res, err = it.session:get(fault.address, { max_body = MAX_BODY })
  return must_fail(res, err, fault.kind)
end

local function alone(it)
  local session = curlew.session { verify = it.at.ca }
  local res = need(session:get(pick(it, { it.at.web, it.at.tls, it.at.h2 }) .. "/4096.bin"))
  if it.random(2) == 1 then
    session:close()
  end
  return #res.body == 4096 and "succeeded" or error("unexpected: not all", 0)
end

-- Each with its share.
M.shares = {
  { whole, 30 }, { streamed, 10 }, { abandoned, 5 }, { endless, 3 }, { saved, 8 }, { sunk, 5 },
  { posted, 6 }, { posted_in_pieces, 4 }, { posted_file, 4 }, { echoed, 5 }, { redirected, 4 },
  { unpacked, 4 }, { chunked, 3 }, { retried, 2 }, { too_late, 4 }, { limited, 3 }, { cut, 6 },
  { refused, 1 }, { unknown, 1 }, { misbehaved, 8 }, { alone, 2 },
}

--- One of them by chance.
---@param random fun(n: integer): integer
---@return fun(it: table): string
function M.any(random)
  local total = 0
  for _, share in ipairs(M.shares) do
    total = total + share[2]
  end
  local rest = random(total)
  for _, share in ipairs(M.shares) do
    rest = rest - share[2]
    if rest <= 0 then
      return share[1]
    end
  end
end

return M
