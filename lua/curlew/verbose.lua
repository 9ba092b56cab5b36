--- What libcurl tells of a transfer, line by line, with secrets masked.

local errors = require "curlew.error"
local secrets = require "curlew.secrets"

local M = {}

local function is_secret(name)
  return secrets.is_secret(name) or name:lower() == "set-cookie"
end

local function mask_parameter(name, value)
  return is_secret(name) and ("%s=***"):format(name) or ("%s=%s"):format(name, value)
end

-- A URL, or a part of one, anywhere in a line.
local function mask_urls(line)
  return (line:gsub("://[^/%s]*@", "://***@"):gsub("([?&][^=&%s]*)=([^&%s]*)", mask_parameter))
end

-- What libcurl says by itself quotes the cookies that have come, and the fields that it sends with
-- HTTP/2: `Added cookie name="value" for ...` and `[name: value]`. It cuts what is long.
local function mask_remark(line)
  local before, after = line:match('^(.- cookie [^="]*=").*(" for .*)$')
  before = before or line:match('^(.- cookie [^="]*=")')
  if before then
    return before .. "***" .. (after or "...")
  end
  return (line:gsub("%[([^%s:%[%]]+): .*$", function(name)
    return is_secret(name) and ("[%s: ***]"):format(name)
  end))
end

-- "> Name: value" and "< Name: value" are header fields, "* " begins a remark. `after` tells that
-- the field before was a secret, which goes on in a line that begins with a blank, or with ">+".
local function mask(line, after)
  local mark, text = line:sub(1, 2), line:sub(3)
  if mark == "* " then
    return mask_urls(mask_remark(line)), after
  elseif after and (mark == ">+" or text:find("^[ \t]")) then
    return mark:sub(1, 1) .. "  ***", true
  elseif mark == ">+" then
    return ">  " .. text, false
  end
  local name, value = text:match("^([^:%s]+)%s*:%s?(.*)$")
  if name and is_secret(name) then
    return value ~= "" and ("%s%s: ***"):format(mark, name) or line, true
  end
  return mask_urls(line), false
end

local function tell_all(exchange, log)
  local fn = exchange.request.options.verbose
  for line in log:gmatch("([^\n]*)\n") do
    line, exchange.tells_secret = mask((line:gsub("\r$", "")), exchange.tells_secret)
    fn(line)
  end
end

--- Calls the option "verbose" of a request for each line of a log.
---@param exchange { request: table, tells_secret: boolean? }
---@param log string
---@return { raised: any }? outcome of the request, when that has raised an error
function M.tell(exchange, log)
  local ok, err = pcall(tell_all, exchange, log)
  return not ok and { raised = errors.or_described(err) } or nil
end

return M
