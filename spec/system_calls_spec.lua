-- System calls that fail, by a library that is preloaded (support/failing_calls.c): once, or each
-- time from there on. What had them fail is told, and the session goes on.

local nginx = require "support.nginx"
local process = require "support.process"
local shell = require "support.shell"
local unpack = require("curlew.compat").unpack

local EVER = 1000000
local EPERM, EINTR, EIO, EBADF, EAGAIN, ENOMEM, EACCES = 1, 4, 5, 9, 11, 12, 13
local EXDEV, EMFILE, ENOSPC, EPIPE, EADDRNOTAVAIL, ENETUNREACH = 18, 24, 28, 32, 99, 101
local ECONNRESET, ENOBUFS, ECONNREFUSED, EHOSTUNREACH = 104, 105, 111, 113
local EAI_AGAIN, EAI_MEMORY, EAI_SYSTEM = -3, -10, -11

local FULL, BROKEN = "no space left on device", "i/o error"

-- { what the program does, the call, who calls, errno, the first that fails, the last; its end }
local CASES = {
  { "get", "socket", "core", EMFILE, 1, 1, "io: too many open files: the process has no" },
  { "get", "socket", "core", EMFILE, 1, EVER, "io: too many open files" },
  { "get", "socket", "core", ENOBUFS, 1, EVER, "cannot be reached: No buffer space available" },
  { "get", "socket", "core", EACCES, 1, EVER, "cannot be reached: Permission denied" },
  { "get", "connect", "libcurl", ECONNREFUSED, 1, 1,
    "connect: 127.0.0.1:%d+ refused the connection" },
  { "get", "connect", "libcurl", ENETUNREACH, 1, EVER,
    "cannot be reached: Network is unreachable" },
  { "get", "connect", "libcurl", EHOSTUNREACH, 1, EVER, "cannot be reached: No route to host" },
  { "get", "connect", "libcurl", EADDRNOTAVAIL, 1, EVER, "Cannot assign requested address" },
  { "get", "connect", "libcurl", EPERM, 1, EVER, "cannot be reached: Operation not permitted" },
  { "get", "recv", "libcurl", ECONNRESET, 1, 1, "closed: 127.0.0.1:%d+ reset the connection" },
  { "get", "recv", "libcurl", EIO, 1, EVER, "closed: Recv failure: Input/output error" },
  { "get", "recv", "libcurl", ENOMEM, 1, EVER, "closed: Recv failure: Cannot allocate memory" },
  { "get", "recv", "libcurl", EAGAIN, 1, 1, "success" },
  { "get", "recv", "libcurl", EINTR, 1, 1, "success" },
  { "get", "send", "libcurl", EPIPE, 1, 1, "closed the connection while it was sent to" },
  { "get", "send", "libcurl", ENOBUFS, 1, EVER, "closed: Send failure: No buffer space available" },
  { "get", "send", "libcurl", EAGAIN, 1, 1, "success" },
  { "get", "send", "libcurl", EINTR, 1, 1, "success" },
  { "tls", "recv", "libcurl", ECONNRESET, 1, EVER, "closed: localhost:%d+ reset the connection" },
  { "tls", "recv", "libcurl", ECONNRESET, 3, EVER, "closed: localhost:%d+ reset the connection" },
  { "tls", "send", "libcurl", EPIPE, 2, EVER, "closed: localhost:%d+ closed the connection" },
  { "post", "send", "libcurl", ECONNRESET, 2, EVER, "closed: 127.0.0.1:%d+ reset the connection" },
  { "get", "epoll_ctl", "core", ENOMEM, 1, 1, "io: its socket cannot be watched: Cannot allocate" },
  { "get", "epoll_ctl", "core", ENOSPC, 1, EVER,
    "io: its socket cannot be watched: No space left" },
  { "get", "epoll_wait", "core", EINTR, 1, 1, "success" },
  { "get", "epoll_wait", "core", EBADF, 1, 1, "success" },
  { "session", "epoll_create1", "core", EMFILE, 1, 1, "success" }, -- the second try
  { "session", "epoll_create1", "core", EMFILE, 1, EVER,
    "failing_program.lua:%d+: no client: Too many" },
  { "look_up", "getaddrinfo", "libcurl", EAI_AGAIN, 1, EVER, "resolve: the name name.test has no" },
  { "look_up", "getaddrinfo", "libcurl", EAI_MEMORY, 1, EVER,
    "resolve: the name name.test has no" },
  { "look_up", "getaddrinfo", "libcurl", EAI_SYSTEM, 1, EVER,
    "resolve: the name name.test has no" },
  { "sink", "open64", "libuv", EMFILE, 1, 1,
    "io: cannot write %S+/sink: EMFILE: too many open files" },
  { "sink", "open64", "libuv", EACCES, 1, 1,
    "io: cannot write %S+/sink: EACCES: permission denied" },
  { "sink", "write", "core", ENOSPC, 1, 1, "io: cannot write %S+/sink: No space left on device" },
  { "sink", "write", "core", EIO, 5, EVER, "io: cannot write %S+/sink: Input/output error" },
  { "sink", "write", "core", EINTR, 2, 2, "success" },
  { "stream", "write", "core", ENOSPC, 1, EVER, "io: cannot write %S+/saved: No space left" },
  { "upload", "open64", "libuv", EMFILE, 1, 1, "io: cannot send %S+/source: EMFILE" },
  { "upload", "read", "libuv", EIO, 1, EVER,
    "io: cannot read the body: %S+/source: EIO: " .. BROKEN },
  { "download", "open64", "libuv", EACCES, 1, 1, "io: cannot write %S+/big: EACCES" },
  { "download", "open64", "libuv", EMFILE, 2, EVER, "io: cannot write %S+/big.part: EMFILE" },
  { "download", "write", "libuv", ENOSPC, 1, 1, "io: cannot write %S+/big.part: ENOSPC: " .. FULL },
  { "download", "write", "libuv", ENOSPC, 20, EVER,
    "io: cannot write %S+/big.part: ENOSPC: " .. FULL },
  { "download", "fsync", "libuv", EIO, 1, EVER, "io: cannot write %S+/big.part: EIO: " .. BROKEN },
  { "download", "rename", "libuv", EXDEV, 1, EVER, "io: cannot write %S+/big.part: EXDEV" },
  { "cookies", "open", "libcurl", EACCES, 1, EVER,
    "io: the cookies cannot be written to %S+/cookies" },
  { "cookies", "rename", "libcurl", EACCES, 1, EVER,
    "io: the cookies cannot be written to %S+/cookies" },
}

local function sentence(case)
  local _, call, _, errno, first, last = unpack(case, 1, 6)
  return ("%s fails with %d, %s"):format(call, errno,
    first == last and ("the %d. time"):format(first) or ("from the %d. time on"):format(first))
end

describe("where a system call fails #confined", function()
  local answers = {}

  setup(function()
    local site, folder = nginx.start(), shell.scratch()
    local library = folder .. "/failing_calls.so"
    assert(shell.run(("cc -shared -fPIC -O1 -o %s spec/support/failing_calls.c -ldl"):format(
      shell.quote(library))))
    shell.write_file(folder .. "/source", ("x"):rep(1000000))
    local orders = {}
    for i, case in ipairs(CASES) do
      orders[i] = ("%s %s %s %d %d %d\n"):format(unpack(case, 1, 6)) -- luacheck: ignore 113
    end
    local child = process.run {
      process.lua, "spec/support/failing_program.lua", stdin = table.concat(orders), timeout = 60,
      env = {
        LD_PRELOAD = library, LIBRARY = library, SITE = site.url, TLS_SITE = site.https,
        CA = site.ca, FOLDER = folder,
      },
    }
    for line in child.stdout:gmatch "[^\n]+" do
      answers[#answers + 1] = line
    end
    assert.equal("", child.stderr)
  end)

  for i, case in ipairs(CASES) do
    it(("%s: %s"):format(case[1], sentence(case)), function()
      local came, afterwards = assert(answers[i], "the program has ended"):match "^(.*)|(.*)$"
      assert.matches(case[7], came)
      assert.equal("", afterwards)
    end)
  end
end)
