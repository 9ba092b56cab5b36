--- A client of a JSON API: one session with its base URL, headers and retries, and functions that
--- say what the API can do. Try it with any repository of GitHub's:
---
---     lua examples/api_client.lua https://api.github.com lua/lua

package.path = (arg[0]:match("^(.*)[/\\]") or ".") .. "/?.lua;" .. package.path

local command_line = require "command_line"
local curlew = require "curlew"
local escape = require("curlew.terminal").escape

local PROGRAM = "api_client.lua"

local Api = {}
Api.__index = Api

local function connect(url, token)
  return setmetatable({
    session = curlew.session {
      base_url = url,
      headers = { Accept = "application/json" },
      auth = token and { bearer = token },
      check = true, -- a status of 400 and above is a failure
      retry = 3, -- of what may pass: no connection, 429, 503, ...; Retry-After is obeyed
      timeout = 30, -- seconds, retries included
    },
  }, Api)
end

-- The value that the API has at a path, or nil and an error.
function Api:get(path, params)
  local response, err = self.session:get(path, { params = params })
  if not response then
    return nil, err
  end
  return response:json()
end

local function main(given)
  local api = connect(given.url, os.getenv "API_TOKEN")
  local repository = assert(api:get("/repos/" .. given.repository))
  local description = repository.description
  description = description == curlew.null and "no description" or description
  print(escape(("%s: %s"):format(repository.full_name, description)))
end

local parser = command_line.parser(PROGRAM, "Asks a JSON API about a repository.")
parser:argument("url", "of the API")
parser:argument("repository", "OWNER/NAME")
parser:epilog "A token for the API is taken from the variable API_TOKEN."
command_line.run(PROGRAM, main, parser:parse())
