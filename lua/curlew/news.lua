--- What a step of a driver has brought, told to the operations whose transfers it is about.

local curl = require "curlew.curl"
local errors = require "curlew.error"

local M = {}

-- Takes what an ended transfer has brought; that memory is out, when there is none for the rest.
local function take(driver, id)
  local ok, outcome = pcall(driver.client.take, driver.client, id)
  if ok then
    return outcome
  end
  driver.client:cancel(id)
  return curl.OUT_OF_MEMORY
end

-- Tells the operation of a transfer what is new.
local function tell(driver, id, operation)
  if driver.live[id] then -- not cancelled by one that has ended before it
    local outcome = take(driver, id)
    driver:forget(id)
    operation:finish(outcome)
  elseif driver.live[-id] then
    operation:on_news()
  end
end

-- Ends an operation that has no memory for what has come, nor for its end.
local function break_off(driver, id, operation)
  driver.client:cancel(id)
  if driver.live[id] then
    driver:forget(id)
  end
  operation:finish(curl.OUT_OF_MEMORY)
end

--- Tells the operations what is new, from where an error has left off. Whatever one raises, the
--- others are told.
---@param driver curlew.Driver
---@return any err the first
function M.tell_all(driver)
  local problem
  while driver.told < driver.count_news do
    local id = driver.news[driver.told + 1]
    local operation = driver.live[id] or driver.live[-id]
    local ok, err = pcall(tell, driver, id, operation)
    if err == errors.OUT_OF_MEMORY then
      errors.insist(break_off, driver, id < 0 and -id or id, operation)
    end
    problem = problem or not ok and err or nil
    driver.told = driver.told + 1
  end
  return problem
end

return M
