--- What is different inside Neovim: the loop turns already, most of the API must not be called from
--- luv's callbacks, and nobody sees stderr. Outside of Neovim all of this is nil.

local vim = rawget(_G, "vim")

local M = {}

-- The threads that luv starts inside Neovim have a `vim`, too, but no main loop.
if type(vim) ~= "table" or not vim.schedule then
  return M
end

--- Has `fn()` called by Neovim's main loop, where all of its API may be called. May itself be
--- called from anywhere.
---@type fun(fn: fun())?
M.schedule = vim.schedule

--- Has `fn()` called by the main loop after some time. From anywhere, too.
---@param seconds number
---@param fn fun()
function M.later(seconds, fn)
  vim.schedule(function()
    vim.defer_fn(fn, seconds * 1000)
  end)
end

--- Shows an error to the user. Not from a callback of luv's.
---@param text string
function M.show(text)
  vim.notify(text:gsub("\t", "  "), vim.log.levels.ERROR) -- a tab would be shown as ^I
end

return M
