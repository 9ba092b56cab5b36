--- Uploads a file, and shows how far it is.
---
---     lua examples/upload.lua [--method METHOD] FILE URL

package.path = (arg[0]:match("^(.*)[/\\]") or ".") .. "/?.lua;" .. package.path

local command_line = require "command_line"
local curlew = require "curlew"
local progress = require "curlew.progress"
local terminal = require "curlew.terminal"

local PROGRAM = "upload.lua"

local function parse()
  local parser = command_line.parser(PROGRAM, "Uploads a file.")
  parser:argument("file", "what to upload")
  parser:argument("url", "where to")
  parser:option("-X --method", "the method of the request", "PUT")
  parser:epilog("Exit status: 0 done, 1 failed, 2 wrong use, 130 interrupted.")
  return parser:parse()
end

-- Uploads the file; returns the exit status.
local function upload(given)
  local display = progress.display()
  local row = display:add(given.file)
  row:update(0)
  local response, err = curlew.fetch(given.url, {
    method = given.method,
    file = given.file,
    check = true, -- a status of 400 or above is a failure
    timeout = { total = math.huge }, -- as long as something moves
    on_progress = function(now)
      row:update(now.sent, now.upload_total)
    end,
  })
  if not response then
    row:fail(err)
    return command_line.FAILED
  end
  row:finish()
  display:close()
  print(terminal.escape(response.body))
  return 0
end

local ok, status = pcall(curlew.run, upload, parse())
if curlew.is_error(status, "cancelled") then
  status = command_line.INTERRUPTED
elseif not ok then
  io.stderr:write(PROGRAM, ": ", tostring(status):match("^[^\n]*"), "\n")
  status = command_line.WRONG_USE -- as of a method that is none
end
os.exit(status, true)
