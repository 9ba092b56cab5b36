local headers = require "curlew.headers"
local ranges = require "curlew.ranges"

local DATE = "Wed, 21 Oct 2015 07:28:00 GMT"
local LATER = "Wed, 21 Oct 2015 07:29:00 GMT"
local SOON = "Wed, 21 Oct 2015 07:28:59 GMT"

local function response(status, ...)
  return {
    status = status,
    ok = status >= 200 and status < 300,
    headers = headers.parse(table.concat({ ... }, "\n") .. "\n"),
  }
end

describe("what tells versions of a file apart", function()
  it("is a strong ETag, else a date", function()
    assert.same({ etag = '"x"' },
      ranges.validator(response(200, 'ETag: "x"', "Last-Modified: " .. DATE)))
    assert.same({ etag = '""' }, ranges.validator(response(200, 'ETag: ""')))
    assert.same({ last_modified = DATE },
      ranges.validator(response(200, 'ETag: W/"x"', "Last-Modified: " .. DATE)))
    assert.same({ last_modified = DATE },
      ranges.validator(response(200, "Last-Modified: " .. DATE)))
    for _, line in ipairs { "X: y", 'ETag: W/"x"', "ETag: x", 'ETag: "', "Last-Modified: soon" } do
      assert.same({}, ranges.validator(response(200, line)), line)
    end
  end)

  it("is no date that is younger than clocks differ", function()
    local modified = "Last-Modified: " .. DATE
    assert.same({ last_modified = DATE },
      ranges.validator(response(200, modified, "Date: " .. LATER)))
    assert.same({}, ranges.validator(response(200, modified, "Date: " .. SOON)))
    assert.same({}, ranges.validator(response(200, modified), 1445412481))
    assert.same({ last_modified = DATE }, ranges.validator(response(200, modified), 1445412540))
  end)
end)

describe("the rest of a file", function()
  it("can be asked for where something is there of a version that can be named", function()
    local known = { etag = '"x"', size = 10 }
    assert.is_true(ranges.can_resume(known, 1))
    assert.is_true(ranges.can_resume(known, 10))
    assert.is_true(ranges.can_resume({ last_modified = DATE }, 1))
    assert.is_false(ranges.can_resume(known, 0))
    assert.is_false(ranges.can_resume(known, 11))
    assert.is_false(ranges.can_resume({ size = 10 }, 1))
    assert.is_false(ranges.can_resume(nil, 1))
  end)

  it("is asked for by byte and version", function()
    assert.same({ Range = "bytes=5-", ["If-Range"] = '"x"' }, ranges.fields({ etag = '"x"' }, 5))
    assert.same({ Range = "bytes=4503599627370496-", ["If-Range"] = DATE },
      ranges.fields({ last_modified = DATE }, 2 ^ 52))
  end)
end)

describe("an answer", function()
  local known = { etag = '"x"', size = 10 }

  local function judge(status, ...)
    return { ranges.judge(response(status, ...), known, 4) }
  end

  it("of 206 goes on where the part ends, if it says so", function()
    assert.same({ "append", 10, 10 }, judge(206, "Content-Range: bytes 4-9/10"))
    assert.same({ "append", 10, 10 }, judge(206, "Content-Range: Bytes 4-9/*", 'ETag: "x"'))
    assert.same({ "append", 6, 10 }, judge(206, "Content-Range: bytes 4-5/10"))
    local unsized = { last_modified = DATE }
    assert.same({ "append", 10, 10 },
      { ranges.judge(response(206, "Content-Range: bytes 4-9/10"), unsized, 4) })
  end)

  it("of 206 is of no use when it is of other bytes, or another version", function()
    for _, line in ipairs {
      "X: y", "Content-Range: bytes 3-9/10", "Content-Range: bytes 5-9/10",
      "Content-Range: bytes 0-9/10", "Content-Range: bytes 4-9/11", "Content-Range: bytes 4-10/10",
      "Content-Range: bytes 4-3/10", "Content-Range: bytes 4-/10", "Content-Range: bytes */10",
      "Content-Range: bytes -4-9/10", "Content-Range: items 4-9/10", "Content-Range: 4-9/10",
      "Content-Range: bytes 4-9", "Content-Range: bytes 4-10/*",
    } do
      assert.same({ "again" }, judge(206, line), line)
    end
    assert.same({ "again" }, judge(206, "Content-Range: bytes 4-9/10", 'ETag: "y"'))
    assert.same({ "again" }, judge(206, "Content-Range: bytes 4-9/10", 'ETag: W/"x"'))
    local dated = { last_modified = DATE, size = 10 }
    assert.equal("again", (ranges.judge(response(206, "Content-Range: bytes 4-9/10",
      "Last-Modified: " .. LATER), dated, 4)))
    assert.equal("again", (ranges.judge(response(206, "Content-Range: bytes 4-9/*"),
      { etag = '"x"' }, 4)))
  end)

  it("of 416 means that all is there only when the size says so", function()
    local all = response(416, "Content-Range: bytes */10")
    assert.same({ "complete" }, { ranges.judge(all, known, 10) })
    assert.same({ "complete" }, { ranges.judge(all, { etag = '"x"' }, 10) })
    for _, line in ipairs {
      "X: y", "Content-Range: bytes */11", "Content-Range: bytes */*", "Content-Range: bytes */9",
    } do
      assert.same({ "again" }, { ranges.judge(response(416, line), known, 10) }, line)
    end
    assert.same({ "again" }, { ranges.judge(response(416, "Content-Range: bytes */10", 'ETag: "y"'),
      known, 10) })
  end)

  it("of 200 begins anew, and may tell the size", function()
    assert.same({ "begin", 7, 7 }, judge(200, "Content-Length: 7"))
    assert.same({ "begin" }, judge(200))
    assert.same({ "begin" }, judge(200, "Content-Length: 7", "Transfer-Encoding: chunked"))
    assert.same({ "begin", 0, 0 }, judge(204))
  end)

  it("is no file when it is an error, a redirect, or a piece that nobody asked for", function()
    for _, status in ipairs { 302, 304, 400, 404, 412, 500, 503 } do
      assert.same({ "refused" }, judge(status, "Content-Length: 7"))
    end
    assert.same({ "unasked" },
      { ranges.judge(response(206, "Content-Range: bytes 0-9/10"), nil, 0) })
    assert.same({ "refused" }, { ranges.judge(response(416, "Content-Range: bytes */0"), nil, 0) })
  end)
end)
