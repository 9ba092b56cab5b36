---@meta
-- What editors with LuaLS know of curlew: `require "curlew"` and the objects that it gives. Nobody
-- loads this file. Options and results are in option_types.lua; what else there is to say, where
-- each function is. Times are seconds, sizes bytes. What is `async` waits, so it is for tasks only.

---@class curlew: curlew.tasks
---@field version string the version of curlew
---@field null any what stands for null in JSON values
---@field fetch async fun(url: string, options?: curlew.Options): curlew.Response?, curlew.Error?
---@field session fun(options?: curlew.SessionOptions): curlew.Session
---@field features fun(): curlew.Features what this curlew is made of
---@field is_public fun(ip: string): boolean whether an address is none of a private network
---@field is_error fun(value: any, kind?: curlew.Kind): boolean
---@field use_json fun(codec: curlew.JsonCodec) another JSON codec, for the whole program
---@field progress curlew.progress
---@field terminal curlew.terminal
local curlew = {}

--- Brings a file to `path`, or into a folder, which ends with "/". Goes on with what is there.
---@async
---@param url string
---@param path string
---@param options? curlew.DownloadOptions
---@return curlew.Downloaded?
---@return curlew.Error?
function curlew.download(url, path, options) end

--- Sends a request as `fetch` does; calls `callback(err, res)` once, later.
---@param url string
---@param options? curlew.Options
---@param callback curlew.Callback
---@return curlew.Call
function curlew.fetch_cb(url, options, callback) end

---@alias curlew.Callback fun(err?: curlew.Error, res?: curlew.Response)
---@alias curlew.Item function|curlew.Task
---@alias curlew.Hook fun(err: any, task: curlew.Task)

--- Tasks: `curlew` has all of these, too.
---@class curlew.tasks
---@field run fun(fn: function, ...: any): ... runs the main task, turning the loop
---@field spawn fun(fn: function|curlew.Coroutine, ...: any): curlew.Task starts it, a turn later
---@field async fun(fn: function): fun(...: any): curlew.Coroutine
---@field current fun(): curlew.Task? the one that runs
---@field tree fun(depth?: integer): string all tasks, and where each waits
---@field sleep async fun(seconds: number)
---@field yield async fun() lets the others go on
---@field timeout async fun(seconds: number, fn: function, ...: any): ... or nil and an error
---@field group async fun(body: fun(group: curlew.Group): ...): ... ends when all in it has ended
---@field shield async fun(fn: function, ...: any): ... a cancellation waits until it has ended
---@field pcall async fun(fn: function, ...: any): boolean, ... waits also on plain Lua 5.1
---@field gather async fun(list: curlew.Item[]): any[] the first failure cancels the rest
---@field settle async fun(list: curlew.Item[]): curlew.Outcome[] cancels nothing, raises nothing
---@field race async fun(list: curlew.Item[]): integer, ... the first to end; the rest is cancelled
---@field map async fun(list: any[], fn: function, options?: curlew.MapOptions): any[]
---@field wait async fun(of: curlew.Item[], how?: curlew.WaitOptions): curlew.Task[], curlew.Task[]
---@field as_completed fun(list: curlew.Item[]): async fun(): curlew.Task?
---@field semaphore fun(slots: integer): curlew.Semaphore
---@field lock fun(): curlew.Lock
---@field event fun(): curlew.Event
---@field condition fun(lock?: curlew.Lock): curlew.Condition
---@field queue fun(capacity?: integer): curlew.Queue
---@field await async fun(start: fun(done: fun(...: any)): function?): ... waits for a callback
---@field call async fun(fn: function, ...: any): ... a function of luv's; or nil and its text
---@field thread async fun(fn: function, ...: any): ... runs it on a worker thread
---@field on_unhandled fun(fn?: curlew.Hook) who is told of failures that nobody awaits
---@field on_warning fun(fn?: fun(text: string))
---@field testing curlew.testing

---@class curlew.testing
---@field run fun(fn: function, options?: curlew.TestOptions): ... with a clock that jumps
---@field wait_all_blocked async fun() until all other tasks wait
---@field shuffle fun(seed?: integer): integer? the order of tasks that are ready; nil: none
---@field random fun(seed: integer): fun(n: integer): integer

---@class curlew.progress
---@field display fun(options?: curlew.DisplayOptions): curlew.Display many transfers on a terminal
---@field meter fun(options?: curlew.MeterOptions): curlew.Meter
---@field bytes fun(count: number): string such as "1.5 MB"
---@field duration fun(seconds: number): string such as "1:02:03"
---@field frames string[] what a spinner shows

---@class curlew.terminal
---@field open fun(stream?: any): curlew.Terminal of io.stderr, unless it is said
---@field width fun(text: string): integer columns that a text takes
---@field fit fun(text: string, columns: integer, cut?: "end"|"middle"): string
---@field escape fun(text: string): string with controls made visible

--- What `spawn` returns.
---@class curlew.Task
---@field await async fun(self): ... its results; raises its error
---@field cancel fun(self, reason?: any): boolean false when it has ended
---@field status fun(self): curlew.Status
---@field done fun(self): boolean whether it has ended
---@field result fun(self): ... as `await`, but raises when it has not ended
---@field name fun(self, name?: string): string sets it, when one is given
---@field traceback fun(self): string?
---@field where fun(self): string? "file:line" at which it waits

---@alias curlew.Status "scheduled"|"running"|"waiting"|"done"|"failed"|"cancelled"

--- What a function made with `async` returns: to be awaited, or spawned, once.
---@class curlew.Coroutine
---@overload async fun(): ...
---@field await async fun(self): ...

--- What the body of `group` is given.
---@class curlew.Group
---@field spawn fun(self, fn: function|curlew.Coroutine, ...: any): curlew.Task
---@field cancel fun(self) ends it without an error

--- Slots, of which each task takes one.
---@class curlew.Semaphore
---@field acquire async fun(self)
---@field release fun(self)
---@field with async fun(self, fn: function, ...: any): ... runs `fn(...)` between the two

--- A semaphore of one slot.
---@class curlew.Lock
---@field acquire async fun(self)
---@field release fun(self)
---@field with async fun(self, fn: function, ...: any): ... runs `fn(...)` between the two

--- Something that happens once, or again after `clear`.
---@class curlew.Event
---@field wait async fun(self)
---@field set fun(self)
---@field clear fun(self)
---@field is_set fun(self): boolean

--- A lock, and tasks that wait, without it, for something to change.
---@class curlew.Condition
---@field wait async fun(self) gives the lock up meanwhile
---@field notify fun(self, count?: integer)
---@field notify_all fun(self)
---@field lock curlew.Lock which its tasks hold

--- Values that some tasks put in, and others take out, the oldest first.
---@class curlew.Queue
---@field put async fun(self, value: any): true?, curlew.Error?
---@field get async fun(self): any nil when it is closed and empty
---@field try_put fun(self, value: any): boolean
---@field try_get fun(self): any
---@field items fun(self): async fun(): any
---@field size fun(self): integer
---@field close fun(self)

--- Requests that share options, connections, limits and cookies.
---@class curlew.Session
---@field get curlew.Send `request`, with this method
---@field head curlew.Send `request`, with this method
---@field post curlew.Send `request`, with this method
---@field put curlew.Send `request`, with this method
---@field patch curlew.Send `request`, with this method
---@field delete curlew.Send `request`, with this method
---@field options curlew.Send `request`, with this method
---@field events fun(self, url: string, options?: curlew.Options): curlew.EventSource
---@field use fun(self, wrap: curlew.Middleware)
---@field cookies fun(self): curlew.Cookie[]
---@field set_cookie fun(self, cookie: curlew.Cookie): true?, curlew.Error?
---@field clear_cookies fun(self)
---@field save_cookies fun(self): true?, curlew.Error?
---@field stats fun(self): curlew.Stats
---@field close fun(self): true?, curlew.Error? ends what is under way
local Session = {}

---@async
---@param method? string GET, or POST with a body
---@param url string
---@param options? curlew.Options
---@return curlew.Response?
---@return curlew.Error?
function Session:request(method, url, options) end

---@alias curlew.Send
---| async fun(self, url: string, options?: curlew.Options): curlew.Response?, curlew.Error?
---@alias curlew.Next async fun(request: curlew.Request): curlew.Response?, curlew.Error?
---@alias curlew.Middleware
---| fun(request: curlew.Request, next: curlew.Next): curlew.Response?, curlew.Error?

--- What middleware and transports are given: the options of a request, and where it goes.
---@class curlew.Request: curlew.Options
---@field url string absolute, or relative to `base_url`

--- What a server has answered.
---@class curlew.Response
---@field status integer such as 200
---@field ok boolean whether the status is 200 to 299
---@field reason string the server's word for it; empty with HTTP/2
---@field url string after redirects
---@field headers curlew.Headers of its head
---@field trailers curlew.Headers what came after the body
---@field body string? nil where it is read as it comes
---@field http_version "1.0"|"1.1"|"2"|"3" of the answer
---@field history curlew.Response[] redirects, the first one first
---@field timing curlew.Timing what took how long
---@field remote_ip string the address of the server
---@field reused boolean whether its connection had served before
---@field attempts integer how often the request was sent
---@field json async fun(self): any, curlew.Error?
---@field check fun(self): curlew.Response?, curlew.Error? fails from 400 on
---@field read async fun(self, most?: integer): string?, curlew.Error?
---@field text async fun(self): string?, curlew.Error? the rest
---@field chunks fun(self): async fun(): string?
---@field lines fun(self): async fun(): string?
---@field events fun(self): async fun(): curlew.ServerEvent?
---@field save async fun(self, path: string): integer?, curlew.Error?
---@field close fun(self)

--- Header fields: by name, in any case, and in their order.
---@class curlew.Headers
---@field [string] string? by name, in any case; repeated ones are joined
---@field all fun(self, name: string): string[]
---@field each fun(self): fun(): string?, string?

--- For a loop: `for event in session:events(url) do`.
---@class curlew.EventSource
---@overload async fun(): curlew.ServerEvent?
---@field next async fun(self): curlew.ServerEvent?
---@field close fun(self)
---@field last_event_id string of the last event that had one
---@field delay number before it connects again

---@alias curlew.Kind
---| "resolve"|"connect"|"tls"|"proxy"|"timeout"|"cancelled"|"closed"|"protocol"|"redirect"
---| "too_large"|"decode"|"upload"|"status"|"invalid_url"|"unsupported"|"io"|"checksum"
---| "closed_session"|"raised"

--- What comes in place of a result, and what a cancellation raises.
---@class curlew.Error
---@field kind curlew.Kind what went wrong, in one word
---@field message string one sentence, without secrets
---@field method string? of the request
---@field url string? without secrets
---@field phase string? "queue", "resolve", "connect", "tls", "send", "wait" or "body"
---@field code string? libcurl's name
---@field retryable boolean? whether the same request may well succeed later
---@field attempts integer? how often it was tried
---@field response curlew.Response? of kind "status", or a redirect that was refused
---@field cause any the error that led to this one
---@field reason any of kind "cancelled": what `cancel` was given

--- A request of `fetch_cb`.
---@class curlew.Call
---@field close fun(self): boolean cancels; the callback is told so, later

--- Many transfers on a terminal; elsewhere, a line for each that has ended.
---@class curlew.Display
---@field add fun(self, label: string, total?: number): curlew.Row
---@field print fun(self, text: string) above the rows
---@field close fun(self)

--- A transfer of a display: what `add` returns.
---@class curlew.Row
---@field update fun(self, bytes: number, total?: number)
---@field finish fun(self, text?: string)
---@field fail fun(self, text?: any)

--- The figures of one transfer, without any terminal.
---@class curlew.Meter
---@field update fun(self, bytes: number, time: number, total?: number)
---@field skip fun(self, bytes: number)
---@field rate fun(self): number? bytes a second
---@field share fun(self): number? 0 to 1
---@field eta fun(self): number? seconds
---@field line fun(self, columns: integer): string

--- A stream, and what it can show.
---@class curlew.Terminal
---@field is_terminal boolean whether the stream is one
---@field colours boolean whether it shows them
---@field width fun(self): integer columns
---@field height fun(self): integer lines
---@field write fun(self, text: string)
---@field paint fun(self, colour: curlew.Colour, text: string): string
---@field hide_cursor fun(self, at_end?: fun())
---@field show_cursor fun(self)

---@alias curlew.Colour "red"|"green"|"yellow"|"bold"|"dim"
