local escape = require("curlew.width").escape
local naming = require "curlew.naming"
local sessions = require "support.sessions"
local unicode = require "curlew.unicode"

-- What strangers may say, and the name it becomes.
local CASES = {
  { "file.txt", "file.txt" },
  { "Ein Bild (2).jpeg", "Ein Bild (2).jpeg" },
  { "gr\195\188n \240\159\152\128.txt", "gr\195\188n \240\159\152\128.txt" },
  -- places
  { "../../etc/passwd", "passwd" },
  { "..\\..\\boot.ini", "boot.ini" },
  { "/etc/passwd", "passwd" },
  { "C:\\Windows\\x.dll", "x.dll" },
  { "C:x.dll", "C_x.dll" },
  { "a/b/", "b" },
  { "a\\b/\\/", "b" },
  { "..", "download" },
  { ".", "download" },
  { "a/..", "download" },
  { "../", "download" },
  { "/", "download" },
  { "", "download" },
  -- what hides, or is an option of a program
  { ".bashrc", "bashrc" },
  { "...x", "x" },
  { "-rf", "rf" },
  { "--help.txt", "help.txt" },
  { " . -x", "x" },
  { "- . -", "download" },
  -- what cannot be written or read
  { "a\0b\nc\rd\te\27[31m\127", "a_b_c_d_e_[31m_" },
  { "a\194\133b\194\155c", "a_b_c" },
  { "photo\226\128\174gnp.exe", "photo_gnp.exe" },
  { "a\226\129\166b\216\156c\226\128\143d", "a_b_c_d" },
  { "a\226\128\168b\239\187\191c\243\160\129\129d", "a_b_c_d" },
  { "a*b?c\"d<e>f|g:h", "a_b_c_d_e_f_g_h" },
  { "a\255b\192\175c\237\160\128", "a\239\191\189b\239\191\189\239\191\189c"
    .. ("\239\191\189"):rep(3) },
  { "\226\130", "\239\191\189\239\191\189" },
  -- what Windows drops or means something else by
  { "x. . .", "x" },
  { "x.txt.", "x.txt" },
  { "con", "_con" },
  { "CON.tar.gz", "_CON.tar.gz" },
  { "Nul .txt", "_Nul .txt" },
  { "com1", "_com1" },
  { "LPT\194\185.txt", "_LPT\194\185.txt" },
  { "COM10", "COM10" },
  { "console", "console" },
  { ".con", "_con" },
  -- names of unfinished files
  { "x.part", "x_part" },
  { "x.PART", "x_PART" },
  { "x.part.json", "x_part.json" },
  { "x.part.new", "x_part.new" },
  { "x.part.txt", "x.part.txt" },
  { "x.part.part", "x.part_part" },
}

local function response(url, field, ...)
  local history = {}
  for i, before in ipairs { ... } do
    history[i] = { url = before }
  end
  return {
    url = url,
    history = history,
    headers = {
      all = function()
        return { field }
      end,
    },
  }
end

describe("a safe name", function()
  for _, case in ipairs(CASES) do
    it(("of %q is %q"):format(escape(case[1]), escape(case[2])), function()
      assert.equal(case[2], naming.safe(case[1]))
    end)
  end

  it("has room for the name of its record, keeps its ending and splits no character", function()
    for _, letter in ipairs { "x", "\195\188", "\226\130\172", "\240\159\152\128" } do
      for shift = 0, 3 do
        for _, ending in ipairs { "", ".txt", ".tar.gz", ".Tar.zst" } do
          local name = naming.safe(("a"):rep(shift) .. letter:rep(300) .. ending)
          assert.is_true(#name <= 245 and #name > 245 - #letter, #name)
          assert.equal(ending, ending == "" and "" or name:sub(-#ending))
          assert.is_nil(name:find("\239\191\189", 1, true))
          assert.equal(name, naming.safe(name))
        end
      end
    end
  end)

  it("keeps no ending that is as long as a name", function()
    local name = naming.safe("a." .. ("x"):rep(300))
    assert.equal("a." .. ("x"):rep(243), name)
  end)

  it("stays as it is, whatever it was made of", function()
    local alphabet = {
      ".", "-", " ", "/", "\\", "a", "con", ".part", ".json", ".new", ".tar", "\226\128\174",
      "\255", "\195", "\188", "\0", ":", "_", ("y"):rep(120), "\226\130\172",
    }
    local seed = 7
    local function pick(most)
      seed = (seed * 16807) % 2147483647
      return seed % most + 1
    end
    for _ = 1, 5000 do
      local pieces = {}
      for i = 1, pick(9) do
        pieces[i] = alphabet[pick(#alphabet)]
      end
      local text = table.concat(pieces)
      local name = naming.safe(text)
      assert.equal(name, naming.safe(name), ("of %q"):format(text))
      assert.is_true(#name >= 1 and #name <= 245)
      assert.is_nil(name:find("^[.%- ]"))
      assert.is_nil(name:find("[%c/\\:]"))
      assert.is_nil(name:find("[. ]$"))
      assert.is_nil(name:lower():find("%.part$"))
      local position = 1
      while position <= #name do
        local code, length = unicode.decode(name, position)
        assert.is_not_nil(code)
        position = position + length
      end
    end
  end)

  it("is made of a long text in no time", function()
    for _, piece in ipairs { "a", "/", ".", " ", "a.", "a/", "\226" } do
      local started = os.clock()
      naming.safe(piece:rep(300000))
      naming.safe(piece:rep(300000) .. "x/y")
      assert.is_true(os.clock() - started < 5, piece)
    end
  end)
end)

describe("a numbered name", function()
  it("has its number in front of the ending", function()
    assert.equal("x.txt", naming.numbered("x.txt", 0))
    assert.equal("x (1).txt", naming.numbered("x.txt", 1))
    assert.equal("x (2).tar.gz", naming.numbered("x.tar.gz", 2))
    assert.equal("tar (3).gz", naming.numbered("tar.gz", 3))
    assert.equal("Makefile (10)", naming.numbered("Makefile", 10))
    assert.equal("_con (1)", naming.numbered("_con", 1))
  end)

  it("is no longer than others", function()
    local name = naming.numbered(naming.safe(("\226\130\172"):rep(200) .. ".png"), 1234)
    assert.is_true(#name <= 245)
    assert.matches("\226\130\172 %(1234%)%.png$", name)
  end)
end)

describe("the name of a URL", function()
  for url, name in pairs {
    ["https://example.org/a/b.txt"] = "b.txt",
    ["https://example.org/b.txt?x=/y#/z"] = "b.txt",
    ["https://example.org/a%20b.txt"] = "a b.txt",
    ["https://example.org/%2e%2e%2f"] = "download",
    ["https://example.org/..%2F..%2Fetc%2Fpasswd"] = "passwd",
    ["https://example.org/%5c%5chost%5cx"] = "x",
    ["https://example.org/%2ebashrc"] = "bashrc",
    ["https://example.org/%1b%5b31mx"] = "_[31mx",
    ["https://example.org/%00"] = "_",
    ["https://example.org/100%"] = "100%",
    ["https://example.org/a/"] = "download",
    ["https://example.org/"] = "download",
    ["https://example.org"] = "download",
    ["https://example.org?a/b"] = "download",
  } do
    it(("of %s is %q"):format(url, name), function()
      assert.equal(name, naming.of_url(url))
    end)
  end
end)

describe("the name of a response", function()
  it("is what its server says; else that of its URL; else that of the first redirect", function()
    local at = "https://example.org/"
    local field = 'attachment; filename="../x.zip"'
    assert.equal("x.zip", naming.of_response(response(at .. "y.zip", field)))
    assert.equal("y.zip", naming.of_response(response(at .. "y.zip", nil, at .. "z.zip")))
    assert.equal("z.zip", naming.of_response(response(at, "inline", at .. "z.zip", at .. "no")))
    assert.equal("download", naming.of_response(response(at)))
  end)

  it("is found in that of a real server", function()
    local nginx = require "support.nginx"
    local curlew = require "curlew"
    local site = nginx.start()
    curlew.run(function()
      local res = sessions.ok(curlew.fetch(site.url .. "/attachment"))
      assert.equal("evil name.txt", naming.of_response(res))
      res = sessions.ok(curlew.fetch(site.url .. "/redirect/2"))
      assert.equal("hello.txt", naming.of_response(res))
    end)
  end)
end)
