---@meta
-- The options of curlew's functions, and the plain tables that they return; for editors with LuaLS,
-- as types.lua. Nobody loads this file. Times are seconds, sizes bytes.

--- What a request and a session may say, the latter as the default of its requests.
---@class curlew.CommonOptions
---@field auth? curlew.Auth|"netrc" dropped on a redirect to another origin
---@field cert? string a file
---@field check? boolean a status of 400 and above is a failure
---@field curl? table<string, any> `{ CURLOPT_NAME = value }`
---@field decompress? boolean true, unless it is said
---@field headers? table<string, string|number|string[]|false> false removes one
---@field http? "auto"|"1.1"|"2"|"2-prior-knowledge"|"3"
---@field interface? string
---@field ip? "any"|"4"|"6"
---@field key? string a file
---@field max_body? number 64 MiB in memory, unless it is said
---@field max_redirects? integer 10
---@field max_speed? number a second
---@field params? table<string, any> of the query; lists repeat the name
---@field pinned_key? string "sha256//..."
---@field proxy? string|false a URL; that of the environment, unless it is said
---@field redirect? "follow"|"manual"|"error"
---@field resolve? string[] "name:port:address"
---@field retry? false|integer|curlew.Retry
---@field timeout? number|curlew.Timeout in total
---@field tls_min? "1.0"|"1.1"|"1.2"|"1.3"
---@field unix_socket? string a path
---@field user_agent? string
---@field verbose? fun(line: string) is called in a callback of the loop
---@field verify? boolean|string or a CA file

--- Of a request.
---@class curlew.Options: curlew.CommonOptions
---@field method? string GET, or POST with a body
---@field body? string|fun(): string?|curlew.Reader
---@field file? string is sent from the disk
---@field form? table<string, any>
---@field json? any
---@field multipart? table<string|integer, string|number|curlew.Part>
---@field on_progress? fun(progress: curlew.Progress) at most 10 times a second
---@field sink? string|integer|fun(bytes: string) a path or a descriptor
---@field stream? boolean returns with the head; the body is read as it comes

---@class curlew.SessionOptions: curlew.CommonOptions
---@field allow? fun(ip: string, port: integer): any where its requests may connect to
---@field base_url? string
---@field cookies? boolean|string or the path of their file
---@field max_connections? integer 100
---@field max_per_host? integer 6
---@field max_queue? integer
---@field transport? fun(request: curlew.Request): curlew.Answer?, any in place of the network

---@class curlew.DownloadOptions: curlew.CommonOptions
---@field checksum? string "sha256:...", or sha512, sha1, md5
---@field fsync? boolean
---@field on_progress? fun(progress: curlew.Progress)
---@field overwrite? boolean
---@field pace? fun(bytes: integer) may wait, and so slows it down
---@field resume? boolean true, unless it is said
---@field session? curlew.Session

---@class curlew.Reader
---@field read fun(self: any, most?: integer): string?

---@class curlew.Auth
---@field user? string
---@field password? string
---@field type? "basic"|"digest"|"any"
---@field bearer? string in place of user and password

---@class curlew.Timeout
---@field total? number 300 into memory, none for what is streamed
---@field connect? number 10
---@field idle? number 60, without a byte

---@class curlew.Retry
---@field max? integer 3
---@field statuses? integer[] 408, 425, 429, 500, 502, 503, 504
---@field methods? string[] those that may be repeated
---@field backoff? number 0.5, which doubles
---@field max_delay? number 30

--- Of a multipart form.
---@class curlew.Part
---@field name? string needed in a list
---@field value? string|number
---@field file? string a path, in place of a value
---@field filename? string
---@field type? string
---@field headers? table<string, string>

---@class curlew.Progress
---@field received number
---@field total? number
---@field sent number
---@field upload_total? number
---@field speed number a second

--- What a transport returns.
---@class curlew.Answer
---@field status? integer
---@field headers? table<string, string|string[]>
---@field body? string
---@field json? any in place of a body
---@field http_version? "1.0"|"1.1"|"2"|"3"

---@class curlew.JsonCodec
---@field encode fun(value: any): string raises what is wrong
---@field decode fun(text: string): any
---@field null any

---@class curlew.MapOptions
---@field limit? integer at once

---@class curlew.WaitOptions
---@field return_when? "all"|"first"|"error"
---@field timeout? number

---@class curlew.TestOptions
---@field seed? integer shuffles the tasks that are ready

---@class curlew.DisplayOptions
---@field stream? any io.stderr, or what `terminal.open` gave
---@field count? integer how many there will be
---@field max_rows? integer
---@field quiet? boolean failures only

---@class curlew.MeterOptions
---@field label? string
---@field total? number
---@field window? number over which the rate is taken, 5

--- Of `settle`.
---@class curlew.Outcome
---@field ok boolean
---@field value any its first result
---@field err any

---@class curlew.Timing
---@field dns number
---@field connect number
---@field tls number
---@field first_byte number
---@field total number

---@class curlew.ServerEvent
---@field type string "message", unless it is said
---@field data string
---@field id string

--- What a download has brought.
---@class curlew.Downloaded
---@field path string
---@field bytes number
---@field resumed_from number bytes that were there from earlier calls
---@field attempts integer
---@field etag string?
---@field sha256 string? nil where curlew was built without libcrypto

---@class curlew.Stats
---@field open integer connections
---@field idle integer
---@field in_flight integer requests
---@field queued integer
---@field requests integer so far
---@field reused integer of those, on a connection that had served before
---@field received number bytes of bodies
---@field sent number

---@class curlew.Cookie
---@field name string
---@field value string
---@field domain string
---@field path string?
---@field secure boolean?
---@field http_only boolean?
---@field subdomains boolean?
---@field expires number? Unix time

---@class curlew.Features
---@field version string
---@field libcurl string
---@field tls_library string?
---@field ca_file string?
---@field luv string
---@field protocols string[]
---@field async_dns boolean
---@field brotli boolean
---@field gzip boolean
---@field http2 boolean
---@field http3 boolean
---@field ipv6 boolean
---@field psl boolean
---@field tls boolean
---@field unix_sockets boolean
---@field zstd boolean
