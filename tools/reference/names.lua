--- What the reference has to name: the functions and methods, and the classes with their fields, as
--- the types for editors declare them; with the comments of the sources.

local comments = require "reference.comments"
local types = require "reference.types"

local M = {}

-- The modules of whose functions a table of the API consists, by the name of its type.
local HOMES = {
  [""] = { "session", "download", "fetch_cb", "address", "init" },
  tasks = {
    "task", "async", "callback", "gather", "queue", "run", "scope", "sync", "thread", "time",
    "tree", "unhandled", "wait", "warning",
  },
  testing = { "testing" },
  progress = { "progress", "meter" },
  terminal = { "terminal", "width" },
}

-- How those tables are called in a program.
local PREFIX = {
  [""] = "curlew.", tasks = "curlew.", testing = "curlew.testing.", progress = "curlew.progress.",
  terminal = "curlew.terminal.",
}

-- Comments that stand under another name.
local ELSEWHERE = {
  ["curlew.is_error"] = "error.is",
  ["curlew.use_json"] = "json.use",
  ["curlew.terminal.escape"] = "text.escape",
  ["curlew.spawn"] = "spawning.spawn",
  ["Task:await"] = "Handle:await",
  ["Task:cancel"] = "Handle:cancel",
  ["Response:json"] = "response.json",
  ["Response:check"] = "response.check",
  ["Lock:with"] = "sync.with",
  ["Semaphore:with"] = "sync.with",
}

-- Where the methods of a class are, when they are not in a table of its name.
local METHODS = { Headers = { "headers" }, Response = { "reading" } }

local function comment_of(known, class, name, field)
  local found = known[ELSEWHERE[name] or name]
  for _, module in ipairs(HOMES[class.name] or METHODS[class.name] or {}) do
    found = found or known[module .. "." .. field.name]
  end
  return found
end

-- Whether a field is told of under a name of its own, and not in the table of its class.
local function is_entry(class, field)
  if PREFIX[class.name] then
    return not (field.type and field.type:find("^curlew%.%l")) -- a table of functions
  end
  return field.is_method and class.name ~= "Reader" -- which is what a program gives
end

--- Reads the sources.
---@return table<string, table> entries by their names in the reference, such as "curlew.map" and
--- "Task:cancel": `{ class =, field =, comment = }`
---@return table classes as of `reference.types`; those that stand for tables of functions left out
---@return table<string, string> aliases
function M.read()
  local all, aliases = types.read { "lua/curlew/types.lua", "lua/curlew/option_types.lua" }
  local known, entries, classes = comments.read "lua/curlew", {}, {}
  for _, class in ipairs(all) do
    class.data = {}
    for _, field in ipairs(class.fields) do
      local name = (PREFIX[class.name] or class.name .. ":") .. field.name
      if is_entry(class, field) then
        entries[name] = {
          class = class, field = field, comment = comment_of(known, class, name, field),
        }
      elseif not PREFIX[class.name] then
        table.insert(class.data, field)
      end
    end
    if not PREFIX[class.name] then
      classes[#classes + 1], classes[class.name] = class, class
    end
  end
  return entries, classes, aliases
end

--- The names of which a heading of the reference tells: "Lock:acquire, :release" is about two.
---@param heading string
---@return string[]
function M.in_heading(heading)
  local names, class = {}, nil
  for name in heading:gmatch("[^, ]+") do
    class = name:match("^(%w+):") or class
    names[#names + 1] = name:find("^:") and class .. name or name
  end
  return names
end

return M
