--- Asks many hosts whether they are well, all at once, with one deadline for all.
---
---     lua examples/health.lua --deadline 2 https://example.org https://example.com/health

package.path = (arg[0]:match("^(.*)[/\\]") or ".") .. "/?.lua;" .. package.path

local command_line = require "command_line"
local curlew = require "curlew"

local PROGRAM = "health.lua"

-- One probe: what is to be said of a host, and whether it is well.
local function probe(session, url)
  local response, err = session:head(url)
  if not response then
    return { text = tostring(err) }
  end
  return {
    is_well = response.ok,
    text = ("%d in %.0f ms"):format(response.status, response.timing.total * 1000),
  }
end

local function main(given)
  local session = curlew.session { max_connections = math.huge, redirect = "manual" }
  local answers = {}
  -- At the deadline those that still run are cancelled, and what has come is kept.
  curlew.timeout(given.deadline, curlew.map, given.url, function(url, index)
    answers[index] = probe(session, url)
  end)
  session:close()
  local sick = 0
  for index, url in ipairs(given.url) do
    local answer = answers[index] or { text = ("no answer within %g s"):format(given.deadline) }
    sick = sick + (answer.is_well and 0 or 1)
    print(("%-4s  %s  %s"):format(answer.is_well and "ok" or "SICK", url, answer.text))
  end
  return sick == 0 and 0 or command_line.FAILED
end

local parser = command_line.parser(PROGRAM, "Probes many hosts at once.")
parser:argument("url"):args "+"
parser:option("-d --deadline", "seconds for all of them", "5"):convert(command_line.timeout)
parser:epilog "Exit status: 0 all are well, 1 some are not, 2 wrong use, 130 interrupted."
command_line.run(PROGRAM, main, parser:parse())
