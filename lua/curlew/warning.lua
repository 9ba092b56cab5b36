--- What curlew has to tell a person while a program runs goes through one replaceable function.

local errors = require "curlew.error"
local neovim = require "curlew.neovim"

local M = {}

local hook

local show = neovim.show or function(line)
  io.stderr:write(line, "\n")
end

local function tell(text)
  if not (hook and pcall(hook, text)) then
    show("curlew: " .. text)
  end
end

--- Tells `text`, one line or a line with a traceback, to the hook, or to stderr; inside Neovim, to
--- its user. Can be called anywhere, a finalizer included.
---@type fun(text: string)
M.emit = neovim.schedule and function(text)
  neovim.schedule(function()
    tell(text)
  end)
end or tell

--- Sets who is told of warnings instead of stderr; nil restores the default.
---@param fn? fun(text: string)
function M.on_warning(fn)
  if fn ~= nil then
    errors.check_callable("the hook", fn)
  end
  hook = fn
end

return M
