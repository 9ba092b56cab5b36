--- "Did you mean ...?": the known word that is nearest to an unknown one.

local each = require("curlew.compat").each

local M = {}

local LONGEST = 60 -- bytes; a longer word is no slip of the fingers

-- The number of letters to insert, delete or replace that makes `b` of `a` (Levenshtein).
local function distance(a, b)
  local row = {}
  for j = 0, #b do
    row[j] = j
  end
  for i = 1, #a do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #b do
      local replaced = diagonal + (a:byte(i) == b:byte(j) and 0 or 1)
      diagonal = row[j]
      row[j] = math.min(row[j] + 1, row[j - 1] + 1, replaced)
    end
  end
  return row[#b]
end

--- The key of `known` that `word` most likely stands for; nil when none is near.
---@param word string
---@param known table<string, any>
---@return string?
function M.find(word, known)
  if #word > LONGEST then
    return nil
  end
  local best, best_distance
  for candidate in each(known) do
    local d = distance(word:lower(), candidate:lower())
    if not best or d < best_distance or (d == best_distance and candidate < best) then
      best, best_distance = candidate, d
    end
  end
  if best and best_distance <= math.max(1, math.floor(#word / 3)) then
    return best
  end
end

return M
