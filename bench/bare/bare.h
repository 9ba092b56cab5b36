/* The yardstick of curlew's benchmarks: libuv and curl_multi_socket_action, joined the way
 * libcurl's manual joins them (a uv_poll handle for each socket, one uv_timer), with easy
 * handles reused. */
#ifndef BARE_H
#define BARE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <uv.h>

struct request {
    CURL *easy;
    long number;        /* from 1 */
    long long received; /* bytes of the body */
    char *body;         /* what has come, for works that keep it */
    size_t capacity;
    void *own; /* the work's */
};

/* What is done with bodies. */
struct work {
    const char *name;
    long long
        body_size; /* of each response; -1: the number on the command line, of one */
    bool fresh;    /* a new connection for each request */
    int bursts;    /* how often all requests are made, each time at once; 0: once */
    bool numbered; /* the URL of a request ends with its number */
    /* Takes bytes; returns what libcurl's write callback has to. */
    size_t (*take)(struct request *request, char *bytes, size_t length);
    /* The body has come; calls `request_done` now or later. NULL: nothing is left to do. */
    void (*finish)(struct request *request);
};

extern const struct work works[];
extern const int work_count;

extern struct bench {
    uv_loop_t *loop;
    const struct work *work;
    const char *url, *directory;
    long total;     /* requests to make */
    long started;   /* requests begun so far */
    long succeeded; /* status, size and all */
    long long size; /* of a body */
} bench;

void fail(const char *what);
/* Counts a request whose body is where it was to go, and begins the next. */
void request_done(struct request *request, bool fine);
/* Keeps bytes in request->body. */
size_t keep(struct request *request, char *bytes, size_t length);

#endif
