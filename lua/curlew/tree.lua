--- A text of all tasks, for people: who is whose child, and where each one stands.

local task = require "curlew.task"

local M = {}

-- The task whose group a task is in, nil when it is in none.
local function host_of(member)
  local group = member.on_end_arg
  return group and group.scope and group.scope.task
end

local function by_id(a, b)
  return a.id < b.id
end

local function add(lines, members, children, depth)
  table.sort(members, by_id)
  for _, member in ipairs(members) do
    lines[#lines + 1] = ("  "):rep(depth) .. tostring(member)
    add(lines, children[member] or {}, children, depth + 1)
  end
end

--- All tasks that have not ended, each with where it waits; children below the task whose group
--- they are in. Does not wait.
---@param depth? integer by how many steps the text is set in, default 0
---@return string
function M.tree(depth)
  local roots, children = {}, {}
  for member in pairs(task.live) do
    local host = host_of(member)
    if host then
      children[host] = children[host] or {}
      table.insert(children[host], member)
    else
      roots[#roots + 1] = member
    end
  end
  local lines = {}
  add(lines, roots, children, depth or 0)
  return table.concat(lines, "\n")
end

return M
