--- Several slow functions at once, each with a line of its own. One of them fails: its line says
--- so, the rest are cancelled, and their lines say that.

local curlew = require "curlew"
local progress = require "curlew.progress"

local M = {}

-- What is done, how much of the time it takes, and how it fails.
local STEPS = {
  { name = "read the list", share = 0.3 },
  { name = "ask the mirror", share = 0.6, problem = "it does not answer" },
  { name = "count the stars", share = 0.9 },
  { name = "draw the map", share = 1 },
}

local function slow(step, seconds)
  curlew.sleep(step.share * seconds)
  if step.problem then
    error(step.problem, 0)
  end
end

-- Runs a step with a row of the display, which tells how it ends.
local function shown(display, step, seconds)
  local row = display:add(step.name)
  local ok, err = curlew.pcall(slow, step, seconds)
  if ok then
    row:finish()
  else
    row:fail(curlew.is_error(err, "cancelled") and "cancelled" or err)
    error(err, 0) -- the group cancels the other steps
  end
end

--- Runs all steps. Raises the error of the one that fails.
---@async
---@param message string
---@param seconds number that the longest takes
function M.supervise(message, seconds)
  local display = progress.display { stream = io.stdout }
  display:print(message)
  curlew.group(function(group)
    for _, step in ipairs(STEPS) do
      group:spawn(shown, display, step, seconds)
    end
  end)
end

return M
