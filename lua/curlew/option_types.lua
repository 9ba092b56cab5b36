---@meta
-- The options of curlew's functions, and the plain tables that they return; for editors with LuaLS,
-- as types.lua. Nobody loads this file. Times are seconds, sizes bytes.

--- What a request and a session may say, the latter as the default of its requests.
---@class curlew.CommonOptions
---@field auth? curlew.Auth|"netrc" dropped on a redirect to another origin
---@field cert? string the client's certificate: a file
---@field check? boolean true: a status of 400 and above is a failure
---@field curl? table<string, any> libcurl's own: `{ CURLOPT_NAME = value }`
---@field decompress? boolean default true: asks for compression, and undoes it
---@field headers? table<string, string|number|string[]|false> false leaves one out
---@field http? "auto"|"1.1"|"2"|"2-prior-knowledge"|"3" "auto": 2 where TLS offers it
---@field interface? string or address, from which it connects
---@field ip? "any"|"4"|"6" default "any": which version of IP
---@field key? string the client's private key: a file
---@field max_body? number bytes, once decompressed; default 64 MiB in memory, none else
---@field max_redirects? integer default 10
---@field max_speed? number bytes a second
---@field params? table<string, any> goes into the query of the URL; a list repeats its name
---@field pinned_key? string the server's public key, "sha256//..."
---@field proxy? string|false a URL, or none; default: that of the environment
---@field redirect? "follow"|"manual"|"error" default "follow"
---@field resolve? string[] "name:port:address", in place of a name server
---@field retry? false|integer|curlew.Retry default off; a number as `max`
---@field timeout? number|curlew.Timeout seconds in total, redirects and retries included
---@field tls_min? "1.0"|"1.1"|"1.2"|"1.3" default "1.2"
---@field unix_socket? string a path, in place of an address
---@field user_agent? string default "curlew/VERSION"
---@field verbose? fun(line: string) a line of what goes on; is called in a callback of the loop
---@field verify? boolean|string default true: the certificate is checked; or a file of CAs

--- Of a request.
---@class curlew.Options: curlew.CommonOptions
---@field method? string default GET, or POST with a body
---@field body? string|fun(): string?|curlew.Reader or what gives pieces, then nil
---@field file? string a path: its bytes are the body
---@field form? table<string, any> URL-encoded, as the body
---@field json? any encoded, as the body
---@field multipart? table<string|integer, string|number|curlew.Part> a form with files, as the body
---@field on_progress? fun(progress: curlew.Progress) at most 10 times a second
---@field sink? string|integer|fun(bytes: string) a path, descriptor or function that gets the body
---@field stream? boolean true: returns with the head; the body is read as it comes

--- Of a session.
---@class curlew.SessionOptions: curlew.CommonOptions
---@field allow? fun(ip: string, port: integer): any true where it may connect to
---@field base_url? string to which the URLs of requests are relative
---@field cookies? boolean|string true keeps them in memory; a path, in a file, too
---@field max_connections? integer default 100: requests at once
---@field max_per_host? integer default 6: requests at once to one origin
---@field max_queue? integer requests that wait for a place; default: any number
---@field transport? fun(request: curlew.Request): curlew.Answer?, any in place of the network

--- Of a download.
---@class curlew.DownloadOptions: curlew.CommonOptions
---@field checksum? string that the file must have: "sha256:HEX", or sha512, sha1, md5
---@field fsync? boolean default false; true: it is on the disk before it has its name
---@field on_progress? fun(progress: curlew.Progress) at most 10 times a second
---@field overwrite? boolean default false; true: a file that is there is replaced
---@field pace? fun(bytes: integer) is called with the bytes of each piece, and may wait
---@field resume? boolean default true: goes on with a part that is there
---@field session? curlew.Session default: that of `fetch`

--- What gives a body piece by piece; each call may wait.
---@class curlew.Reader
---@field read fun(self: any, most?: integer): string? the next piece; nil at the end

--- Who one is for a server.
---@class curlew.Auth
---@field user? string their name
---@field password? string of the user
---@field type? "basic"|"digest"|"any" default "basic"
---@field bearer? string in place of user and password

--- Limits of time.
---@class curlew.Timeout
---@field total? number seconds; default 300 into memory, none for a stream
---@field connect? number seconds, default 10
---@field idle? number seconds without a byte, default 60

--- When a request is sent again.
---@class curlew.Retry
---@field max? integer attempts after the first, default 3
---@field statuses? integer[] default 408, 425, 429, 500, 502, 503, 504
---@field methods? string[] default GET, HEAD, OPTIONS, TRACE, PUT, DELETE
---@field backoff? number seconds, default 0.5; doubled each time, at random below
---@field max_delay? number seconds, default 30; also of Retry-After

--- Of a multipart form.
---@class curlew.Part
---@field name? string of the field; needed in a list
---@field value? string|number its text
---@field file? string a path, in place of a value
---@field filename? string default: the file's
---@field type? string of the content, such as "image/png"
---@field headers? table<string, string> of the part

--- How far a transfer is: what `on_progress` is given.
---@class curlew.Progress
---@field received number bytes of the body so far
---@field total? number bytes, when that is known
---@field sent number bytes so far
---@field upload_total? number bytes, when that is known
---@field speed number bytes a second

--- What a transport returns.
---@class curlew.Answer
---@field status? integer default 200
---@field headers? table<string, string|string[]> of the response
---@field body? string its text
---@field json? any in place of a body
---@field http_version? "1.0"|"1.1"|"2"|"3" default "1.1"

--- What makes text of values, and values of text.
---@class curlew.JsonCodec
---@field encode fun(value: any): string raises what is wrong
---@field decode fun(text: string): any raises what is wrong
---@field null any what stands for null

--- Of `map`.
---@class curlew.MapOptions
---@field limit? integer calls at once; default: all

--- Of `wait`.
---@class curlew.WaitOptions
---@field return_when? "all"|"first"|"error" default "all"
---@field timeout? number seconds, after which it returns anyway

--- Of `testing.run`.
---@class curlew.TestOptions
---@field seed? integer shuffles the tasks that are ready

--- Of a display.
---@class curlew.DisplayOptions
---@field stream? any default io.stderr; or what `terminal.open` gave
---@field count? integer how many there will be
---@field max_rows? integer that are shown at once
---@field quiet? boolean true: failures only

--- Of a meter.
---@class curlew.MeterOptions
---@field label? string what its line begins with
---@field total? number bytes, when that is known
---@field window? number seconds over which the rate is taken, default 5

--- Of `settle`.
---@class curlew.Outcome
---@field ok boolean whether it has not failed
---@field value any its first result
---@field err any what it raised

--- What took how long; seconds since the start.
---@class curlew.Timing
---@field dns number seconds until the name was looked up
---@field connect number seconds until it was connected
---@field tls number seconds until TLS was agreed on
---@field first_byte number seconds until the first byte came
---@field total number seconds in all

--- A server-sent event.
---@class curlew.ServerEvent
---@field type string default "message"
---@field data string its lines
---@field id string of the last event that had one

--- What a download has brought.
---@class curlew.Downloaded
---@field path string where the file is
---@field bytes number of the file
---@field resumed_from number bytes that were there from earlier calls
---@field attempts integer how often it was asked for
---@field etag string? as the server said
---@field sha256 string? nil where curlew was built without libcrypto

--- What a session does, and has done.
---@class curlew.Stats
---@field open integer connections
---@field idle integer of these, those that serve nobody
---@field in_flight integer requests under way
---@field queued integer requests that wait for a place
---@field requests integer so far
---@field reused integer of those, on a connection that had served before
---@field received number bytes of bodies
---@field sent number bytes of bodies

--- A cookie of a session.
---@class curlew.Cookie
---@field name string of the cookie
---@field value string of the cookie
---@field domain string the host it belongs to
---@field path string? default "/"
---@field secure boolean? goes over TLS only
---@field http_only boolean? as the server said
---@field subdomains boolean? goes to subdomains of `domain`, too
---@field expires number? Unix time; nil at the end of the session

--- What this curlew is made of.
---@class curlew.Features
---@field version string of curlew
---@field libcurl string its version
---@field tls_library string? that libcurl has
---@field ca_file string? of the issuers that are trusted
---@field luv string its version, and libuv's
---@field protocols string[] that libcurl has
---@field async_dns boolean whether look-ups do not block
---@field brotli boolean whether it is decompressed
---@field gzip boolean whether it is decompressed
---@field http2 boolean whether HTTP/2 can be had
---@field http3 boolean whether HTTP/3 can be had
---@field ipv6 boolean whether it can be had
---@field psl boolean whether cookies of public suffixes are refused
---@field tls boolean whether https can be had
---@field unix_sockets boolean whether they can be had
---@field zstd boolean whether it is decompressed
