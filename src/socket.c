/* Sockets: what libcurl wants to know of them, and what the kernel is asked. */
#include "core.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* What is known of a socket. libcurl takes its interest back after every transfer and
 * renews it for the next one on the connection; the kernel's set is left as it is in
 * between. */
struct watch {
    struct shard *shard;   /* borrowed; whose socket it is */
    unsigned char wanted;  /* what libcurl asks for, of POLLSET_* */
    unsigned char watched; /* what the kernel's set has */
    bool lazy;             /* curlew opened the socket, so it will see the close */
    bool connecting;       /* unless it is still this: see socket.c */
    int opener;            /* id of the transfer that it was opened for, when lazy */
    bool is_plain;         /* it has served a request of HTTP/1 without TLS */
};

enum { EVENTS = 64 }; /* taken from the poll set at a time */

static struct watch *watch_of(struct client *client, int fd)
{
    if (fd >= client->watch_count) {
        int count = client->watch_count ? client->watch_count : 64;
        while (count <= fd)
            count *= 2;
        struct watch *watches = realloc(client->watches, (size_t)count * sizeof *watches);
        if (!watches)
            return NULL;
        memset(watches + client->watch_count, 0,
               (size_t)(count - client->watch_count) * sizeof *watches);
        client->watches = watches;
        client->watch_count = count;
    }
    return &client->watches[fd];
}

static int watch_change(struct client *client, int fd, unsigned char events)
{
    struct watch *watch = &client->watches[fd];
    if (pollset_change(&client->set, fd, watch->watched, events) != 0)
        return -1;
    watch->watched = events;
    return 0;
}

/* libcurl 7.88 closes a socket that has not got a connection without a word. When the
 * next one has the same number, it does not say either that it wants the same of this
 * one. */
bool socket_adopt(struct client *client, int fd, int opener)
{
    struct watch *watch = watch_of(client, fd);
    if (!watch)
        return false;
    client->sockets += !watch->lazy;
    unsigned char wanted = watch->lazy ? watch->wanted : 0;
    *watch = (struct watch){.shard = watch->shard,
                            .lazy = true,
                            .connecting = true,
                            .wanted = wanted,
                            .opener = opener};
    return wanted == 0 || watch_change(client, fd, wanted) == 0;
}

/* A socket is closed. libcurl 7.88 goes on to the next address, if there is one, only
 * when it is called for another reason: the transfer has neither a socket nor a timer for
 * that. */
static void forget(struct client *client, int fd)
{
    struct watch *watch = &client->watches[fd];
    struct transfer *opener =
        watch->connecting ? client_find(client, watch->opener) : NULL;
    if (opener && opener->state == TRANSFER_RUNNING) {
        opener->is_stranded = true;
        stream_resume_soon(opener);
    }
    client->sockets -= watch->lazy;
    *watch = (struct watch){0};
}

int on_close_socket(void *pointer, curl_socket_t fd)
{
    struct client *client = pointer;
    if (fd < client->watch_count) {
        if (client->watches[fd].watched)
            watch_change(client, fd, 0);
        forget(client, fd);
    }
    return close(fd);
}

static int port_of(int fd, int name(int, struct sockaddr *, socklen_t *))
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } peer = {.any = {.sa_family = AF_UNSPEC}};
    socklen_t length = sizeof peer;
    if (name(fd, &peer.any, &length) != 0)
        return 0;
    return peer.any.sa_family == AF_INET    ? ntohs(peer.v4.sin_port)
           : peer.any.sa_family == AF_INET6 ? ntohs(peer.v6.sin6_port)
                                            : 0;
}

/* On connections of other kinds there may be more to say than answers. */
static bool is_plain(CURL *easy)
{
    char *scheme = NULL;
    long version = 0;
    curl_easy_getinfo(easy, CURLINFO_SCHEME, &scheme);
    curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
    return scheme && strcasecmp(scheme, "http") == 0 && version <= CURL_HTTP_VERSION_1_1;
}

static int local_port_of(const struct transfer *transfer)
{
#if LIBCURL_VERSION_NUM >= 0x075000
    return transfer->local_port;
#else
    long port = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_LOCAL_PORT, &port);
    return (int)port;
#endif
}

static bool is_in_use(const struct client *client, int fd)
{
    int port = port_of(fd, getsockname);
    for (int i = 0; i < client->slot_count; i++) {
        const struct transfer *transfer = client->slots[i].transfer;
        if (transfer && transfer->state == TRANSFER_RUNNING &&
            local_port_of(transfer) == port)
            return true;
    }
    return false;
}

/* Bytes that come on an idle connection, for which nobody has asked: libcurl 7.88 would
 * take them for the answer to the next request. Once it is shut down, libcurl finds it
 * dead. A paused transfer does not want to know of its socket, either. */
static void end_if_idle(const struct client *client, int fd)
{
    if (client->watches[fd].is_plain && !is_in_use(client, fd))
        shutdown(fd, SHUT_RDWR);
}

#if LIBCURL_VERSION_NUM < 0x075000
/* An older libcurl does not tell when it is about to send a request, but asks for the
 * socket of each transfer that waits. */
static void tell_transfer(CURL *easy, int fd)
{
    struct transfer *transfer = NULL;
    bool is_pair = port_of(fd, getsockname) == 0; /* the resolver's */
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
    if (transfer && !is_pair)
        transfer_tell_socket(transfer);
}
#endif

/* libcurl says what it wants to know of a socket. The kernel is told only when it has to
 * be: not when interest in one of our own sockets ends, as it comes back with the next
 * transfer. */
int on_socket(CURL *easy, curl_socket_t fd, int what, void *pointer, void *unused)
{
    (void)unused;
    static const unsigned char events[] = {
        [CURL_POLL_NONE] = 0,          [CURL_POLL_IN] = POLLSET_IN,
        [CURL_POLL_OUT] = POLLSET_OUT, [CURL_POLL_INOUT] = POLLSET_IN | POLLSET_OUT,
        [CURL_POLL_REMOVE] = 0,
    };
    struct shard *shard = pointer;
    struct client *client = shard->client;
    struct watch *watch = watch_of(client, fd);
    if (!watch)
        return -1;
#if LIBCURL_VERSION_NUM < 0x075000
    if (what != CURL_POLL_REMOVE)
        tell_transfer(easy, fd);
#endif
    if (!watch->lazy && watch->wanted == 0)
        process_seal_pair(fd); /* the resolver's */
    watch->shard = shard;
    watch->wanted = events[what];
    watch->is_plain = what == CURL_POLL_REMOVE && watch->lazy && is_plain(easy);
    if (watch->connecting && (watch->wanted & POLLSET_IN)) {
        watch->connecting = false;
        struct transfer *opener = client_find(client, watch->opener);
        if (opener)
            opener->peer_port = port_of(fd, getpeername);
    }
    if (what == CURL_POLL_REMOVE && watch->connecting) {
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF)
            forget(client, fd);
        return 0;
    }
    bool enough = (watch->wanted & ~watch->watched) == 0;
    if (watch->lazy ? enough : watch->wanted == watch->watched)
        return 0;
    if (watch_change(client, fd, watch->wanted) == 0)
        return 0;
    if (watch->wanted) {
        struct transfer *transfer = NULL;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
        if (transfer)
            transfer->os_error = errno;
        return -1;
    }
    watch->watched = 0; /* it is gone already: no reason to give up all transfers */
    return 0;
}

bool socket_serve(struct client *client)
{
    struct pollset_event events[EVENTS];
    int count = pollset_take(&client->set, events, EVENTS);
    for (int i = 0; i < count; i++) {
        int fd = events[i].fd, running;
        struct watch *watch = &client->watches[fd];
        int ready = events[i].events;
        if (ready & POLLSET_ERROR) /* alone it would be misread: let libcurl find it */
            ready = POLLSET_IN | POLLSET_OUT;
        if (!(ready & watch->wanted)) {
            end_if_idle(client, fd);
            watch_change(client, fd, watch->wanted);
            continue;
        }
        int mask = (ready & POLLSET_IN ? CURL_CSELECT_IN : 0) |
                   (ready & POLLSET_OUT ? CURL_CSELECT_OUT : 0);
        struct shard *shard = watch->shard;
        shard_check(shard, curl_multi_socket_action(shard->multi, fd, mask, &running));
    }
    return count == EVENTS;
}
