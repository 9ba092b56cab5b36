/* A transfer: one easy handle, and what is known of it. */
#ifndef CURLEW_TRANSFER_H
#define CURLEW_TRANSFER_H

#include "buffer.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why curlew itself ended a transfer; libcurl knows only that a callback refused. */
enum verdict {
    VERDICT_NONE,
    VERDICT_BODY_TOO_LARGE,
    VERDICT_HEADERS_TOO_LARGE,
    VERDICT_BAD_HEAD,
    VERDICT_BAD_LENGTH, /* two Content-Length fields that contradict each other */
    VERDICT_NO_MEMORY,
    VERDICT_NO_DESCRIPTORS,
    VERDICT_IDLE,
    VERDICT_SINK, /* its sink takes no more */
    VERDICT_CUT,  /* see tls.c */
};

enum transfer_state { TRANSFER_FREE, TRANSFER_RUNNING, TRANSFER_ENDED };

struct client;
struct shard;

struct transfer {
    struct client *client; /* borrowed: the client owns its transfers */
    struct shard *shard;   /* borrowed; valid while RUNNING */
    CURL *easy;            /* owned; lent to the shard's multi handle while RUNNING */
    int id; /* slot in client->slots, plus the generation in the upper bits */
    enum transfer_state state;
    enum verdict verdict;
    CURLcode result; /* valid when ENDED */

    struct curl_slist **lists; /* owned, with their elements; lent to easy */
    size_t list_count;
    curl_mime *mime; /* owned; lent to easy */

    struct buffer head;     /* the last response's status line and fields, as they came */
    size_t status_line;     /* bytes of `head` that are its first line */
    size_t guarded;         /* bytes of the line that comes, see header_guard */
    struct buffer trailers; /* the fields after its body */
    struct buffer body;
    size_t taken;           /* bytes of `body` that Lua has taken, when streamed */
    int sink;               /* borrowed descriptor; the body goes there; -1 for none */
    int os_error;           /* errno of a call of curlew's own that has failed, else 0 */
    int64_t written;        /* bytes that have gone there */
    int64_t content_length; /* as announced, -1 when not */
    int64_t max_body;       /* bytes, after decompression; -1 for no limit */
    int64_t received;       /* bytes of the body, after decompression */
    double max_speed;       /* bytes a second of the body, 0 for no limit */
    double open_at;         /* ms of client_now: when more of it may come */

    struct buffer upload; /* what Lua has given of the request's body */
    size_t sent;          /* bytes of `upload` that libcurl has taken */

    struct buffer log; /* what libcurl tells, a line each; when asked for */

    struct buffer allowed; /* where it may connect to, when checked: see address.c */
    struct buffer asked;   /* where it was about to, and may not so far */

    int64_t total_limit;   /* ms, 0 for no limit */
    int64_t connect_limit; /* ms until it is connected, 0 for no limit */
    int64_t started_at;    /* ms of client_now */
    int64_t idle_limit;    /* ms without any progress, 0 for no limit */
    int64_t progress_at;   /* ms of client_now: when bytes last moved */
    curl_off_t uploaded;   /* bytes, when last looked at */

    int peer_port;  /* that it has connected to, maybe a proxy's; 0 while it has not */
    int local_port; /* of the connection that its request was sent on; 0 before */

    struct transfer *next; /* among those kept, or in the news */

    int64_t setup;      /* number of what its handle was told, see api.c; 0 for none */
    bool altered;       /* was told more than that */
    bool single_use;    /* has options that a reset does not undo: see option.c */
    bool head_complete; /* of the last response */
    bool is_interim;    /* it is one of 1xx */
    bool is_guarded;    /* see header_guard */
    bool until_close;   /* its body has neither a length nor chunks: see tls.c */
    bool is_cut;
    bool streamed;    /* Lua takes the body while it comes: see stream.c */
    bool uploads;     /* Lua gives the body of the request */
    bool upload_open; /* and has more of it to give */
    bool receiving_is_paused, sending_is_paused;
    bool is_held;      /* is paused until open_at */
    bool to_resume;    /* in the next step */
    bool is_stranded;  /* its attempt at an address has failed: see socket.c */
    bool is_checked;   /* connects only to what is in `allowed` */
    bool tells_socket; /* it is news that the transfer has got one */
    bool is_connected; /* was seen to be, once the limit for that was over */
    bool log_is_open;  /* the last line of the head that it sends is not over */
    bool in_news;
    bool discards;  /* what comes is not wanted any more */
    bool is_misled; /* to start again, on a connection of its own */
    char error[CURL_ERROR_SIZE];
};

struct transfer *transfer_new(struct client *client);
void transfer_free(struct transfer *transfer);
/* Forgets the last request, but not the setup; keeps small buffers. */
void transfer_clear(struct transfer *transfer);
/* Forgets that as well. False when the handle is not fit for another request. */
bool transfer_reset(struct transfer *transfer);
/* Whether libcurl holds no receive buffer of the handle's. */
bool transfer_is_slim(struct transfer *transfer);
/* Sets what every transfer has: callbacks, and options that curlew relies on. */
void transfer_tell_socket(struct transfer *transfer); /* has one; told once, if asked */
CURLcode transfer_prepare(struct transfer *transfer);
/* Limits the speed of its body to bytes a second; slow ones come in smaller pieces. */
CURLcode transfer_set_speed(struct transfer *transfer, double speed);

#endif
