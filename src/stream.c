/* Bodies piece by piece. What comes waits in a window that Lua empties; what goes is
 * given by Lua when libcurl asks. A side that has to wait for the other is paused, and
 * resumed from the step only: libcurl calls back from within curl_easy_pause. */
#include "core.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WINDOW = 64 * 1024 }; /* bytes that wait for Lua before libcurl is paused */

/* --- coming --- */

size_t stream_take(struct transfer *transfer, const char *bytes, size_t length)
{
    struct buffer *body = &transfer->body;
    if (transfer->taken > 0) {
        body->length -= transfer->taken;
        memmove(body->data, body->data + transfer->taken, body->length);
        transfer->taken = 0;
    }
    if (body->length > 0 && body->length + length > WINDOW) {
        transfer->receiving_is_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (!buffer_append(body, bytes, length)) {
        transfer->verdict = VERDICT_NO_MEMORY;
        return 0;
    }
    client_note(transfer);
    return length;
}

void stream_resume_soon(struct transfer *transfer)
{
    if (!transfer->to_resume) {
        transfer->to_resume = true;
        transfer->client->to_resume++;
    }
}

bool stream_sink(struct transfer *transfer, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = write(transfer->sink, bytes, length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            transfer->os_error = errno;
            return false;
        }
        bytes += count;
        length -= (size_t)count;
        transfer->written += count;
    }
    return true;
}

static struct transfer *check_transfer(lua_State *L)
{
    struct client *client = check_open(L);
    struct transfer *transfer = client_find(client, (int)luaL_checkinteger(L, 2));
    if (!transfer)
        luaL_error(L, "there is no transfer of this id");
    return transfer;
}

/* client:read(id, most) -> string, kick: up to `most` bytes of what has come, "" for
 * none; kick tells that a step has to follow. */
static int l_read(lua_State *L)
{
    struct transfer *transfer = check_transfer(L);
    lua_Number most = luaL_checknumber(L, 3);
    size_t count = transfer->body.length - transfer->taken;
    if (most < (lua_Number)count)
        count = most > 0 ? (size_t)most : 0;
    lua_pushlstring(L, count ? transfer->body.data + transfer->taken : "", count);
    transfer->taken += count;
    bool resumes = transfer->receiving_is_paused &&
                   transfer->body.length - transfer->taken <= WINDOW / 2;
    if (resumes)
        stream_resume_soon(transfer);
    lua_pushboolean(L, resumes);
    return 2;
}

/* Whether writing to a descriptor waits for nobody: for no reader at its other end, that
 * is. */
static bool is_quick(int fd)
{
    struct stat target, null;
    if (fstat(fd, &target) != 0)
        return false;
    return S_ISREG(target.st_mode) ||
           (S_ISCHR(target.st_mode) && stat("/dev/null", &null) == 0 &&
            target.st_rdev == null.st_rdev);
}

/* client:divert(id, fd) -> whether what comes of the body, and what waits already, goes
 * to this descriptor from now on: a file's, borrowed until the transfer has ended. */
static int l_divert(lua_State *L)
{
    struct transfer *transfer = check_transfer(L);
    int fd = (int)luaL_checkinteger(L, 3);
    bool quick = transfer->state == TRANSFER_RUNNING && is_quick(fd);
    lua_pushboolean(L, quick);
    if (!quick)
        return 1;
    transfer->sink = fd;
    if (!stream_sink(transfer, transfer->body.data + transfer->taken,
                     transfer->body.length - transfer->taken)) {
        transfer->verdict = VERDICT_SINK;
        client_end(transfer, CURLE_WRITE_ERROR);
    }
    transfer->taken = transfer->body.length = 0;
    if (transfer->receiving_is_paused && !transfer->is_held)
        stream_resume_soon(transfer);
    return 1;
}

/* --- going --- */

size_t on_read(char *bytes, size_t size, size_t count, void *pointer)
{
    struct transfer *transfer = pointer;
    if (!transfer->uploads)
        return CURL_READFUNC_ABORT;
    size_t room = size * count;
    size_t waiting = transfer->upload.length - transfer->sent;
    transfer->progress_at = client_now();
    if (waiting == 0 && transfer->upload_open) {
        transfer->sending_is_paused = true;
        client_note(transfer);
        return CURL_READFUNC_PAUSE;
    }
    size_t taken = waiting < room ? waiting : room;
    if (taken)
        memcpy(bytes, transfer->upload.data + transfer->sent, taken);
    transfer->sent += taken;
    return taken;
}

/* client:feed(id, bytes or nil): gives more of the request's body; nil ends it. */
static int l_feed(lua_State *L)
{
    struct transfer *transfer = check_transfer(L);
    size_t length = 0;
    const char *bytes = luaL_optlstring(L, 3, NULL, &length);
    if (transfer->sent == transfer->upload.length) {
        buffer_reset(&transfer->upload, WINDOW);
        transfer->sent = 0;
    }
    if (!bytes)
        transfer->upload_open = false;
    else if (!buffer_append(&transfer->upload, bytes, length))
        return raise_no_memory(L);
    if (transfer->sending_is_paused)
        stream_resume_soon(transfer);
    return 0;
}

/* client:wants(id) -> whether libcurl waits for more of the request's body. */
static int l_wants(lua_State *L)
{
    const struct transfer *transfer = check_transfer(L);
    lua_pushboolean(L, transfer->sending_is_paused && !transfer->to_resume);
    return 1;
}

/* --- both --- */

static void resume(struct transfer *transfer)
{
    bool is_stranded = transfer->is_stranded;
    transfer->is_stranded = false;
    transfer->receiving_is_paused = transfer->sending_is_paused = false;
    /* libcurl goes on then: */
    transfer->progress_at = transfer->shard->curl_due = client_now();
    if (is_stranded) /* it is not paused; libcurl is moved by a change only */
        curl_easy_pause(transfer->easy, CURLPAUSE_ALL);
    CURLcode code = curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
    if (code != CURLE_OK && !is_stranded) /* such a one may have ended, untold as yet */
        client_end(transfer, code);
}

void stream_resume(struct client *client)
{
    for (int i = 0; client->to_resume > 0 && i < client->slot_count; i++) {
        struct transfer *transfer = client->slots[i].transfer;
        if (!transfer || !transfer->to_resume)
            continue;
        transfer->to_resume = false;
        client->to_resume--;
        if (transfer->state == TRANSFER_RUNNING)
            resume(transfer);
    }
}

void stream_discard(struct transfer *transfer)
{
    if (!transfer->receiving_is_paused)
        return;
    transfer->discards = true;
    curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
}

/* client:peek(id) -> table: what a transfer has brought so far, but for its body. */
static int l_peek(lua_State *L)
{
    return outcome_push(L, check_transfer(L));
}

/* client:log(id) -> string: what libcurl has told since the last time. */
static int l_log(lua_State *L)
{
    struct transfer *transfer = check_transfer(L);
    lua_pushlstring(L, transfer->log.data ? transfer->log.data : "",
                    transfer->log.length);
    buffer_reset(&transfer->log, WINDOW);
    return 1;
}

/* Adds the methods to the table on top of the stack. */
void stream_register(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"read", l_read}, {"divert", l_divert}, {"feed", l_feed}, {"wants", l_wants},
        {"peek", l_peek}, {"log", l_log},       {NULL, NULL},
    };
    luaL_setfuncs(L, methods, 0);
}
