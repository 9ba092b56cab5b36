--- Prints the answer of a language model while it is being written: server-sent events of the kind
--- that most such services send, each with some more of the text, the last one "[DONE]".
---
---     lua examples/chat.lua --model NAME http://127.0.0.1:11434/v1/chat/completions "Why?"

package.path = (arg[0]:match("^(.*)[/\\]") or ".") .. "/?.lua;" .. package.path

local command_line = require "command_line"
local curlew = require "curlew"
local json = require "curlew.json"
local escape = require("curlew.terminal").escape

local PROGRAM = "chat.lua"

-- What an event adds to the text.
local function text_of(event)
  local value = assert(json.decode(event.data))
  local choice = value.choices and value.choices[1]
  local text = choice and choice.delta and choice.delta.content
  return type(text) == "string" and text or ""
end

-- Lines stay lines; what else would move the cursor is made visible.
local function show(text)
  io.write((text:gsub("[^\n]+", escape)))
  io.flush()
end

local function main(given)
  local key = os.getenv "API_KEY"
  local response = assert(curlew.fetch(given.url, {
    stream = true,
    check = true,
    auth = key and { bearer = key },
    json = {
      model = given.model, stream = true,
      messages = { { role = "user", content = given.question } },
    },
  }))
  local events = response:events()
  local event = events()
  while event and event.data ~= "[DONE]" do
    show(text_of(event))
    event = events()
  end
  response:close()
  print()
end

local parser = command_line.parser(PROGRAM, "Asks a language model.")
parser:argument("url", "of its chat completions")
parser:argument("question")
parser:option("-m --model", "which model", "default")
parser:epilog "A key for the service is taken from the variable API_KEY."
command_line.run(PROGRAM, main, parser:parse())
