--- A server that misbehaves on purpose, for tests of clients. What it does is data: cases, by
--- theme, in the files of the folder `misbehaviour/`. docs/guide/testing.md tells how to use it.
---
---     local misbehaviour = require "support.misbehaviour"
---     local site = misbehaviour.start(misbehaviour.find("framing", "a negative length"))
---     ... a request to site.address goes wrong, one to site.url .. "/" is answered "hello" ...
---     site:close()
---
--- A case has its name first: what the server does, in words. Its steps are under the moment at
--- which they are taken:
---
--- - `connect`: the connection is there
--- - `bytes`: the first ones have come, whatever they are
--- - `head`: that of the request has come; of its body nothing is read, unless the case `reads`
--- - `answer`: the request is there, with its body
--- - `again`: in place of `answer`, for requests after the first on a connection
--- - `root`: the first good request is there
--- - `frames`: a request has come over HTTP/2; with `tls`, over TLS
--- - `later`: in place of `frames`, on all connections but the first
---
--- A step is a text, which is sent, or one of `misbehaviour/steps.lua`. After the last one the
--- server is silent. `finally(site)` is called as it closes. With `falls_back`, it speaks HTTP/1.1
--- on all connections but the first.
---
--- What a client is to send: `method` (GET), `given` (curlew's options, or a function of the site
--- that returns them), `url` (another address, or a function of the site), `count` (requests at
--- once; 1), `after_good` (a good request goes before, on the same connection). What it is to get
--- from that: `kind` of the error and a pattern of its `message`, or `status` (200) and `body` of a
--- response; or `outcomes`, how often which kind and which status come. Where that is not so yet,
--- the case is `unmet`; where it may harm what comes after it, it is to be met `alone`.

local answers = require "support.answers"
local http2 = require "support.http2"
local openssl_server = require "support.openssl_server"
local tls = require "support.tls"

local M = {}

--- The themes, in the order of their pages: name of the file, and what the server does.
M.THEMES = {
  { "framing", "frames bodies wrongly" },
  { "heads", "sends heads that are none" },
  { "silence", "goes away or falls silent" },
  { "redirects", "redirects to nowhere" },
  { "encodings", "compresses wrongly" },
  { "uploads", "does not take what is sent" },
  { "reuse", "spoils its connections" },
  { "tls", "is not to be trusted" },
  { "proxies", "is a proxy gone wrong" },
  { "http2", "breaks HTTP/2" },
  { "streams", "breaks HTTP/2 under many requests" },
}

local function perform(conn, steps, index)
  local step = steps[index]
  if step == nil or conn.closed then
    return
  end
  local function go_on()
    perform(conn, steps, index + 1)
  end
  if type(step) == "string" then
    conn:send(step)
    return go_on()
  end
  return step(conn, go_on)
end

--- The cases of a theme.
---@param theme string
---@return table[]
function M.cases(theme)
  return require("support.misbehaviour." .. theme)
end

--- The case of a name. Raises when there is none.
---@param theme string
---@param name string
---@return table
function M.find(theme, name)
  for _, case in ipairs(M.cases(theme)) do
    if case[1] == name then
      return case
    end
  end
  error(("no case %q in %s"):format(name, theme), 2)
end

local function take_frames(case, conn)
  return http2.taker(conn, function(stream, is_root)
    if is_root then
      return http2.answer(conn, stream, "hello")
    end
    conn.requests, conn.stream = conn.requests + 1, stream
    perform(conn, conn.number > 1 and case.later or case.frames, 1)
  end)
end

-- The one connection of a server of HTTP/2 over TLS, with what steps need of one.
local function serve_tls(site, case)
  local conn, server = { requests = 0, number = 1, data = {} }, nil
  function conn.send(_, bytes, done)
    return not conn.closed and server.send(bytes, done)
  end
  function conn.close()
    conn.closed = true
    server.close()
  end
  function conn.after(_, seconds, fn)
    site:after(seconds, fn)
  end
  server = openssl_server.start(site:guard(take_frames(case, conn)))
  return conn, server.url
end

-- What a connection does with bytes, in place of reading HTTP/1 requests.
local function taker(site, case, conn)
  if case.bytes and site.misbehaves then
    local came = false
    return function()
      if not came then
        came = true
        perform(conn, case.bytes, 1)
      end
    end
  elseif case.frames and not case.tls
    and not (case.falls_back and site.misbehaves and conn.number > 1)
  then
    return take_frames(case, conn)
  end
end

-- What has to be done before a request is whole.
local function options_of(case)
  local options = { expect = case.expect }
  function options.on_connect(conn)
    local site = conn.server
    local take = taker(site, case, conn)
    if take then
      conn.take = function(_, bytes)
        take(bytes)
      end
    end
    if case.connect and site.misbehaves then
      perform(conn, case.connect, 1)
    end
  end
  if case.head then
    function options.on_head(conn, request)
      if request.path ~= "/" then
        perform(conn, case.head, 1)
        return case.reads or false
      end
    end
  end
  return options
end

-- Bad answers under each path but "/", under which they are good, unless the case spoils the first.
local function handlers_of(case)
  local function answer(conn)
    perform(conn, conn.requests > 1 and case.again or case.answer or {}, 1)
  end
  local function answer_root(conn)
    local steps = #conn.server.requests == 1 and case.root
    if steps then
      return perform(conn, steps, 1)
    end
    conn:respond { body = "hello" }
  end
  return setmetatable({ ["/"] = answer_root }, {
    __index = function()
      return answer
    end,
  })
end

--- Starts the server of a case on a free port of 127.0.0.1. While the site's `misbehaves` is true,
--- which it is at first, connections are bad from their start where the case says so.
---@param case table
---@return table site as of `support.server`, with the `address` and the options `given` of the
--- request that meets the case
function M.start(case)
  local site = answers.new(handlers_of(case), options_of(case))
  site.misbehaves = true
  local function told(value)
    if type(value) == "function" then
      return value(site)
    end
    return value
  end
  site.address = told(case.url) or site.url .. "/bad"
  site.given = told(case.given) or {}
  local secure
  if case.tls then
    secure, site.address = serve_tls(site, case)
    site.address = site.address .. "/bad"
    site.given.verify = tls.start().ca
  end
  local close = site.close
  function site.close(self)
    close(self)
    if secure then
      secure:close()
    end
    if case.finally then
      case.finally(self)
    end
  end
  return site
end

return M
