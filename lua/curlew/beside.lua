--- What is done beside a transfer while it runs, each in a task of its own that ends with it.

local curl = require "curlew.curl"
local errors = require "curlew.error"
local failure = require "curlew.failure"
local task = require "curlew.task"
local time = require "curlew.time"

local M = {}

local PROGRESS_INTERVAL = 0.1 -- seconds between two calls of on_progress

local function forget_sender(exchange)
  exchange.sender = nil
end

--- Sends a body piece by piece, each when libcurl asks for it.
---@async
---@param exchange curlew.Exchange
function M.send_body(exchange)
  local driver = exchange.session.driver
  repeat
    while not driver.client:wants(exchange.id) do
      exchange.sender = task.current()
      task.park(forget_sender, exchange)
    end
    local piece, problem = exchange.body.next()
    if not piece and problem then
      exchange:end_with {
        failure = failure.of(exchange.request, "io", "cannot read the body: %s",
          errors.describe(problem)),
      }
      return
    elseif piece ~= "" then
      driver:feed(exchange.id, piece)
    end
  until not piece
end

--- Calls on_progress, if there is one; libcurl says -1 for what it does not know.
---@param request table
---@param outcome table of `client:peek` or `client:take`: bytes on the wire
function M.tell_progress(request, outcome)
  if request.options.on_progress and outcome.figures then
    local figures = curl.figures(outcome.figures)
    request.options.on_progress {
      received = figures.received,
      total = figures.expected >= 0 and figures.expected or nil,
      sent = figures.uploaded,
      upload_total = figures.to_upload >= 0 and figures.to_upload or nil,
      speed = figures.speed,
    }
  end
end

--- Tells the progress of a transfer, ten times a second.
---@async
---@param exchange curlew.Exchange
function M.report_progress(exchange)
  while true do
    time.sleep(PROGRESS_INTERVAL)
    if exchange.id then -- else the option "allow" is asked
      M.tell_progress(exchange.request, exchange.session.driver.client:peek(exchange.id))
    end
  end
end

return M
