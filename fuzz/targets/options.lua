--- Tables of options, made of bytes: what is wrong is said at the caller's line, and nothing else
--- ever happens.

local curl = require "curlew.curl"
local options = require "curlew.options"
local request = require "curlew.request"
local setup = require "curlew.setup"

local HERE = "fuzz/targets/options%.lua:%d+: "

local DEEPEST = 4 -- tables in tables

-- What a wrong option must not lead to: Lua's own words.
local INTERNAL = {
  "attempt to", "bad argument", "invalid ", "stack overflow", "table index is", "string expected",
}

local names = { "name", "value", "filename", "type", "user", "password", "bearer", "total",
  "connect", "idle", "max", "statuses", "methods", "backoff", "max_delay", "CURLOPT_URL",
  "CURLOPT_TIMEOUT", "CURLOPT_HTTPHEADER", "content-type", "X", "read", "" }
for _, known in ipairs { options.request, options.request_only, options.session_only } do
  for name in pairs(known) do
    names[#names + 1] = name
  end
end
table.sort(names)

local constants = { true, false, 0, -1, 1, 1.5, 0 / 0, math.huge, -math.huge, 2 ^ 63, 1e308, "",
  "a", "GET", "http://h/", "a\r\nb", "a\0b", "netrc", "1.1", "basic", print, io.stderr,
  coroutine.create(function() end), setmetatable({}, { __call = print }), "503", 503 }

local client = curl.client(1)

local function reader(bytes)
  local position = 0
  return function()
    position = position + 1
    return bytes:byte(position)
  end
end

local make

local function make_table(take, depth)
  local made = {}
  for index = 1, take() or 0 do
    local byte = take()
    if not byte then
      break
    end
    local key = byte < 128 and names[byte % #names + 1] or byte < 192 and index
      or constants[byte % #constants + 1]
    if key ~= key then
      key = "NaN"
    end
    made[key] = make(take, depth + 1)
  end
  return made
end

local function make_string(take)
  local chars = {}
  for index = 1, (take() or 0) % 16 do
    chars[index] = string.char(take() or 0)
  end
  return table.concat(chars)
end

-- A value of the bytes that follow; nil at their end.
function make(take, depth)
  local byte = take()
  if not byte then
    return nil
  elseif byte < 96 and depth < DEEPEST then
    return make_table(take, depth)
  elseif byte < 128 then
    return make_string(take)
  elseif byte < 144 then
    return (take() or 0) - 128
  end
  return constants[byte % #constants + 1]
end

local function check(ok, result)
  if ok then
    return result
  end
  assert(type(result) == "string", "an error that is no text")
  assert(result:find("^[./]*" .. HERE), "not the caller is blamed: " .. result)
  for _, words in ipairs(INTERNAL) do
    assert(not result:find(": " .. words, 1, true), result)
  end
end


return function(bytes)
  local take = reader(bytes)
  local given, more = make(take, 0), make(take, 0)
  local defaults = check(pcall(function()
    local checked = options.for_session(given)
    return checked
  end)) or options.for_session()
  local method = type(more) ~= "table" and more or nil
  local wanted = check(pcall(function()
    local made = request.new(defaults, method, "http://h/", more or given)
    return made
  end))
  if wanted then
    local body = type(wanted.body) == "string" and wanted.body or nil
    local id, name, problem = client:start(setup.of(wanted), wanted.target.url, 0, body)
    assert(id or type(name) == "string" and type(problem) == "string", "neither begun nor refused")
    client:cancel(id or 0)
  end
end
