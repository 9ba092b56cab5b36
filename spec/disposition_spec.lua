local disposition = require "curlew.disposition"
local escape = require("curlew.width").escape

local EURO = "\226\130\172"

-- Fields as servers send them, and the name in each; false where there is none.
local CASES = {
  { "attachment; filename=a.txt", "a.txt" },
  { "inline; filename=a.txt", "a.txt" },
  { 'attachment; filename="a b.txt"', "a b.txt" },
  { 'ATTACHMENT;FILENAME="a.txt"', "a.txt" },
  { 'attachment ; filename = "a.txt" ;', "a.txt" },
  { 'attachment; filename="a;b=c.txt"; size=1', "a;b=c.txt" },
  { 'attachment; filename="a\\"b\\\\c.txt"', 'a"b\\c.txt' },
  { 'attachment; x="filename=no"; filename=yes', "yes" },
  { 'attachment; xfilename=no; filename=yes', "yes" },
  { "attachment; filename=one; filename=two", "one" },
  { "attachment; filename=a%20b.txt", "a%20b.txt" },
  -- filename* wins
  { "attachment; filename=no; filename*=UTF-8''%e2%82%ac%20rates", EURO .. " rates" },
  { "attachment; filename*=utf-8'en'a.txt; filename=no", "a.txt" },
  { "attachment; filename*=ISO-8859-1''%A3%20rates", "\194\163 rates" },
  { "attachment; filename*=UTF-8''..%2f..%2fx", "../../x" },
  -- unless it cannot be read
  { "attachment; filename=yes; filename*=UTF-8''%ff", "yes" },
  { "attachment; filename=yes; filename*=KOI8-R''x", "yes" },
  { "attachment; filename=yes; filename*=x", "yes" },
  { "attachment; filename*=UTF-8''%ff", false },
  -- broken ones, as browsers read them
  { "filename=a.txt", "a.txt" },
  { "attachment; filename=a b.txt", "a b.txt" },
  { 'attachment; filename="a.txt', "a.txt" },
  { 'attachment; filename="a.txt\\', "a.txt" },
  { 'attachment; filename="a.txt"x; y=z', "a.txt" },
  { "attachment; filename=\"UTF-8''x\"", "UTF-8''x" },
  { "attachment; filename*=\"UTF-8''x%20y\"", "x y" },
  { "; ; attachment;; filename=a.txt", "a.txt" },
  { "attachment; filename=gr\252n", "gr\195\188n" },
  { "attachment; filename=gr\195\188n", "gr\195\188n" },
  -- none
  { "attachment", false },
  { "attachment; filename", false },
  { "attachment; filename=", false },
  { 'attachment; filename=""', false },
  { "", false },
  { ";", false },
  { "=", false },
}

describe("a Content-Disposition field", function()
  for _, case in ipairs(CASES) do
    it(escape(("%s has the name %s"):format(case[1], tostring(case[2]))), function()
      assert.equal(case[2] or nil, disposition.name(case[1]))
    end)
  end

  it("is read in no time, however long", function()
    for _, piece in ipairs { ";", " ", "=", "a", '"', "\\", "a;", 'a="', "; a =", "'", "%" } do
      local started = os.clock()
      disposition.name("attachment; filename=" .. piece:rep(300000 / #piece))
      disposition.name("attachment; filename*=" .. piece:rep(300000 / #piece))
      disposition.name(piece:rep(300000 / #piece))
      assert.is_true(os.clock() - started < 5, piece)
    end
  end)
end)
