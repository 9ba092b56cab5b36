local blamed = require "support.blamed"
local meter = require "curlew.meter"
local width = require "curlew.width"

local DOTS = "\226\128\166"

describe("a meter", function()
  it("knows nothing before the first update", function()
    local m = meter.meter { total = 100 }
    assert.is_nil(m:rate())
    assert.is_nil(m:share())
    assert.is_nil(m:eta())
    assert.equal("", m:line(80):gsub("[%[%] ]", ""))
  end)

  it("tells rate, share and what is left", function()
    local m = meter.meter { total = 1000 }
    m:update(0, 50)
    assert.is_nil(m:rate())
    assert.equal(0, m:share())
    assert.is_nil(m:eta())
    m:update(100, 51)
    assert.equal(100, m:rate())
    assert.equal(0.1, m:share())
    assert.equal(9, m:eta())
    m:update(1000, 52)
    assert.equal(500, m:rate())
    assert.equal(1, m:share())
    assert.equal(0, m:eta())
  end)

  it("takes the rate over its window only", function()
    local m = meter.meter { window = 2 }
    for second = 0, 10 do
      m:update(second <= 5 and second * 10 or 50 + (second - 5) * 100, second)
    end
    assert.equal(100, m:rate())
    m = meter.meter()
    for second = 0, 10 do
      m:update(second <= 5 and 0 or (second - 5) * 100, second)
    end
    assert.equal(100, m:rate())
    m:update(500, 12)
    assert.equal(60, m:rate()) -- 200 had come at 7
  end)

  it("says 0 for a transfer that stands still, and then no ETA", function()
    local m = meter.meter { total = 1000 }
    m:update(0, 0)
    m:update(500, 1)
    m:update(500, 2)
    assert.equal(250, m:rate())
    m:update(500, 6)
    m:update(500, 12)
    assert.equal(0, m:rate())
    assert.is_nil(m:eta())
    assert.equal(0.5, m:share())
  end)

  it("does not count what a resumed transfer had before", function()
    local m = meter.meter { total = 2000 }
    m:update(1000, 3)
    assert.is_nil(m:rate())
    m:update(1100, 4)
    assert.equal(100, m:rate())
    assert.equal(9, m:eta())
    assert.equal(0.55, m:share())
  end)

  it("begins again when bytes were lost", function()
    local m = meter.meter { total = 2000 }
    m:update(1000, 0)
    m:update(1500, 1)
    m:update(0, 2)
    assert.is_nil(m:rate())
    m:update(100, 3)
    assert.equal(100, m:rate())
  end)

  it("takes skipped bytes out of the rate", function()
    local m = meter.meter()
    m:update(0, 0)
    m:update(100, 1)
    m:skip(5000)
    m:update(5200, 2)
    assert.equal(100, m:rate())
    m:skip(-5100)
    m:update(200, 3)
    assert.equal(100, m:rate())
  end)

  it("is sensible about more bytes than there should be, and about none at all", function()
    local m = meter.meter { total = 100 }
    m:update(0, 0)
    m:update(150, 1)
    assert.equal(1, m:share())
    assert.equal(0, m:eta())
    m:update(150, 2, 300)
    assert.equal(0.5, m:share())
    assert.equal(2, m:eta())
    local empty = meter.meter { total = 0 }
    empty:update(0, 0)
    assert.equal(1, empty:share())
    assert.equal(0, empty:eta())
    assert.is_nil(empty:rate())
  end)

  it("takes a clock that stands, or runs back, for one that stands", function()
    local m = meter.meter { total = 100 }
    m:update(0, 5)
    m:update(50, 5)
    assert.is_nil(m:rate())
    m:update(50, 4)
    assert.is_nil(m:rate())
    m:update(50, 6)
    assert.equal(50, m:rate())
  end)

  it("keeps few samples, however many updates there are", function()
    local m = meter.meter { total = 1e9 }
    for i = 0, 100000 do
      m:update(i * 10, i / 1000)
    end
    assert.is_true(#m.samples <= 53)
    assert.is_true(math.abs(m:rate() - 10000) < 1)
  end)

  it("refuses wrong input at the caller's line", function()
    local m = meter.meter()
    for message, fn in pairs {
      ["the number of bytes must be a number, got string"] = function() m:update("1", 1) end,
      ["the number of bytes must be a number, got nothing"] = function() m:update(nil, 1) end,
      ["the time must be a number of seconds, got nothing"] = function() m:update(1) end,
      ["the total must be a number, got boolean"] = function() m:update(1, 1, true) end,
      ["the width must be a number, got nothing"] = function() m:line() end,
      ['unknown option "lable"'] = function() meter.meter { lable = "x" } end,
      ["the window must be a number of seconds above 0, got 0"] = function()
        meter.meter { window = 0 }
      end,
    } do
      assert.equal(message, blamed(fn))
    end
  end)
end)

describe("the texts of a meter", function()
  it("give bytes in units of 1000, with no more than four digits", function()
    for count, text in pairs {
      [0] = "0 B", [1] = "1 B", [999] = "999 B", [999.4] = "999 B", [999.5] = "1.0 KB",
      [1000] = "1.0 KB", [1500] = "1.5 KB", [999949] = "999.9 KB", [999950] = "1.0 MB",
      [1.5e6] = "1.5 MB", [20e9] = "20.0 GB", [3e12] = "3.0 TB", [2 ^ 63] = "9.2 EB",
      [-1500] = "-1.5 KB",
    } do
      assert.equal(text, meter.bytes(count))
    end
  end)

  it("give durations with hours where there are any", function()
    for seconds, text in pairs {
      [0] = "0:00", [0.4] = "0:00", [0.5] = "0:01", [59.4] = "0:59", [59.5] = "1:00",
      [61] = "1:01", [3599] = "59:59", [3599.5] = "1:00:00", [3723] = "1:02:03",
      [360000] = "100:00:00", [-3] = "0:00",
    } do
      assert.equal(text, meter.duration(seconds))
    end
  end)
end)

describe("the line of a meter", function()
  local function given(label, total)
    local m = meter.meter { label = label, total = total }
    m:update(0, 0)
    m:update(9500000, 10)
    return m
  end

  it("has its parts as there is room for them", function()
    local m = given("picture-with-long-name-01.png", 20e6)
    for columns, line in pairs {
      [1] = DOTS,
      [5] = "pi" .. DOTS .. "ng",
      [10] = "pi" .. DOTS .. "ng  47%",
      [20] = "picture" .. DOTS .. "-01.png  47%",
      [28] = "pictur" .. DOTS .. "1.png  47% 950.0 KB/s",
      [37] = "pictur" .. DOTS .. "1.png  47%   9.5 MB 950.0 KB/s",
      [50] = "pictur" .. DOTS .. "1.png  47%   9.5 MB 950.0 KB/s     ETA 0:11",
      [80] = "picture-wi" .. DOTS
        .. "me-01.png [========>          ]  47%   9.5 MB 950.0 KB/s     ETA 0:11",
    } do
      assert.equal(line, m:line(columns))
    end
  end)

  it("leaves out what is not known, and says bytes in place of a share", function()
    local m = given("a.bin")
    assert.equal("a" .. DOTS .. "n 9.5 MB", m:line(10))
    assert.equal("a.bin         9.5 MB", m:line(20))
    assert.equal(("a.bin%s9.5 MB 950.0 KB/s"):format((" "):rep(45)), m:line(80))
  end)

  it("is never wider than it may be, whatever it tells, from 0 to 300 columns", function()
    local kanji = "\230\188\162"
    for _, label in ipairs { "", "x", ("long"):rep(200), kanji:rep(50), ("e\204\129"):rep(90) } do
      for _, total in ipairs { 0, 1, 9500000, 20e6, 1e30, false } do
        local m = given(label, total or nil)
        for columns = 0, 300 do
          local line = m:line(columns)
          assert.is_true(width.of(line) <= columns)
          assert.is_nil(line:find("\n"))
        end
      end
    end
  end)

  it("has its columns in the same place for every label", function()
    local kanji = "\230\188\162"
    local expected = given("x", 20e6):line(120):match("%[.*$")
    for _, label in ipairs { "", ("long"):rep(20), kanji:rep(3), kanji:rep(50) } do
      local line = given(label, 20e6):line(120)
      local at = line:find("[=", 1, true)
      assert.equal(expected, line:sub(at))
      assert.equal(41, width.of(line:sub(1, at - 1)))
    end
  end)

  it("says 100% only when all is there, and draws the bar as long", function()
    local m = meter.meter { label = "x", total = 10000 }
    local function at(bytes)
      m:update(bytes, bytes)
      return m:line(80)
    end
    assert.truthy(at(0):find("[                   ]   0%", 1, true))
    assert.truthy(at(9999):find("[=================> ]  99%", 1, true))
    assert.truthy(at(10000):find("[===================] 100%", 1, true))
  end)

  it("shows a label of strangers safely", function()
    local line = given("\27[2J\n\226\128\174", 20e6):line(80)
    assert.truthy(line:find("^\\x1b%[2J\\x0a\\u{202e} "))
    assert.is_nil(line:find("%c"))
  end)

  it("tells no ETA that is days away", function()
    local m = meter.meter { label = "x", total = 1e9 }
    m:update(0, 0)
    m:update(1, 1)
    assert.is_nil(m:line(80):find("ETA"))
  end)
end)
