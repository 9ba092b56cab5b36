--- The luv in use: Neovim's built-in one, or the `luv` rock. The only file that names it.

-- luv up to 1.44 keeps the `lua_State` that first loads it and runs every callback there. Were that
-- the coroutine of a task or of a user, callbacks would run on a suspended or collected stack. So
-- luv is loaded in a coroutine of its own, which ends at once: a finished, empty stack. It is kept
-- in the registry, as long as the Lua state lives, since test runners empty `package.loaded`.
local ANCHOR = "curlew.uv"

local function load_luv()
  local load = coroutine.wrap(function()
    return require "luv"
  end)
  local luv = load()
  debug.getregistry()[ANCHOR] = { load = load, luv = luv }
  return luv
end

local function find()
  local vim = rawget(_G, "vim")
  local built_in = vim and (vim.uv or vim.loop)
  local anchored = debug.getregistry()[ANCHOR]
  return built_in or package.loaded.luv or (anchored and anchored.luv) or load_luv()
end

return find()
