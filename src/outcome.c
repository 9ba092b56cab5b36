/* What a transfer has brought, as Lua sees it. */
#include "core.h"

#include <string.h>

static const char *const verdict_names[] = {
    [VERDICT_BODY_TOO_LARGE] = "body_too_large",
    [VERDICT_HEADERS_TOO_LARGE] = "headers_too_large",
    [VERDICT_BAD_HEAD] = "bad_head",
    [VERDICT_BAD_LENGTH] = "bad_length",
    [VERDICT_NO_MEMORY] = "no_memory",
    [VERDICT_NO_DESCRIPTORS] = "no_descriptors",
    [VERDICT_IDLE] = "idle",
    [VERDICT_SINK] = "sink",
    [VERDICT_CUT] = "cut",
};

/* --- figures: what is seldom asked for, packed into one string --- */

/* Numbers of libcurl's, with what one of them is in. */
static const struct figure {
    CURLINFO info; /* a curl_off_t */
    double unit;
    const char *name;
} figures[] = {
    /* bytes, and bytes a second; -1 for what is not known */
    {CURLINFO_SIZE_UPLOAD_T, 1, "uploaded"},
    {CURLINFO_CONTENT_LENGTH_UPLOAD_T, 1, "to_upload"},
    {CURLINFO_SIZE_DOWNLOAD_T, 1, "received"},
    {CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, 1, "expected"},
    {CURLINFO_SPEED_DOWNLOAD_T, 1, "speed"},
    /* seconds since the start; 0 for what was not reached */
    {CURLINFO_NAMELOOKUP_TIME_T, 1e-6, "dns"},
    {CURLINFO_CONNECT_TIME_T, 1e-6, "connect"},
    {CURLINFO_APPCONNECT_TIME_T, 1e-6, "tls"},
    {CURLINFO_PRETRANSFER_TIME_T, 1e-6, "ready"},
    {CURLINFO_STARTTRANSFER_TIME_T, 1e-6, "first_byte"},
    {CURLINFO_TOTAL_TIME_T, 1e-6, "total"},
};

enum { FIGURES = sizeof figures / sizeof *figures };

static void push_figures(lua_State *L, CURL *easy)
{
    curl_off_t values[FIGURES] = {0};
    for (int i = 0; i < FIGURES; i++)
        curl_easy_getinfo(easy, figures[i].info, &values[i]);
    lua_pushlstring(L, (const char *)values, sizeof values);
    lua_setfield(L, -2, "figures");
}

/* figures(packed) -> table of numbers: the field `figures` of an outcome, unpacked. */
static int l_figures(lua_State *L)
{
    size_t length;
    const char *packed = luaL_checklstring(L, 1, &length);
    curl_off_t values[FIGURES];
    luaL_argcheck(L, length == sizeof values, 1, "no figures");
    memcpy(values, packed, sizeof values);
    lua_createtable(L, 0, FIGURES);
    for (int i = 0; i < FIGURES; i++) {
        lua_Number value = (lua_Number)values[i] * figures[i].unit;
#if LUA_VERSION_NUM >= 503
        if (figures[i].unit == 1)
            lua_pushinteger(L, (lua_Integer)values[i]);
        else
#endif
            lua_pushnumber(L, value);
        lua_setfield(L, -2, figures[i].name);
    }
    return 1;
}

/* --- the outcome --- */

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

/* Why it has failed. */
static void push_failure(lua_State *L, struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    const char *text = curl_easy_strerror(transfer->result);
    push_string(L, transfer->error[0] ? transfer->error : text, "error");
    long os_error = transfer->os_error;
    if (!os_error)
        curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_error);
    push_string(L, os_error ? strerror((int)os_error) : NULL, "os_error");
    push_integer(L, easy, CURLINFO_HTTP_CONNECTCODE, "proxy_status");
    lua_pushinteger(L, transfer->peer_port);
    lua_setfield(L, -2, "peer_port");
}

int outcome_push(lua_State *L, struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    char *remote_ip = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &remote_ip);
    lua_createtable(L, 0, 12);
    lua_pushinteger(L, transfer->result);
    lua_setfield(L, -2, "result");
    push_string(L, verdict_names[transfer->verdict], "verdict");
    push_string(L, remote_ip, "remote_ip");
    push_buffer(L, &transfer->head, 0, "head");
    if (transfer->trailers.length > 0)
        push_buffer(L, &transfer->trailers, 0, "trailers");
    bool is_refused = transfer->verdict == VERDICT_BODY_TOO_LARGE && !transfer->streamed;
    if (transfer->state == TRANSFER_ENDED && !is_refused) /* nor to be copied, then */
        push_buffer(L, &transfer->body, transfer->taken, "body");
    lua_pushboolean(L, transfer->head_complete);
    lua_setfield(L, -2, "head_complete");
    push_integer(L, easy, CURLINFO_RESPONSE_CODE, "status");
    push_integer(L, easy, CURLINFO_HTTP_VERSION, "http_version");
    push_integer(L, easy, CURLINFO_NUM_CONNECTS, "connects");
    push_figures(L, easy);
    if (transfer->sink >= 0) {
        lua_pushnumber(L, (lua_Number)transfer->written);
        lua_setfield(L, -2, "written");
    }
    if (transfer->log.length > 0)
        push_buffer(L, &transfer->log, 0, "log");
    if (transfer->asked.length > 0)
        push_buffer(L, &transfer->asked, 0, "asked");
    if (transfer->result != CURLE_OK)
        push_failure(L, transfer);
    return 1;
}

void outcome_register(lua_State *L)
{
    lua_pushcfunction(L, l_figures);
    lua_setfield(L, -2, "figures");
}
