--- What is measured: the rows of the table, in order. The fields of a row:
---   name      for ONLY=name
---   title     of the row
---   work      what the programs are told to do: see bench/README.md
---   site      which server: "http", "https", "slow" (waits 200 ms before each answer), "name"
---             ("http" by a name that has to be looked up)
---   path      of the URL
---   total, concurrency
---   unit      of the CPU time in the table: "us" for each request, or "ms" in all
---   goal      CPU time of curlew by that of bare C, at most
---   most      of what is counted for curlew, at most: {field = number}
---   time      it is to be no slower than any peer, too
---   files     {count, bytes}: how many files, of what size, are there in the end
---   bundle    TLS servers are verified by the system's bundle of authorities, with ours added

local GIB = 1024 * 1024 * 1024

return {
  {
    name = "http1", title = "20,000 x 1 KB, 64 at once, HTTP/1.1",
    work = "get", site = "http", path = "/1k", total = 20000, concurrency = 64, goal = 0.80,
  },
  {
    name = "http2", title = "the same, HTTP/2 over TLS",
    work = "get", site = "https", path = "/1k", total = 20000, concurrency = 64, goal = 1.15,
  },
  {
    name = "one", title = "5,000 x 1 KB, one after another",
    work = "get", site = "http", path = "/1k", total = 5000, concurrency = 1, goal = 1.10,
  },
  {
    name = "slow1000", title = "10,000 to a server that waits 200 ms, 1,000 at once",
    work = "get", site = "slow", path = "/", total = 10000, concurrency = 1000, goal = 1.0,
  },
  {
    name = "slow5000", title = "the same, 5,000 at once",
    work = "get", site = "slow", path = "/", total = 10000, concurrency = 5000, goal = 0.6,
  },
  {
    name = "slow10000", title = "the same, 10,000 at once",
    work = "get", site = "slow", path = "/", total = 10000, concurrency = 10000, goal = 0.70,
  },
  {
    name = "long5000", title = "50,000 to it, 5,000 at once",
    work = "get", site = "slow", path = "/", total = 50000, concurrency = 5000, goal = 0.6,
  },
  {
    name = "tls", title = "100 new TLS connections, the system's CA bundle, one at a time",
    work = "connect", site = "https", path = "/1k", total = 100, concurrency = 1,
    bundle = true, most = { cpu_us = 1500 },
  },
  {
    name = "pictures", title = "80 pictures of 100 KB to files, 8 at once",
    work = "files", site = "http", path = "/pictures", total = 80, concurrency = 8,
    files = { 80, 100000 }, goal = 0.85, time = true,
  },
  {
    name = "gib", title = "1 GiB, discarded",
    work = "discard", site = "http", path = "/gib", total = GIB, concurrency = 1, unit = "ms",
    goal = 1.05,
  },
  {
    name = "gibread", title = "1 GiB, read by the program piece by piece",
    work = "read", site = "http", path = "/gib", total = GIB, concurrency = 1, unit = "ms",
  },
  {
    name = "gibfile", title = "1 GiB to a file",
    work = "file", site = "http", path = "/gib", total = GIB, concurrency = 1, unit = "ms",
    files = { 1, GIB }, goal = 0.6,
  },
  {
    name = "bursts", title = "25 bursts of 80 x 1 KB",
    work = "bursts", site = "http", path = "/1k", total = 80, concurrency = 80,
    most = { connections = 80 },
  },
  {
    name = "downloads", title = "80 pictures by curlew.download, 8 at once",
    work = "downloads", site = "http", path = "/pictures", total = 80, concurrency = 8,
    files = { 80, 100000 },
  },
  {
    name = "lookup", title = "1,000 first requests at once to one new name",
    work = "get", site = "name", path = "/1k", total = 1000, concurrency = 1000,
    most = { lookups = 1 },
  },
}
