-- Only what Lua 5.1, 5.2, 5.3, 5.4 and LuaJIT all have ...
std = "min"
max_line_length = 100
codes = true

-- ... but for the one module that knows their differences, and for what is not the library.
files["lua/curlew/compat.lua"].std = "max"
files["lua/curlew/types.lua"].ignore = { "212", "241" } -- functions without bodies
files["examples"].std = "max"
files["examples/nvim"].globals = { "vim" }
files["bench"].std = "max"
files["spec"].std = "max+busted"
