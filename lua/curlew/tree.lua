--- A text of all tasks, for people: who is whose child, and where each one stands.

local each = require("curlew.compat").each
local task = require "curlew.task"

local M = {}

local function by_id(a, b)
  return a.id < b.id
end

-- The children of all groups in which a task stands.
local function children_of(member)
  local children = {}
  local scope = member.scope
  while scope do
    if scope.group then
      for child in each(scope.group.children) do
        children[#children + 1] = child
      end
    end
    scope = scope.parent
  end
  table.sort(children, by_id)
  return children
end

local function add(lines, members, depth)
  for _, member in ipairs(members) do
    lines[#lines + 1] = ("  "):rep(depth) .. tostring(member)
    add(lines, children_of(member), depth + 1)
  end
end

--- The tasks that have not ended and are in no group, the oldest first.
---@return curlew.Task[]
function M.roots()
  local roots = {}
  for member in each(task.roots) do
    roots[#roots + 1] = member
  end
  table.sort(roots, by_id)
  return roots
end

--- All tasks that have not ended, each with where it waits; children below the task whose group
--- they are in. Does not wait.
---@param depth? integer by how many steps the text is set in, default 0
---@return string
function M.tree(depth)
  local lines = {}
  add(lines, M.roots(), depth or 0)
  return table.concat(lines, "\n")
end

return M
