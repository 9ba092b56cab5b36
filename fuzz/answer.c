/* A fuzzer for the C core: the bytes are what a server sends. The core's own transfers
 * read them, through libcurl, from one end of a pair of sockets, in pieces that the first
 * bytes choose, together with the options of the request. */
#include "../src/core.h"

#include <lauxlib.h>
#include <lua.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
int luaopen_curlew_core(lua_State *L);

/* What the first byte chooses. */
enum {
    STREAMED = 1,
    DECODED = 2,
    UNGUARDED = 4,
    HEAD = 8,
    HTTP2 = 16,
    BOUNDED = 32,
    RELEASED = 64, /* half way, and unread until then */
    SMALL = 128,   /* pieces, whose size is what the second byte chooses */
};

enum {
    CHOICES = 2,               /* bytes, before those of the server */
    BOUND = 16,                /* bytes of a body that is BOUNDED */
    LONGEST_HEAD = 300 * 1024, /* bytes */
    REQUESTS = 3,              /* that the connection serves, if it lives */
    STEPS = 64,                /* after the last byte, by which a transfer ends */
};

static lua_State *lua;
static int server = -1; /* the other end of the last socket */

int socket(int family, int type, int protocol)
{
    (void)family;
    (void)protocol;
    int pair[2];
    if (socketpair(AF_UNIX, type, 0, pair) != 0)
        abort();
    if (server >= 0)
        close(server);
    server = pair[1];
    return pair[0];
}

/* libcurl 7.88 does not listen when it is told that a socket is connected already. */
int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    (void)fd;
    (void)address;
    (void)length;
    return 0;
}

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void open_lua(void)
{
    lua = luaL_newstate();
    luaL_requiref(lua, "curlew.core", luaopen_curlew_core, 0);
    lua_settop(lua, 0);
}

static struct transfer *start(struct client *client, unsigned int choices)
{
    struct transfer *transfer = client_take(client, 0);
    transfer->streamed = choices & STREAMED;
    transfer->is_guarded = !(choices & UNGUARDED);
    transfer->single_use = header_needs_guard() && !transfer->is_guarded;
    transfer->max_body = choices & BOUNDED ? BOUND : -1;
    transfer_prepare(transfer);
    CURL *easy = transfer->easy;
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, choices & DECODED ? "" : NULL);
    curl_easy_setopt(easy, CURLOPT_NOBODY, choices & HEAD ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     choices & HTTP2 ? (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE
                                     : (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_URL, "http://127.0.0.1/");
    expect(client_start(transfer, 0) == CURLM_OK, "it does not start");
    return transfer;
}

/* Takes what the server was sent, so that it is never full. Whether the connection is
 * still open at the client's end. */
static bool drain(void)
{
    char bytes[4096];
    ssize_t count;
    do
        count = server < 0 ? 0 : recv(server, bytes, sizeof bytes, MSG_DONTWAIT);
    while (count > 0);
    return count < 0 && errno == EAGAIN;
}

static void step(struct client *client, struct transfer *transfer, bool is_read)
{
    drain();
    client_step(client);
    if (is_read && transfer->streamed && transfer->state == TRANSFER_RUNNING) {
        transfer->taken = transfer->body.length; /* as client:read does */
        if (transfer->receiving_is_paused)
            stream_resume_soon(transfer);
    }
}

static void check(const struct transfer *transfer, unsigned int choices)
{
    const struct buffer *head = &transfer->head;
    bool is_fine = transfer->result == CURLE_OK;
    long status = 0;
    curl_off_t announced = -1; /* chunks put a length out of force */
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    /* By Lua: its version of HTTP is no number. */
    bool is_refused = head->length > 5 && !isdigit((unsigned char)head->data[5]);
    bool is_bodiless = choices & HEAD || is_refused || status == 204 || status == 304;
    expect(head->length <= LONGEST_HEAD, "a head beyond its limit");
    expect(transfer->status_line <= head->length, "a first line beyond the head");
    expect(transfer->taken <= transfer->body.length, "more was taken than came");
    expect(!is_fine || transfer->verdict == VERDICT_NONE ||
               transfer->verdict == VERDICT_CUT,
           "it succeeds though curlew has ended it");
    expect(!is_fine || transfer->head_complete, "it succeeds without a head");
    expect(!is_fine || status < 200 || !transfer->is_interim || is_refused,
           "it succeeds with the head of an interim answer");
    expect(!(choices & BOUNDED) || transfer->received <= BOUND,
           "a body beyond its limit");
    expect(!is_fine || is_bodiless || choices & DECODED || announced < 0 ||
               transfer->received == announced,
           "it succeeds with another length than was announced");
    expect(transfer->streamed || transfer->received == (int64_t)transfer->body.length,
           "the body is not what came");
}

/* What the server has still to send. */
struct input {
    const uint8_t *bytes;
    size_t length, piece;
};

static size_t send_piece(struct input *input)
{
    size_t most = input->length < input->piece ? input->length : input->piece;
    ssize_t sent = send(server, input->bytes, most, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent <= 0)
        return 0;
    input->bytes += sent;
    input->length -= (size_t)sent;
    return (size_t)sent;
}

/* Serves a transfer until it has ended, or is to be released; once there is nothing more
 * to send, the connection ends. */
static void serve(struct client *client, struct transfer *transfer, struct input *input,
                  unsigned int choices)
{
    size_t end = choices & RELEASED ? input->length / 2 : 0;
    for (int left = STEPS; left > 0;) {
        step(client, transfer, !(choices & RELEASED));
        if (transfer->state != TRANSFER_RUNNING || (end > 0 && input->length <= end))
            return;
        if (server >= 0 && input->length == 0)
            shutdown(server, SHUT_WR);
        if (server < 0 || input->length == 0 || send_piece(input) == 0)
            left--;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length < CHOICES)
        return 0;
    if (!lua)
        open_lua();
    unsigned int choices = bytes[0];
    struct input input = {.bytes = bytes + CHOICES, .length = length - CHOICES};
    input.piece = choices & SMALL ? 1 + bytes[1] % 16U : 1 + bytes[1] * 64U;
    struct client client = {.set.fd = -1, .free_slot = -1, .limit_due = -1, .armed = -1};
    client.cached_connections = 1;
    expect(client_open(&client) && cookies_open(&client, NULL), "no client");
    for (int i = 0; i < REQUESTS && (i == 0 || input.length > 0); i++) {
        struct transfer *transfer = start(&client, choices);
        serve(&client, transfer, &input, choices);
        if (transfer->state == TRANSFER_RUNNING && choices & RELEASED) {
            client_release(transfer);
            continue;
        }
        expect(transfer->state == TRANSFER_ENDED, "it does not end");
        check(transfer, choices);
        outcome_push(lua, transfer);
        lua_settop(lua, 0);
        client_release(transfer);
    }
    expect(client.running == 0 && client.to_resume == 0, "a transfer stays behind");
    client_close(&client);
    expect(!drain(), "a connection stays behind");
    if (server >= 0)
        close(server);
    server = -1;
    return 0;
}
