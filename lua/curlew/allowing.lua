--- The option "allow": where a request may connect to. The core refuses every address that it has
--- not been told of, and hands it back; here the user is asked about it, and the transfer starts
--- anew. So what is connected to is what was asked about, whoever has found the address.

local each = require("curlew.compat").each
local failure = require "curlew.failure"

local M = {}

local COULD_NOT_CONNECT = 7 -- CURLE_COULDNT_CONNECT
local MOST_SHOWN = 3 -- addresses in a message

--- Whether a transfer has ended since it was refused addresses of which nobody was asked yet.
---@param exchange curlew.Exchange
---@param outcome table of `client:take`
---@return boolean
function M.is_due(exchange, outcome)
  if not outcome.asked or outcome.result ~= COULD_NOT_CONNECT or outcome.verdict then
    return false
  end
  for line in outcome.asked:gmatch("[^\n]+\n") do
    if exchange.answers[line] == nil then
      return true
    end
  end
  return false
end

--- Asks for the addresses that a transfer was refused; adds those that are allowed to `allowed` of
--- its exchange.
---@async
---@param exchange curlew.Exchange
---@param asked string
---@return boolean whether there are more than before
function M.ask(exchange, asked)
  local before = exchange.allowed
  for line in asked:gmatch("[^\n]+\n") do
    if exchange.answers[line] == nil then
      local ip, port = line:match("^(%S+) (%d+)")
      local is_allowed = exchange.request.options.allow(ip, tonumber(port)) and true or false
      exchange.answers[line] = is_allowed
      exchange.allowed = is_allowed and exchange.allowed .. line or exchange.allowed
    end
  end
  return exchange.allowed ~= before
end

--- The error of a request that has found no other address than such as it may not connect to.
---@param exchange curlew.Exchange
---@return curlew.Error
function M.refusal(exchange)
  local shown, target = {}, exchange.request.target
  for line, is_allowed in each(exchange.answers) do
    local ip, port = line:match("^(%S+) (%d+)")
    local form = ip:find(":", 1, true) and "[%s]:%s" or "%s:%s"
    shown[#shown + 1] = not is_allowed and form:format(ip, port) or nil
  end
  table.sort(shown)
  if #shown > MOST_SHOWN then
    shown = { shown[1], shown[2], ("%d others"):format(#shown - 2) }
  end
  local err = failure.of(exchange.request, "connect",
    "the option \"allow\" refuses %s, on the way to %s:%s", table.concat(shown, ", "), target.host,
    target.port)
  err.retryable, err.phase = false, "connect"
  return err
end

return M
