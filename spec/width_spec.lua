local blamed = require "support.blamed"
local width = require "curlew.width"

-- Text by code points, on every Lua.
local function utf8(...)
  local parts = {}
  for i, code in ipairs { ... } do
    local bytes = {}
    local lead = code < 0x80 and 0 or code < 0x800 and 0xC0 or code < 0x10000 and 0xE0 or 0xF0
    local high = code < 0x80 and 128 or code < 0x800 and 32 or code < 0x10000 and 16 or 8
    while code >= high do
      table.insert(bytes, 1, string.char(0x80 + code % 64))
      code = (code - code % 64) / 64
    end
    parts[i] = string.char(lead + code) .. table.concat(bytes)
  end
  return table.concat(parts)
end

local E_ACUTE = "e" .. utf8(0x301)
local KANJI = utf8(0x6F22, 0x5B57)
local SMILE = utf8(0x1F600)
local DOTS = utf8(0x2026)

describe("the width of a text", function()
  it("counts columns as a terminal does", function()
    for text, columns in pairs {
      [""] = 0, ["abc"] = 3, [" ~"] = 2,
      [utf8(0xE9)] = 1, -- e with acute
      [E_ACUTE] = 1,
      [utf8(0xA0)] = 1, [utf8(0xAD)] = 1,
      [KANJI] = 4, [utf8(0xFF21)] = 2, [utf8(0xFF71)] = 1, -- full width A, half width katakana
      [utf8(0xAC00)] = 2, [utf8(0x1100, 0x1161, 0x11A8)] = 2, -- a syllable, and its parts
      [SMILE] = 2, [utf8(0x231A)] = 2, [utf8(0x1FAE0)] = 2, [utf8(0x20000)] = 2,
      [utf8(0x2764, 0xFE0F)] = 1,
      [utf8(0x1F1E9, 0x1F1EA)] = 2, -- a flag
      [utf8(0x200B, 0x200D, 0xFEFF)] = 0,
      [utf8(0x5D0, 0x5B8)] = 1, -- Hebrew with a vowel
      [utf8(0x2026)] = 1, [utf8(0x2500)] = 1, [utf8(0x10FFFF)] = 1, [utf8(0xE000)] = 1,
      ["\0\27\127\n\t"] = 0, [utf8(0x9B)] = 0,
      ["\255"] = 1, ["\195"] = 1, ["\192\128"] = 2, ["\237\160\128"] = 3, ["\244\144\128\128"] = 4,
      ["\226\130"] = 2, ["\226\130x"] = 3,
    } do
      assert.equal(columns, width.of(text), ("%q"):format(text))
    end
  end)

  it("refuses what is no text", function()
    assert.equal("the text must be a string, got number", blamed(function()
      width.of(5)
    end))
    assert.equal("the width must be a number, got string", blamed(function()
      width.fit("abc", "5")
    end))
    assert.equal("the text must be a string, got nothing", blamed(function()
      width.escape(nil)
    end))
  end)
end)

describe("a text cut to a width", function()
  it("stays as it is when it fits", function()
    for _, text in ipairs { "", "abc", KANJI, E_ACUTE, SMILE } do
      assert.equal(text, width.fit(text, width.of(text)))
      assert.equal(text, width.fit(text, 300, "middle"))
    end
  end)

  it("ends with an ellipsis, or has it in its middle", function()
    assert.equal("abcd" .. DOTS, width.fit("abcdefgh", 5))
    assert.equal("ab" .. DOTS .. "gh", width.fit("abcdefgh", 5, "middle"))
    assert.equal("abc" .. DOTS .. "gh", width.fit("abcdefgh", 6, "middle"))
    assert.equal(DOTS, width.fit("abcdefgh", 1))
    assert.equal(DOTS, width.fit("abcdefgh", 1, "middle"))
    assert.equal("", width.fit("abc", 0))
    assert.equal("", width.fit("abc", -1))
  end)

  it("splits no character and keeps marks with theirs", function()
    assert.equal(utf8(0x6F22) .. DOTS, width.fit(KANJI, 3))
    assert.equal(DOTS, width.fit(KANJI, 2))
    assert.equal(E_ACUTE .. DOTS, width.fit(E_ACUTE:rep(5), 2))
    assert.equal(E_ACUTE .. DOTS .. E_ACUTE, width.fit(E_ACUTE:rep(5), 3, "middle"))
    assert.equal(KANJI .. DOTS .. KANJI, width.fit(KANJI:rep(5), 9, "middle"))
    assert.equal(utf8(0x6F22) .. DOTS .. utf8(0x5B57), width.fit(KANJI:rep(5), 6, "middle"))
  end)

  it("is never too wide, nor invalid, whatever the text", function()
    local mixed = "a" .. E_ACUTE .. KANJI .. "\255" .. SMILE .. utf8(0x200D) .. SMILE .. "z"
    for columns = 0, 30 do
      for _, where in ipairs { "end", "middle" } do
        local cut = width.fit(mixed:rep(3), columns, where)
        assert.is_true(width.of(cut) <= columns)
        assert.is_true(columns < 3 or width.of(cut) > columns - 4)
        cut = cut:gsub("\255", "")
        assert.is_nil(width.escape(cut):find("\\x", 1, true), cut)
      end
    end
  end)
end)

describe("a text of strangers", function()
  it("has all that is not seen made visible", function()
    for text, safe in pairs {
      ["\27[31mred\27[0m"] = "\\x1b[31mred\\x1b[0m",
      ["a\nb\r\0\t\127"] = "a\\x0ab\\x0d\\x00\\x09\\x7f",
      ["\27]0;title\7"] = "\\x1b]0;title\\x07",
      [utf8(0x9B) .. "2J"] = "\\u{9b}2J",
      ["\155" .. "2J"] = "\\x9b2J",
      ["gpj" .. utf8(0x202E) .. "exe"] = "gpj\\u{202e}exe",
      [utf8(0x2066, 0x2069, 0x200F, 0x61C)] = "\\u{2066}\\u{2069}\\u{200f}\\u{61c}",
      [utf8(0x2028, 0x2029)] = "\\u{2028}\\u{2029}",
      [utf8(0xE0041)] = "\\u{e0041}",
      ["\192\175"] = "\\xc0\\xaf", -- an overlong slash
      ["\237\160\128"] = "\\xed\\xa0\\x80", -- a surrogate
      ["\244\144\128\128"] = "\\xf4\\x90\\x80\\x80", -- beyond U+10FFFF
      ["\226\130"] = "\\xe2\\x82",
    } do
      assert.equal(safe, width.escape(text))
    end
  end)

  it("stays as it is otherwise", function()
    for _, text in ipairs {
      "", "../../x", "a\\b", "%1b", KANJI, E_ACUTE, SMILE .. utf8(0x200D) .. SMILE,
      utf8(0xE9, 0x5D0), utf8(0x2764, 0xFE0F), utf8(0x10FFFF), utf8(0xA0, 0xAD),
    } do
      assert.equal(text, width.escape(text))
    end
  end)

  it("leaves no byte that a terminal obeys, of all pairs of bytes", function()
    for first = 0, 255 do
      for second = 0, 255 do
        local safe = width.escape(string.char(first, second))
        assert.is_nil(safe:find("[%c\127]"))
        assert.is_nil(safe:find("\194[\128-\159]"))
        assert.equal(safe, width.escape(safe))
      end
    end
  end)
end)
