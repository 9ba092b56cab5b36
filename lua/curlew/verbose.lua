--- What libcurl tells of a transfer, line by line, with secrets masked.

local secrets = require "curlew.secrets"

local M = {}

-- A line of libcurl's: "> Name: value" and "< Name: value" are header fields.
local function mask(line)
  local mark, name, value = line:match("^([<>] )([^:%s]+):%s?(.*)$")
  if name and value ~= "" and (secrets.is_secret(name:lower()) or name:lower() == "set-cookie") then
    return ("%s%s: ***"):format(mark, name)
  end
  return line
end

--- Calls the option "verbose" of a request for each line of a log.
---@param request table
---@param log string
function M.tell(request, log)
  local fn = request.options.verbose
  for line in log:gmatch("([^\n]*)\n") do
    fn(mask((line:gsub("\r$", ""))))
  end
end

return M
