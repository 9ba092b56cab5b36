--- curlew: an HTTP client for Lua coroutines on luv's event loop. Names only; each is documented in
--- its module.

local address = require "curlew.address"
local curl = require "curlew.curl"
local download = require "curlew.download"
local errors = require "curlew.error"
local fetch_cb = require "curlew.fetch_cb"
local json = require "curlew.json"
local progress = require "curlew.progress"
local session = require "curlew.session"
local task = require "curlew.task"
local terminal = require "curlew.terminal"
local uv = require "curlew.uv"
local version = require "curlew.version"

local M = {
  version = version,
  download = download.download,
  fetch = session.fetch,
  fetch_cb = fetch_cb.fetch_cb,
  session = session.session,
  is_error = errors.is,
  is_public = address.is_public,
  use_json = json.use,
  progress = progress,
  terminal = terminal,
}

--- What this curlew is made of: `version`, `libcurl`, `tls_library`, `ca_file`, `luv`, `protocols`
--- (a list), and true or false for `http2`, `http3`, `brotli`, `gzip`, `zstd`, `tls`, `ipv6`,
--- `psl`, `unix_sockets`, `async_dns`.
---@return table
function M.features()
  local features = curl.features()
  features.version = version
  features.luv = uv.version_string()
  return features
end

-- All of curlew.task, so that a small program needs one `require`; and `null`, as the JSON codec in
-- use has it.
return setmetatable(M, {
  __index = function(_, name)
    if name == "null" then
      return json.null()
    end
    return task[name]
  end,
}) --[[@as curlew]]
