/* The client as Lua sees it: methods of a userdata, transfers by their numbers. */
#include "core.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define CLIENT "curlew.client"

static const lua_Number MOST = 1e15; /* bytes or seconds; as good as no limit */

static struct client *check_client(lua_State *L)
{
    return luaL_checkudata(L, 1, CLIENT);
}

struct client *check_open(lua_State *L)
{
    struct client *client = check_client(L);
    if (!client->multi)
        luaL_error(L, "the client is closed");
    return client;
}

static int push_refusal(lua_State *L, struct transfer *transfer, const char *name,
                        const char *problem)
{
    client_release(transfer);
    lua_pushnil(L);
    lua_pushstring(L, name);
    lua_pushstring(L, problem);
    return 3;
}

/* A body is a string, copied; a list of the parts of a form; or true: it comes by
 * client:feed. */
static CURLcode set_body(lua_State *L, struct transfer *transfer, int index)
{
    transfer->uploads = lua_isboolean(L, index) && lua_toboolean(L, index);
    transfer->upload_open = transfer->uploads;
    if (lua_istable(L, index))
        return mime_set(L, transfer, index);
    if (lua_type(L, index) != LUA_TSTRING)
        return CURLE_OK;
    size_t length;
    const char *body = lua_tolstring(L, index, &length);
    CURLcode code =
        curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
    if (code == CURLE_OK)
        code = curl_easy_setopt(transfer->easy, CURLOPT_COPYPOSTFIELDS, body);
    return code;
}

/* A limit in seconds; 0 and what is beyond all measure are no limit. */
static int64_t to_milliseconds(lua_Number seconds)
{
    return seconds > 0 && seconds < MOST ? (int64_t)ceil(seconds * 1000) : 0;
}

/* client:start(options, body, max_body, idle, connect, streamed, tells_socket, speed) ->
 * id, or nil, option, problem. options: {NAME = value} for curl_easy_setopt. body: a
 * string, copied; true: it comes by client:feed; a list: the parts of a form; or nil.
 * max_body: bytes, -1 for no limit. Seconds, 0 for no limit: idle without progress,
 * connect until connected. streamed: the response's body is taken by client:read while it
 * comes. tells_socket: it is news that the transfer has got one. speed: bytes a second
 * that may come, 0 for no limit. */
static int l_start(lua_State *L)
{
    struct client *client = check_open(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_Number max_body = luaL_optnumber(L, 4, -1);
    lua_Number idle = luaL_optnumber(L, 5, 0);
    lua_Number connect = luaL_optnumber(L, 6, 0);
    lua_Number speed = luaL_optnumber(L, 9, 0);
    luaL_checkstack(L, 16, NULL);
    struct transfer *transfer = client_take(client);
    if (!transfer)
        return luaL_error(L, "not enough memory");
    CURLcode code = transfer_prepare(transfer);
    if (code == CURLE_OK)
        code = transfer_set_speed(transfer, speed < MOST ? speed : 0);
    if (code == CURLE_OK)
        code = set_body(L, transfer, 3);
    if (code != CURLE_OK)
        return push_refusal(L, transfer, "", curl_easy_strerror(code));
    lua_pushnil(L);
    while (lua_next(L, 2)) {
        size_t length = 0;
        const char *name =
            lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &length) : "";
        const char *problem = "is not an option of this libcurl";
        if (strlen(name) == length)
            problem = option_set(L, transfer, name, lua_gettop(L));
        if (problem)
            return push_refusal(L, transfer, name, problem);
        lua_pop(L, 1);
    }
    transfer->max_body = max_body >= 0 && max_body < MOST ? (int64_t)max_body : -1;
    transfer->idle_limit = to_milliseconds(idle);
    transfer->connect_limit = to_milliseconds(connect);
    transfer->streamed = lua_toboolean(L, 7);
    transfer->tells_socket = lua_toboolean(L, 8);
    CURLMcode added = client_start(transfer);
    if (added != CURLM_OK)
        return push_refusal(L, transfer, "", curl_multi_strerror(added));
    lua_pushinteger(L, transfer->id);
    return 1;
}

/* client:step(rang, news) -> number of news, ms or nil. Serves what is ready; `rang`
 * tells that the timer has fired. The ids of transfers that have ended are put into
 * `news`, negated those of others with something new; when a time comes back, the timer
 * is to be set for it. */
static int l_step(lua_State *L)
{
    struct client *client = check_open(L);
    luaL_checktype(L, 3, LUA_TTABLE);
    if (lua_toboolean(L, 2))
        client->armed = -1;
    client_step(client);
    int count = 0;
    for (struct transfer *news = client->news_first; news; news = news->next) {
        lua_pushinteger(L, news->state == TRANSFER_ENDED ? news->id : -news->id);
        lua_rawseti(L, 3, ++count);
    }
    while (client->news_first) { /* only now: a push may have raised */
        client->news_first->in_news = false;
        client->news_first = client->news_first->next;
    }
    client->news_last = NULL;
    int64_t alarm = client_alarm(client);
    lua_pushinteger(L, count);
    if (alarm >= 0)
        lua_pushinteger(L, (lua_Integer)alarm);
    else
        lua_pushnil(L);
    return 2;
}

/* client:take(id) -> table: what an ended transfer has brought; its id is void from then
 * on. */
static int l_take(lua_State *L)
{
    struct client *client = check_client(L);
    struct transfer *transfer = client_find(client, (int)luaL_checkinteger(L, 2));
    if (!transfer || transfer->state != TRANSFER_ENDED)
        return luaL_error(L, "no transfer of this id has ended");
    int count = outcome_push(L, transfer);
    client_release(transfer);
    return count;
}

/* client:cancel(id): ends a transfer without a trace; nothing happens when it is gone. */
static int l_cancel(lua_State *L)
{
    struct client *client = check_client(L);
    struct transfer *transfer = client_find(client, (int)luaL_checkinteger(L, 2));
    if (transfer)
        client_release(transfer);
    return 0;
}

/* client:sockets() -> how many are open */
static int l_sockets(lua_State *L)
{
    lua_pushinteger(L, check_client(L)->sockets);
    return 1;
}

/* client:fd() -> the descriptor that is readable when a step is due. */
static int l_fd(lua_State *L)
{
    lua_pushinteger(L, check_open(L)->set.fd);
    return 1;
}

/* client:close(): ends all transfers, then the connections. May be called again. */
static int l_close(lua_State *L)
{
    client_close(check_client(L));
    return 0;
}

/* client(cached_connections, cookies) -> client; that many connections are kept for
 * reuse. cookies: true for a jar, or the path of its file. */
int l_client_new(lua_State *L)
{
    long cached = (long)luaL_optinteger(L, 1, 100);
    lua_settop(L, 2);
    struct client *client = lua_newuserdata(L, sizeof *client);
    *client =
        (struct client){.set.fd = -1, .free_slot = -1, .limit_due = -1, .armed = -1};
    luaL_getmetatable(L, CLIENT);
    lua_setmetatable(L, -2);
    client->cached_connections = cached;
    bool has_jar = lua_toboolean(L, 2);
    const char *path = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : NULL;
    if (!client_open(client) || (has_jar && !cookies_open(client, path)))
        return luaL_error(L, "no client: %s", strerror(errno));
    return 1;
}

void client_register(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"start", l_start},   {"step", l_step},  {"take", l_take},
        {"cancel", l_cancel}, {"fd", l_fd},      {"sockets", l_sockets},
        {"close", l_close},   {"__gc", l_close}, {NULL, NULL},
    };
    luaL_newmetatable(L, CLIENT);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    luaL_setfuncs(L, methods, 0);
    stream_register(L);
    cookies_register(L);
    lua_pop(L, 1);
}
