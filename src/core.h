/* curlew's C core: libcurl's multi interface behind one descriptor.
 *
 * The laws: no function here calls Lua, and none keeps a lua_State. libcurl's callbacks
 * (on_*) only record; Lua reads what they recorded once libcurl is off the stack. Only
 * functions that start with l_ or check_ raise Lua errors, and only while nothing is half
 * done. */
#ifndef CURLEW_CORE_H
#define CURLEW_CORE_H

#include "buffer.h"
#include "compat.h"
#include "pollset.h"
#include "process.h"
#include "transfer.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- setup.c: what many requests have in common --- */

/* The number of the setup at `index`, 0 for one that serves a single request. */
int64_t setup_number(lua_State *L, int index);
/* Makes the transfer one of that setup: NULL, or what is wrong, with the name of the
 * option on top of the stack. */
const char *setup_tell(lua_State *L, struct transfer *transfer, int index);
/* A limit in seconds; 0 and what is beyond all measure are no limit. */
int64_t setup_milliseconds(lua_Number seconds);
/* --- header.c and body.c --- */

/* Whether libcurl must not reuse a handle that has no guard. */
bool header_needs_guard(void);
/* Whether the bytes are a line of a head, about which on_write is asked first; it is
 * `fine` then to go on with. */
bool header_guard(struct transfer *transfer, const char *bytes, size_t length,
                  bool *fine);

size_t on_header(char *bytes, size_t size, size_t count, void *transfer);
size_t on_write(char *bytes, size_t size, size_t count, void *transfer);

/* --- address.c: where a transfer may connect to --- */

/* Whether a transfer may connect to an address; notes the address in `asked` if not.
 * Lines of `allowed` and `asked`: the address, a blank, the port, a line feed. */
bool address_admits(struct transfer *transfer, const struct curl_sockaddr *address);

/* --- outcome.c: what a transfer has brought --- */

/* Pushes a table of what it has brought so far; returns the number of values. */
int outcome_push(lua_State *L, struct transfer *transfer);

/* --- stream.c: bodies piece by piece, with backpressure --- */

/* Takes bytes for Lua to read. Returns what libcurl's write callback has to. */
size_t stream_take(struct transfer *transfer, const char *bytes, size_t length);
/* Writes bytes of the body to the transfer's sink; false with os_error. */
bool stream_sink(struct transfer *transfer, const char *bytes, size_t length);
size_t on_read(char *bytes, size_t size, size_t count, void *transfer);
/* Has a transfer go on in the next step, or round of this one. */
void stream_resume_soon(struct transfer *transfer);
/* Has the transfers go on that were paused and need not be any more. */
void stream_resume(struct client *client);
/* Has libcurl give back what it holds of a paused transfer that is to be removed. */
void stream_discard(struct transfer *transfer);
void stream_register(lua_State *L);

/* --- cookies.c: what the transfers of a client share --- */

/* Opens the share; false when memory is out. */
bool share_open(struct client *client);
/* Adds a cookie jar, with what is in the file `path`, if given and there. */
bool cookies_open(struct client *client, const char *path);
/* After the transfers were freed: they use it. */
void share_close(struct client *client);
void cookies_register(lua_State *L);

/* --- mime.c: forms of several parts --- */

/* Makes the body of the list of parts at `index`: `{ name, value | file, filename, type,
 * headers = list of lines }`. */
CURLcode mime_set(lua_State *L, struct transfer *transfer, int index);

/* --- option.c: Lua values to curl_easy_setopt --- */

/* Indexes libcurl's option list by name; once for the process. */
void option_index(void);
/* Sets the option `name` (without "CURLOPT_") from the Lua value at `index`. Returns
 * NULL, or what is wrong: a static text. Raises nothing. */
const char *option_set(lua_State *L, struct transfer *transfer, const char *name,
                       int index);
int l_option_type(lua_State *L);

/* --- client.c: the transfers of one poll set --- */

struct slot {
    struct transfer *transfer; /* owned; NULL when the slot is free */
    int generation;            /* tells the ids of its successive transfers apart */
    int next_free;             /* slot, -1 for none; valid when free */
};

/* One multi handle; see shard.c. */
struct shard {
    struct client *client; /* borrowed */
    CURLM *multi;          /* owned; NULL when it could not be opened */
    int64_t curl_due; /* ms of client_now, -1 for never: libcurl wants to be called */
};

enum { MAX_SHARDS = 64 };

struct client {
    struct pollset set;               /* owned; its fd is -1 once the client is closed */
    struct shard *shards[MAX_SHARDS]; /* owned */
    int shard_count;
    CURLSH *share;         /* owned; what is common to the shards */
    CURL *jar;             /* owned; reaches the cookies; NULL without a cookie jar */
    struct watch *watches; /* owned; indexed by descriptor: see socket.c */
    int watch_count;
    struct slot *slots; /* owned; indexed by the lower bits of an id */
    int slot_count, slot_capacity;
    int free_slot;         /* first of the free slots, -1 for none */
    struct transfer *kept; /* owned; ended ones, for the next requests */
    int kept_count;        /* bounded */
    /* Borrowed: one that is being filled in. Lua raises then when its memory is out. */
    struct transfer *unstarted;
    struct transfer *news_first, *news_last; /* borrowed; not yet told to Lua */
    int running;                             /* transfers in RUNNING */
    int to_resume;                           /* transfers to resume in the next step */
    int sockets;                             /* that are open */
    /* Bytes of bodies, on the wire, of the transfers that have ended: */
    curl_off_t received, sent;
    struct client *next, **link; /* borrowed; among those that are open: see process.c */
    bool is_inherited; /* from the process that this one was forked off, to which its
                        * connections belong */
    /* Times of client_now in ms, -1 for never: */
    int64_t limit_due;       /* the first that a transfer could reach a limit */
    int64_t armed;           /* Lua's timer rings */
    long cached_connections; /* CURLMOPT_MAXCONNECTS */
};

/* Milliseconds on a clock that only goes forward. */
int64_t client_now(void);
/* Opens the descriptors and handles of a zeroed client; false with errno. */
bool client_open(struct client *client);
/* Ends all transfers, then the connections; frees all but the struct. May be called
 * again. An inherited one is only forgotten. */
void client_close(struct client *client);
/* A transfer to fill in and start; if one is kept that has this setup, not 0, that one.
 * NULL: memory is out. */
struct transfer *client_take(struct client *client, int64_t setup);
struct transfer *client_find(struct client *client, int id);
CURLMcode client_start(struct transfer *transfer, int shard);
/* Starts a transfer again that has not sent anything, on a new connection. */
void client_restart(struct transfer *transfer);
/* Gives back a transfer, in whatever state; its id is void from then on. */
void client_release(struct transfer *transfer);
/* Has Lua told that a transfer has something new. */
void client_note(struct transfer *transfer);
/* Takes a running transfer from libcurl and gives it its result. */
void client_end(struct transfer *transfer, CURLcode result);
/* So all of a shard; of all shards for NULL. */
void client_end_all(struct client *client, const struct shard *shard, CURLcode result);

/* --- shard.c --- */

/* The shard of that number, which is opened when it is not yet; NULL: memory is out. */
struct shard *shard_open(struct client *client, int number);
void shard_close(struct shard *shard);
/* Mends a shard after a call of libcurl's that has failed as a whole. */
void shard_check(struct shard *shard, CURLMcode code);

/* --- step.c --- */

/* Serves what is ready, without waiting; ended transfers are in the news then. */
void client_step(struct client *client);
/* In how many ms Lua's timer has to ring, or -1 when it is set early enough already. One
 * that rings too early is cheap, so it is only ever brought forward. */
int64_t client_alarm(struct client *client);

/* --- limit.c: limits of time and speed --- */

/* Has the limits looked at once `limit` ms have passed since `since`; 0 is no limit. */
void limit_note(struct client *client, int64_t limit, int64_t since);
/* Whether more of the body would come too fast; then it is resumed when it is time. */
bool limit_holds(struct transfer *transfer);
/* Takes account of bytes that have come. */
void limit_charge(struct transfer *transfer, size_t length);
/* Ends the transfers that have reached a limit; resumes those that may go on. */
void limit_enforce(struct client *client, int64_t now);

/* --- socket.c: what libcurl and the kernel think of sockets --- */

/* A socket that curlew opened, and that on_close_socket will close; false when memory is
 * out. */
bool socket_adopt(struct client *client, int fd, int opener);
int on_close_socket(void *client, curl_socket_t fd);
int on_socket(CURL *easy, curl_socket_t fd, int what, void *shard, void *unused);
/* Passes one batch of events to libcurl; true when there may be more. */
bool socket_serve(struct client *client);

/* --- api.c: the client as Lua sees it --- */

struct client *check_open(lua_State *L);
/* Raises what Lua itself raises when memory is out: that text, without a place. */
int raise_no_memory(lua_State *L);
void client_register(lua_State *L);
int l_client_new(lua_State *L);

/* --- tls.c, where OpenSSL is --- */

/* Has is_cut tell whether a body that lasts until the connection's close was cut. */
void tls_watch_end(struct transfer *transfer);
void tls_prepare(void); /* once, when libcurl was initialised */
/* Whether it was given a connection of HTTP/1.1 that another still uses. */
bool tls_is_taken(const struct transfer *transfer);

/* --- functions of the module: each adds its own to the table on top of the stack --- */

void outcome_register(lua_State *L); /* figures */
void url_register(lua_State *L);     /* parse_url */
void address_register(lua_State *L); /* address_bytes */
void file_register(lua_State *L);    /* lock and O_NOFOLLOW */
void digest_register(lua_State *L);  /* digest, where OpenSSL is */

#endif
