--- A doubly linked list whose nodes are the members themselves, so that joining and leaving cost
--- no garbage. A member is in one list at most; a list holds `first` and `last`, a member `list`,
--- `next` and `previous`.

local M = {}

--- Appends `member`, which must be in no list.
---@param list table
---@param member table
function M.push(list, member)
  local last = list.last
  member.list, member.previous = list, last
  if last then
    last.next = member
  else
    list.first = member
  end
  list.last = member
end

--- Takes `member` out of the list that it is in; nothing happens when it is in none.
---@param member table
function M.remove(member)
  local list, before, after = member.list, member.previous, member.next
  if not list then
    return
  end
  member.list, member.previous, member.next = nil, nil, nil
  if before then
    before.next = after
  else
    list.first = after
  end
  if after then
    after.previous = before
  else
    list.last = before
  end
end

--- Takes out and returns the first member; nil when the list is empty.
---@param list table
---@return table?
function M.shift(list)
  local member = list.first
  if member then
    M.remove(member)
  end
  return member
end

return M
