/* The client as Lua sees it: methods of a userdata, transfers by their numbers. */
#include "core.h"

#include <errno.h>
#include <string.h>

#define CLIENT "curlew.client"

static struct client *check_client(lua_State *L)
{
    return luaL_checkudata(L, 1, CLIENT);
}

struct client *check_open(lua_State *L)
{
    struct client *client = check_client(L);
    if (client->set.fd < 0)
        luaL_error(L, "the client is closed");
    return client;
}

int raise_no_memory(lua_State *L)
{
    lua_pushliteral(L, "not enough memory");
    return lua_error(L);
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
    if (lua_istable(L, index)) {
        transfer->altered = true;
        return mime_set(L, transfer, index);
    }
    if (lua_type(L, index) != LUA_TSTRING)
        return CURLE_OK;
    transfer->altered = true;
    size_t length;
    const char *body = lua_tolstring(L, index, &length);
    CURLcode code =
        curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
    if (code == CURLE_OK)
        code = curl_easy_setopt(transfer->easy, CURLOPT_COPYPOSTFIELDS, body);
    return code;
}

/* client:start(setup, url, timeout, body, tells_socket, shard, allowed) -> id, or nil,
 * option, problem.
 *
 * setup, what many transfers have in common: `options`, {NAME = value} for
 * curl_easy_setopt; `max_body`, bytes, -1 for no limit; `max_speed`, bytes a second that
 * may come; in seconds `idle`, without progress, and `connect`, until connected; 0 for no
 * limit. `streamed`: the response's body is taken by client:read while it comes.
 * `guarded`: of heads that libcurl reads on the way, only those of 1xx come before the
 * response's, so it can be guarded (see header.c); a handle that is not, may serve once
 * only. With a `number` of its own, one that was told of it once is not told again.
 *
 * timeout: seconds in total, 0 for no limit. body: a string, copied; true: it comes by
 * client:feed; a list: the parts of a form; or nil. tells_socket: it is news that the
 * transfer has got one. shard: number of the multi handle, from 0. allowed: lines of
 * where it may connect to, see address.c; nil for anywhere. */
static int l_start(lua_State *L)
{
    struct client *client = check_open(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    const char *url = luaL_checkstring(L, 3);
    lua_Number timeout = luaL_optnumber(L, 4, 0);
    luaL_checkstack(L, 16, NULL);
    int shard = (int)luaL_optinteger(L, 7, 0);
    size_t allowed_length = 0;
    const char *allowed = luaL_optlstring(L, 8, NULL, &allowed_length);
    lua_settop(L, 8);
    int64_t setup = setup_number(L, 2);
    if (client->unstarted)
        client_release(client->unstarted);
    struct transfer *transfer = client_take(client, setup);
    client->unstarted = transfer;
    if (!transfer) {
        lua_pushnil(L);
        lua_pushliteral(L, "");
        lua_pushliteral(L, "memory is out");
        return 3;
    }
    if (setup == 0 || transfer->setup != setup) {
        const char *problem = setup_tell(L, transfer, 2);
        if (problem)
            return push_refusal(L, transfer, lua_tostring(L, -1), problem);
        transfer->setup = setup;
    }
    CURLcode code = curl_easy_setopt(transfer->easy, CURLOPT_URL, url);
    if (code == CURLE_OK)
        code = set_body(L, transfer, 5);
    transfer->is_checked = allowed != NULL;
    if (!buffer_append(&transfer->allowed, allowed, allowed_length))
        code = CURLE_OUT_OF_MEMORY;
    if (code != CURLE_OK)
        return push_refusal(L, transfer, "", curl_easy_strerror(code));
    transfer->total_limit = setup_milliseconds(timeout);
    transfer->tells_socket = lua_toboolean(L, 6);
    CURLMcode added = client_start(transfer, shard);
    if (added != CURLM_OK)
        return push_refusal(L, transfer, "", curl_multi_strerror(added));
    client->unstarted = NULL;
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
    curl_off_t received = 0, sent = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_DOWNLOAD_T, &received);
    curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    client->received += received;
    client->sent += sent;
    client_release(transfer);
    return count;
}

/* client:cancel(id): ends a transfer without a trace; nothing happens when it is gone. */
static int l_cancel(lua_State *L)
{
    struct client *client = check_client(L);
    struct transfer *transfer = client_find(client, (int)luaL_checkinteger(L, 2));
    if (transfer && !client->is_inherited)
        client_release(transfer);
    return 0;
}

/* client:is_inherited() -> whether it was made before this process was forked off. */
static int l_is_inherited(lua_State *L)
{
    lua_pushboolean(L, check_client(L)->is_inherited);
    return 1;
}

/* client:sockets() -> how many are open */
static int l_sockets(lua_State *L)
{
    lua_pushinteger(L, check_client(L)->sockets);
    return 1;
}

/* client:moved() -> bytes of bodies received and sent, on the wire, of the transfers that
 * have ended; also once the client is closed. */
static int l_moved(lua_State *L)
{
    const struct client *client = check_client(L);
    lua_pushnumber(L, (lua_Number)client->received);
    lua_pushnumber(L, (lua_Number)client->sent);
    return 2;
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
        {"start", l_start}, {"step", l_step},
        {"take", l_take},   {"cancel", l_cancel},
        {"fd", l_fd},       {"sockets", l_sockets},
        {"moved", l_moved}, {"close", l_close},
        {"__gc", l_close},  {"is_inherited", l_is_inherited},
        {NULL, NULL},
    };
    luaL_newmetatable(L, CLIENT);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    luaL_setfuncs(L, methods, 0);
    stream_register(L);
    cookies_register(L);
    lua_pop(L, 1);
}
