--- The command line of download.lua.

local command_line = require "command_line"

local EPILOG = [[
Lines of an input file: [sha256:HEX] URL [-> NAME]. Also sha512, sha1 and md5.

A file has its name only when it is whole; until then it is NAME.part, which the next run
continues.

Exit status: 0 all done, 1 some failed, 2 wrong use, 130 interrupted.]]

local M = {}

--- Reads the command line; ends the program when it is wrong.
---@param name string of the program
---@param arguments string[]
---@return table given
---@return table parser
function M.parse(name, arguments)
  local parser = command_line.parser(name, "Downloads many files at once.")
  parser:argument("url", "what to download; none: 80 pictures that the program serves itself")
    :args "*"
  parser:option("-j --jobs", "how many at once; 1 is one after another (default: all)")
    :convert(command_line.count)
  parser:option("-o --output", "where to put them", "downloads"):argname "<folder>"
  parser:option("-i --input-file", "read URLs from a file, one a line; - is standard input")
    :argname "<file>"
  parser:option("--retries", "how often each is tried again where it stopped", "3")
    :convert(command_line.whole)
  parser:option("--timeout", "seconds that each may take"):convert(command_line.timeout)
  parser:option("--limit-rate", "bytes a second for each, such as 500k"):convert(command_line.size)
  parser:option("--limit-total-rate", "bytes a second for all"):convert(command_line.size)
  parser:option("--max-size", "fail what is larger, such as 10M"):convert(command_line.size)
  parser:mutex(
    parser:flag("--continue", "leave files that are there, continue parts (the default)"),
    parser:flag("--overwrite", "replace files that are there"),
    parser:flag("--no-clobber", "number files whose name is taken")
  )
  parser:option("-H --header", "send a header field, 'Name: value'"):count "*"
    :convert(command_line.header)
  parser:option("-x --proxy", "http, https, socks5 or socks5h URL")
  parser:flag("-k --insecure", "do not verify certificates")
  parser:option("--delay", "seconds that the picture server waits before each answer", "0")
    :convert(command_line.seconds)
  parser:flag("--no-progress", "no bars on a terminal")
  parser:flag("--json", "print one JSON object for each file")
  parser:flag("-q --quiet", "print failures only")
  parser:flag("-v --verbose", "print more about each file")
  parser:epilog(EPILOG)
  return parser:parse(arguments), parser
end

return M
