--- Header fields, and what is read from them: dates, Retry-After, lengths, ranges, versions.

local headers = require "curlew.headers"
local ranges = require "curlew.ranges"
local response = require "curlew.response"
local retry = require "curlew.retry"

local NOW = 784111777 -- 06 Nov 1994 08:49:37 GMT
local HAVE = 500 -- bytes of a part
local VERDICTS = { append = true, begin = true, complete = true, again = true, refused = true,
  unasked = true }
local KNOWN = {
  { etag = '"a"', size = 1000 },
  { last_modified = "Sun, 06 Nov 1994 08:49:37 GMT" },
}

local policy = retry.policy("retry", 3)

local function count_up()
  return 0.5
end

local function check_fields(fields)
  for name, value in fields:each() do
    assert(name ~= "" and not name:find("[%s:]"), "the name of a field")
    assert(not value:find("[\r\n]"), "a value of two lines")
    assert(not value:find("^[ \t]") and not value:find("[ \t]$"), "a value with blanks around it")
    assert(fields:all(name:upper())[1] and fields[name:lower()], "a field that is not found")
  end
  local again = headers.parse(tostring(fields):gsub("\n", "\r\n") .. "\r\n\r\n")
  assert(tostring(again) == tostring(fields), "written and read, it is another")
end

local function check_delay(text)
  local delay = retry.delay(policy, 2, text, NOW, count_up)
  assert(delay >= 0 and delay <= policy.max_delay, "the delay is out of bounds")
end

local function check_range(answer, known)
  local verdict, stop, total = ranges.judge(answer, known, HAVE)
  assert(VERDICTS[verdict], "an unknown verdict")
  if verdict == "append" then
    assert(answer.status == 206 and stop > HAVE and stop <= total, "a range beyond the file")
    assert((known.size or total) == total, "another size")
  end
  assert(not total or total >= 0 and total % 1 == 0, "a size that is none")
end

return function(bytes)
  local status = ({ 206, 416, 200, 503, 204 })[(bytes:byte(1) or 0) % 5 + 1]
  local block = bytes:sub(2)
  check_delay(block)
  local answer = response.new({ attempt = 1 }, {
    status = status,
    head = ("HTTP/1.1 %d \r\n%s"):format(status, block),
    trailers = block,
  })
  check_fields(answer.headers)
  check_fields(answer.trailers)
  assert(not answer.reason:find("[\r\n]"), "a reason of two lines")
  check_delay(answer.headers:all("retry-after")[1])
  for _, known in ipairs(KNOWN) do
    check_range(answer, known)
  end
  check_range(answer, nil)
  local version = ranges.validator(answer, NOW)
  assert(not (version.etag and version.last_modified), "two validators")
  assert(ranges.can_resume(version, HAVE) == (next(version) ~= nil))
end
