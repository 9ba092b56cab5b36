--- A PNG encoder in plain Lua: 8 bits a pixel with a palette, and zlib data that is not compressed.
---
--- Its checksums do without bitwise operators, which each Lua spells differently: a CRC is kept as
--- four bytes, and two bytes are combined by looking the result up.

local byte, char, concat = string.byte, string.char, table.concat

--- XOR[a * 256 + b] is the exclusive or of two bytes. Made of smaller ones: the table for n bits
--- knows all but the highest bit of n + 1.
local XOR = { [0] = 0 }
do
  local bit = 1
  while bit < 256 do
    for a = 0, bit - 1 do
      for b = 0, bit - 1 do
        local low = XOR[a * 256 + b]
        XOR[(a + bit) * 256 + b] = low + bit
        XOR[a * 256 + b + bit] = low + bit
        XOR[(a + bit) * 256 + b + bit] = low
      end
    end
    bit = bit * 2
  end
end

--- The CRC-32 of each single byte, as four lists of bytes, lowest first.
local CRC1, CRC2, CRC3, CRC4 = {}, {}, {}, {}
for n = 0, 255 do
  local a, b, c, d = n, 0, 0, 0
  for _ = 1, 8 do
    local carry = a % 2
    a = (a - carry) / 2 + b % 2 * 128
    b = (b - b % 2) / 2 + c % 2 * 128
    c = (c - c % 2) / 2 + d % 2 * 128
    d = (d - d % 2) / 2
    if carry == 1 then -- the polynomial, 0xEDB88320
      a, b = XOR[a * 256 + 0x20], XOR[b * 256 + 0x83]
      c, d = XOR[c * 256 + 0xB8], XOR[d * 256 + 0xED]
    end
  end
  CRC1[n], CRC2[n], CRC3[n], CRC4[n] = a, b, c, d
end

local function crc32(data)
  local a, b, c, d = 255, 255, 255, 255
  for i = 1, #data do
    local n = XOR[a * 256 + byte(data, i)]
    a, b, c, d = XOR[b * 256 + CRC1[n]], XOR[c * 256 + CRC2[n]], XOR[d * 256 + CRC3[n]], CRC4[n]
  end
  return char(255 - d, 255 - c, 255 - b, 255 - a)
end

local function adler32(data)
  local a, b = 1, 0
  for i = 1, #data do
    a = a + byte(data, i)
    b = b + a
    if i % 4096 == 0 then -- before the sums grow beyond what a double holds exactly
      a, b = a % 65521, b % 65521
    end
  end
  a, b = a % 65521, b % 65521
  return char((b - b % 256) / 256, b % 256, (a - a % 256) / 256, a % 256)
end

local function uint32(n)
  local a, b, c = n % 256, n % 65536, n % 16777216
  return char((n - c) / 16777216, (c - b) / 65536, (b - a) / 256, a)
end

--- A stored block can hold 65,535 bytes: its length and the complement of it, lowest byte first.
local function zlib(data)
  local parts = { "\120\1" }
  for from = 1, #data, 65535 do
    local block = data:sub(from, from + 65534)
    local low = #block % 256
    local high = (#block - low) / 256
    local last = from + 65535 > #data and 1 or 0
    parts[#parts + 1] = char(last, low, high, 255 - low, 255 - high)
    parts[#parts + 1] = block
  end
  parts[#parts + 1] = adler32(data)
  return concat(parts)
end

local function chunk(name, data)
  return uint32(#data) .. name .. data .. crc32(name .. data)
end

local M = {}

--- Encodes a picture.
---@param width integer in pixels
---@param rows string[] one string for each line, one byte for each pixel: its place in the palette
---@param palette string three bytes for each colour: red, green, blue
---@return string png the file's bytes
function M.encode(width, rows, palette)
  local size = uint32(width) .. uint32(#rows)
  return concat {
    "\137PNG\r\n\26\n",
    chunk("IHDR", size .. "\8\3\0\0\0"), -- 8 bits, palette, and the only methods there are
    chunk("PLTE", palette),
    chunk("IDAT", zlib("\0" .. concat(rows, "\0"))), -- each line with its filter: none
    chunk("IEND", ""),
  }
end

return M
