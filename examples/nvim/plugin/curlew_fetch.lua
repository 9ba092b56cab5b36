-- The commands. curlew is loaded by the first of them.

vim.api.nvim_create_user_command("Fetch", function(command)
  require("curlew_fetch").fetch(command.args)
end, { nargs = 1, desc = "Fetch a URL into a buffer, line by line as it comes" })

vim.api.nvim_create_user_command("FetchStop", function()
  require("curlew_fetch").stop()
end, { desc = "Stop all that :Fetch has begun" })
