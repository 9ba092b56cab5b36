--- Where the functions of tasks live that `curlew.task` does not have itself: modules, by the names
--- of the functions.

local homes = {}

for home, names in pairs {
  async = { "async" },
  callback = { "await", "call" },
  gather = { "gather", "map", "race", "settle" },
  queue = { "queue" },
  run = { "run" },
  scope = { "group", "shield" },
  sync = { "condition", "event", "lock", "semaphore" },
  testing = { "testing" },
  thread = { "thread" },
  time = { "sleep", "timeout" },
  tree = { "tree" },
  unhandled = { "on_unhandled" },
  wait = { "as_completed", "wait" },
  warning = { "on_warning" },
} do
  for _, name in ipairs(names) do
    homes[name] = "curlew." .. home
  end
end

return homes
