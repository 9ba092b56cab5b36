--- What the two spinners share: their command line, and their end.

local command_line = require "command_line"
local curlew = require "curlew"

local M = {}

--- Runs `supervise(message, seconds)` on the loop, and prints its answer.
---@param name string of the program
---@param supervise fun(message: string, seconds: number): any
---@param group? fun(message: string, seconds: number) what to run with --group
function M.main(name, supervise, group)
  local parser = command_line.parser(name, "Turns a spinner while a slow function runs.")
  parser:argument("message", "what stands beside it", "thinking!")
  parser:option("-s --seconds", "how long the function takes", "3"):convert(command_line.seconds)
  if group then
    parser:flag("-g --group", "run several slow functions at once; one of them fails")
  end
  local given = parser:parse()
  local ok, answer = pcall(curlew.run, given.group and group or supervise, given.message,
    given.seconds)
  if ok then
    print("Answer: " .. answer)
  elseif curlew.is_error(answer, "cancelled") then
    os.exit(command_line.INTERRUPTED, true)
  else
    io.stderr:write(name, ": ", tostring(answer):match("^[^\n]*"), "\n") -- without a traceback
    os.exit(1, true)
  end
end

return M
