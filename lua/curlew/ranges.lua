--- What a server's answer means for a file of which a part is there (RFC 9110 section 14). Pure.

local curl = require "curlew.curl"

local M = {}

-- A date tells versions apart only when it is older than the answer by more than clocks differ
-- (RFC 9110 section 8.8.2.2).
local YOUNGEST = 60 -- seconds

local function only(response, name)
  return response.headers:all(name)[1]
end

--- What tells this version of a file from others: a strong ETag, else a date.
---@param response curlew.Response
---@param now? number Unix seconds
---@return { etag: string?, last_modified: string? }
function M.validator(response, now)
  local etag, modified = only(response, "etag"), only(response, "last-modified")
  if etag and etag:find('^"[^"]*"$') then
    return { etag = etag }
  end
  local date = only(response, "date")
  local answered = date and curl.parse_date(date) or now or os.time()
  local changed = modified and curl.parse_date(modified)
  return { last_modified = changed and answered - changed >= YOUNGEST and modified or nil }
end

--- The size of the whole file as an answer of 200 tells it.
---@param response curlew.Response
---@return number?
function M.length(response)
  if response.status == 204 or response.status == 205 then
    return 0
  end
  local length = only(response, "content-length")
  local is_said = length and not only(response, "transfer-encoding")
  return is_said and tonumber(length:match("^%d+$")) or nil
end

--- Whether the rest of a file can be asked for.
---@param known table? `etag` or `last_modified`, `size` of the whole where it is known
---@param have number bytes that are there
---@return boolean
function M.can_resume(known, have)
  return known ~= nil and have > 0 and have <= (known.size or math.huge)
    and (known.etag or known.last_modified) ~= nil
end

--- The header fields that ask for the rest of a file, unless it has changed.
---@param known table
---@param have number
---@return table<string, string>
function M.fields(known, have)
  return { Range = ("bytes=%.0f-"):format(have), ["If-Range"] = known.etag or known.last_modified }
end

-- Whether an answer is about the version that is known, as far as it tells.
local function is_same(known, response)
  local etag, modified = only(response, "etag"), only(response, "last-modified")
  if known.etag then
    return not etag or etag == known.etag
  end
  return not modified or modified == known.last_modified
end

-- The first byte, the one after the last, and the size of the whole, of Content-Range.
local function range_of(response)
  local first, last, total = (only(response, "content-range") or "")
    :match("^%s*[Bb][Yy][Tt][Ee][Ss]%s+(%d+)%-(%d+)/([%d*]+)$")
  if first then
    return tonumber(first), tonumber(last) + 1, tonumber(total)
  end
end

local function judge_rest(response, known, have)
  local first, stop, total = range_of(response)
  total = total or known.size
  local fits = first == have and stop > first and total and stop <= total
    and (known.size or total) == total
  if fits and is_same(known, response) then
    return "append", stop, total
  end
  return "again"
end

local function judge_beyond(response, known, have)
  local total = tonumber((only(response, "content-range") or "")
    :match("^%s*[Bb][Yy][Tt][Ee][Ss]%s+%*/(%d+)$"))
  local fits = total == have and (known.size or total) == total
  return fits and is_same(known, response) and "complete" or "again"
end

--- What to do with an answer:
---   "append"    its body goes on where the part ends; up to byte `stop` of `total`
---   "begin"     its body is the whole file, `total` bytes where that is known
---   "complete"  the part is the whole file
---   "again"     it is of no use: ask for the whole file
---   "refused"   it is no file, but an error page or the like
---   "unasked"   it is a piece of the file where all of it was asked for
---@param response curlew.Response
---@param known table? of the part, when its rest was asked for
---@param have number bytes of the part
---@return string verdict
---@return number? stop
---@return number? total
function M.judge(response, known, have)
  local status = response.status
  if status == 206 then
    if known then
      return judge_rest(response, known, have)
    end
    return "unasked"
  elseif status == 416 and known then
    return judge_beyond(response, known, have)
  elseif not response.ok then
    return "refused"
  end
  local total = M.length(response)
  return "begin", total, total
end

return M
