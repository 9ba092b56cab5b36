--- Eight motifs, each a function from a place to a colour, and the pictures that are drawn of them.
---
--- `u` and `v` run from -1 to 1 across the picture; `k`, 0 to 9, tells variations of one motif
--- apart. A colour is a place on a colour wheel that the palette turns once around: only its
--- fraction counts.

local png = require "pictures.png"

local abs, char, cos, exp, floor = math.abs, string.char, math.cos, math.exp, math.floor
local log, pi, sin, sqrt = math.log, math.pi, math.sin, math.sqrt
local atan2 = math.atan2 or math.atan -- one function of two arguments since Lua 5.3
local unpack = table.unpack or unpack -- luacheck: ignore 113

local COLOURS = 254 -- of the wheel; two more are for the number
local INK, PAPER = 254, 255

local motifs = {}

motifs[1] = function(u, v, k) -- plasma
  local r = sqrt(u * u + v * v)
  return (sin(3 * u + k) + sin((2 + k / 3) * v) + sin(2 * (u + v) - k) + sin(5 * r)) / 5
end

motifs[2] = function(u, v, k) -- waves from two stones thrown into water
  local right, left = u - 0.2 - k / 20, u + 0.2 + k / 20
  return (sin(16 * sqrt(right * right + v * v)) + sin(16 * sqrt(left * left + v * v))) / 6
end

motifs[3] = function(u, v, k) -- spiral
  local arms = k % 5 + 1
  local turn = k < 5 and 1.5 or -1.5
  return atan2(v, u) / (2 * pi) * arms + turn * sqrt(u * u + v * v)
end

motifs[4] = function(u, v, k) -- weave
  return sin((5 + k) * u) * sin((14 - k) * v) / 3 + abs(u - v) / 4
end

motifs[5] = function(u, v, k) -- Julia set
  local angle = 2 * pi * k / 10 + 0.3
  local a, b = 0.7885 * cos(angle), 0.7885 * sin(angle)
  local x, y = 1.5 * u, 1.5 * v
  for count = 1, 24 do
    local xx, yy = x * x, y * y
    if xx + yy > 16 then
      return (count - log(log(xx + yy)) / log(2)) / 16
    end
    x, y = xx - yy + a, 2 * x * y + b
  end
  return 0.95
end

motifs[6] = function(u, v, k) -- rosette
  local r = sqrt(u * u + v * v)
  return 0.35 * cos((3 + k) * atan2(v, u) + 2 * r) * r + r
end

motifs[7] = function(u, v, k) -- cells around points scattered by the golden angle
  local nearest = 8
  for n = 1, 7 do
    local angle, r = 2.4 * n + k, sqrt(n / 7)
    local x, y = u - r * cos(angle), v - r * sin(angle)
    local distance = x * x + y * y
    nearest = distance < nearest and distance or nearest
  end
  return 0.9 * sqrt(nearest)
end

motifs[8] = function(u, v, k) -- the sun behind hills, nearest hill first
  for hill = 1, 4 do
    local ridge = 0.9 - 0.25 * hill + 0.12 * sin((2 + hill) * u + 3 * hill + k)
    if v > ridge + 0.05 * sin(9 * u - k * hill) then
      return 0.94 - 0.11 * hill + 0.04 * v
    end
  end
  local x, y = u - 0.5 + k / 10, v + 0.55
  local distance = x * x + y * y
  return 0.3 - 0.25 * exp(-6 * distance) - (distance < 0.04 and 0.05 or 0)
end

--- Digits, three pixels wide and five high.
local DIGITS = {
  [0] = "111101101101111", "010110010010111", "111001111100111", "111001111001111",
  "101101111001001", "111100111001111", "111100111101111", "111001001001001",
  "111101111101111", "111101111001111",
}
local SCALE = 4

--- Writes a number of two digits into the lower right corner of `rows`.
local function write_number(rows, number)
  local tens, ones = DIGITS[floor(number / 10)], DIGITS[number % 10]
  local margin = ("0"):rep(9)
  local lines = { margin }
  for y = 0, 4 do
    local from, to = 3 * y + 1, 3 * y + 3
    lines[#lines + 1] = ("0%s0%s0"):format(tens:sub(from, to), ones:sub(from, to))
  end
  lines[#lines + 1] = margin
  local pixel = { ["0"] = char(INK):rep(SCALE), ["1"] = char(PAPER):rep(SCALE) }
  for y = 0, #lines * SCALE - 1 do
    local line = lines[floor(y / SCALE) + 1]:gsub("%d", pixel)
    local at = #rows - (#lines + 1) * SCALE + y
    rows[at] = rows[at]:sub(1, -#line - SCALE - 1) .. line .. rows[at]:sub(-SCALE)
  end
end

--- Three cosines, shifted against each other, go once around: no seam where the wheel closes.
local function palette(number)
  local shift = number * 0.618034
  local colours = {}
  for i = 0, COLOURS - 1 do
    local t = i / COLOURS + shift
    local function level(offset)
      return floor(255 * (0.55 + 0.45 * cos(2 * pi * (t + offset))))
    end
    colours[i + 1] = char(level(0), level(0.15 + number % 3 / 20), level(0.35))
  end
  return table.concat(colours) .. "\24\24\32" .. "\255\255\255"
end

local M = {}

--- How many pictures there are.
M.COUNT = 80

--- Draws a picture. The same number gives the same bytes, another number another picture.
---@param number integer 1 to `COUNT`
---@return string png
function M.draw(number)
  local motif, k = motifs[(number - 1) % 8 + 1], floor((number - 1) / 8)
  local width, height = 88 + number * 7 % 32, 92 + number * 11 % 24
  if number % 20 == 0 then
    width, height = 2 * width, 2 * height
  end
  local rows, line = {}, {}
  for y = 1, height do
    local v = 2 * y / height - 1
    for x = 1, width do
      line[x] = floor(motif(2 * x / width - 1, v, k) % 1 * COLOURS)
    end
    rows[y] = char(unpack(line, 1, width))
  end
  write_number(rows, number)
  return png.encode(width, rows, palette(number))
end

return M
