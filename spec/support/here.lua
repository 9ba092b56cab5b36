--- `here()` is the number of the line that calls it.

return function()
  return debug.getinfo(2, "l").currentline
end
