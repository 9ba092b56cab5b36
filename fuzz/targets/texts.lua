--- Text from strangers: JSON, the records of unfinished downloads, what goes to a terminal.

local json = require "curlew.json"
local record = require "curlew.record"
local text = require "curlew.text"
local width = require "curlew.width"

local COLUMNS = 9

local function check_terminal(bytes)
  local shown = width.escape(bytes)
  assert(not shown:find("[%z\1-\31\127]"), "a control character gets out")
  assert(not shown:find("\194[\128-\159]"), "a control character of C1 gets out")
  assert(not shown:find("\226\128[\168-\174]"), "the direction of text is turned")
  assert(width.escape(shown) == shown, "safe text is changed")
  for _, where in ipairs { "end", "middle" } do
    local fitted = width.fit(shown, COLUMNS, where)
    assert(width.of(fitted) <= COLUMNS, "it is too wide")
    assert(width.of(shown) > COLUMNS or fitted == shown, "what fits is cut")
  end
  assert(width.of(width.pad(shown, COLUMNS)) >= COLUMNS, "it is not padded")
end

local function check_record(bytes)
  for _, body in ipairs { bytes, ("{\n%s\n}\n"):format(bytes) } do
    local fields = record.decode(body)
    if fields then
      local again = assert(record.decode(record.encode(fields)), "what was written is not read")
      for name, value in pairs(fields) do
        assert(again[name] == value, "written and read, it is another")
      end
    end
  end
  assert(record.decode(record.encode { name = bytes }).name == bytes, "text is not kept")
end

return function(bytes)
  check_terminal(bytes)
  check_record(bytes)
  local trimmed = text.trim(bytes)
  assert(not trimmed:find("^[ \t]") and not trimmed:find("[ \t]$"), "blanks stay")
  local value, problem = json.decode(bytes)
  assert(value == nil or problem == nil, "a value and a problem")
  assert(problem == nil or type(problem) == "string" and problem ~= "")
end
