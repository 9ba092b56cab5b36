/* What a transfer has brought, as Lua sees it. */
#include "core.h"

#include <string.h>

static const char *const verdict_names[] = {
    [VERDICT_BODY_TOO_LARGE] = "body_too_large",
    [VERDICT_HEADERS_TOO_LARGE] = "headers_too_large",
    [VERDICT_BAD_LENGTH] = "bad_length",
    [VERDICT_NO_MEMORY] = "no_memory",
    [VERDICT_NO_DESCRIPTORS] = "no_descriptors",
    [VERDICT_IDLE] = "idle",
    [VERDICT_CUT] = "cut",
};

static void push_seconds(lua_State *L, CURL *easy, CURLINFO info, const char *name)
{
    curl_off_t microseconds = 0;
    curl_easy_getinfo(easy, info, &microseconds);
    lua_pushnumber(L, (lua_Number)microseconds / 1e6);
    lua_setfield(L, -2, name);
}

static void push_size(lua_State *L, CURL *easy, CURLINFO info, const char *name)
{
    curl_off_t size = -1;
    curl_easy_getinfo(easy, info, &size);
#if LUA_VERSION_NUM >= 503
    lua_pushinteger(L, (lua_Integer)size);
#else
    lua_pushnumber(L, (lua_Number)size); /* an integer may have 32 bits only */
#endif
    lua_setfield(L, -2, name);
}

static void push_integer(lua_State *L, CURL *easy, CURLINFO info, const char *name)
{
    long value = 0;
    curl_easy_getinfo(easy, info, &value);
    lua_pushinteger(L, (lua_Integer)value);
    lua_setfield(L, -2, name);
}

static void push_string(lua_State *L, const char *text, const char *name)
{
    if (text && *text) {
        lua_pushstring(L, text);
        lua_setfield(L, -2, name);
    }
}

static void push_buffer(lua_State *L, const struct buffer *buffer, size_t from,
                        const char *name)
{
    lua_pushlstring(L, buffer->data ? buffer->data + from : "", buffer->length - from);
    lua_setfield(L, -2, name);
}

int outcome_push(lua_State *L, struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    char *remote_ip = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &remote_ip);
    lua_createtable(L, 0, 24);
    lua_pushinteger(L, transfer->result);
    lua_setfield(L, -2, "result");
    push_string(L, verdict_names[transfer->verdict], "verdict");
    const char *text = curl_easy_strerror(transfer->result);
    push_string(L, transfer->error[0] ? transfer->error : text, "error");
    push_string(L, remote_ip, "remote_ip");
    push_buffer(L, &transfer->head, 0, "head");
    push_buffer(L, &transfer->trailers, 0, "trailers");
    bool is_refused = transfer->verdict == VERDICT_BODY_TOO_LARGE && !transfer->streamed;
    if (transfer->state == TRANSFER_ENDED && !is_refused) /* nor to be copied, then */
        push_buffer(L, &transfer->body, transfer->taken, "body");
    lua_pushboolean(L, transfer->head_complete);
    lua_setfield(L, -2, "head_complete");
    push_integer(L, easy, CURLINFO_RESPONSE_CODE, "status");
    push_integer(L, easy, CURLINFO_HTTP_VERSION, "http_version");
    push_integer(L, easy, CURLINFO_NUM_CONNECTS, "connects");
    long os_error = 0; /* may be of the transfer before, when this one has succeeded */
    if (transfer->result != CURLE_OK) {
        curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_error);
        lua_pushinteger(L, transfer->peer_port);
        lua_setfield(L, -2, "peer_port");
    }
    push_string(L, os_error ? strerror((int)os_error) : NULL, "os_error");
    push_integer(L, easy, CURLINFO_HTTP_CONNECTCODE, "proxy_status");
    push_size(L, easy, CURLINFO_SIZE_UPLOAD_T, "uploaded");
    push_size(L, easy, CURLINFO_CONTENT_LENGTH_UPLOAD_T, "to_upload");
    push_size(L, easy, CURLINFO_SIZE_DOWNLOAD_T, "received");
    push_size(L, easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, "expected");
    push_size(L, easy, CURLINFO_SPEED_DOWNLOAD_T, "speed");
    if (transfer->log.length > 0)
        push_buffer(L, &transfer->log, 0, "log");
    push_seconds(L, easy, CURLINFO_NAMELOOKUP_TIME_T, "dns");
    push_seconds(L, easy, CURLINFO_CONNECT_TIME_T, "connect");
    push_seconds(L, easy, CURLINFO_APPCONNECT_TIME_T, "tls");
    push_seconds(L, easy, CURLINFO_PRETRANSFER_TIME_T, "ready");
    push_seconds(L, easy, CURLINFO_STARTTRANSFER_TIME_T, "first_byte");
    push_seconds(L, easy, CURLINFO_TOTAL_TIME_T, "total");
    return 1;
}
