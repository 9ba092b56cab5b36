--- `:Fetch URL` brings what is there into a buffer, line by line as it comes. Each runs in a task
--- of its own, which may use all of Neovim's functions; the editor goes on meanwhile.

local curlew = require "curlew"

local M = {}

local FILETYPES = {
  ["application/json"] = "json",
  ["application/javascript"] = "javascript",
  ["application/xml"] = "xml",
  ["text/css"] = "css",
  ["text/html"] = "html",
  ["text/javascript"] = "javascript",
  ["text/markdown"] = "markdown",
  ["text/xml"] = "xml",
}

local FRAMES = curlew.progress.frames
local FRAME = 0.1 -- seconds

local running = {} -- tasks by the buffer that they fill
local frame = 0

-- The buffer of a URL, empty, in a window.
local function open(url)
  local buffer = vim.fn.bufadd("curlew://" .. url)
  if running[buffer] then
    running[buffer]:cancel()
  end
  if vim.fn.bufwinid(buffer) == -1 then
    vim.cmd("sbuffer " .. buffer)
  end
  vim.bo[buffer].buftype = "nofile"
  vim.bo[buffer].swapfile = false
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, {})
  return buffer
end

-- Fills the buffer with the body. What has come of its last line is shown, too.
local function fill(buffer, res)
  local last, size = "", 0
  local bytes, err = res:read()
  while bytes do
    local lines = vim.split(last .. bytes, "\n", { plain = true })
    vim.api.nvim_buf_set_lines(buffer, -2, -1, false, lines)
    last, size = lines[#lines], size + #bytes
    bytes, err = res:read()
  end
  if last == "" and size > 0 then -- behind the last newline there is no line
    vim.api.nvim_buf_set_lines(buffer, -2, -1, false, {})
  end
  return not err and size, err
end

local function bring(buffer, url)
  local res, err = curlew.fetch(url, { stream = true })
  local size
  if res then
    local content = (res.headers["content-type"] or ""):match("^[^;%s]*"):lower()
    vim.bo[buffer].filetype = FILETYPES[content] or ""
    size, err = fill(buffer, res)
  end
  if err then
    vim.notify(("Fetch: %s: %s"):format(err.kind, err.message), vim.log.levels.ERROR)
  else
    vim.notify(("Fetch: %d, %s"):format(res.status, curlew.progress.bytes(size)))
  end
end

-- Turns the spinner while something runs.
local function spin()
  while next(running) do
    frame = frame % #FRAMES + 1
    vim.cmd "redrawstatus!"
    curlew.sleep(FRAME)
  end
  frame = 0
  vim.cmd "redrawstatus!"
end

--- Fetches `url` into a buffer, which is shown.
---@param url string
function M.fetch(url)
  local buffer = open(url)
  local own
  own = curlew.spawn(function()
    local ok, err = pcall(bring, buffer, url)
    if running[buffer] == own then
      running[buffer] = nil
    end
    if not ok then
      error(err, 0) -- its cancellation, or a mistake, of which curlew tells
    end
  end)
  running[buffer] = own
  vim.api.nvim_create_autocmd("BufUnload", {
    buffer = buffer,
    once = true,
    callback = function()
      own:cancel()
    end,
  })
  if frame == 0 then
    frame = 1
    curlew.spawn(spin)
  end
end

--- Stops all that was begun, and leaves what has come.
function M.stop()
  for _, task in pairs(running) do
    task:cancel()
  end
end

--- What runs, for the status line: `set statusline+=%{v:lua.require'curlew_fetch'.status()}`.
---@return string empty when nothing does
function M.status()
  local count = 0
  for _ in pairs(running) do
    count = count + 1
  end
  return count > 0 and ("%s fetching %d"):format(FRAMES[frame], count) or ""
end

return M
