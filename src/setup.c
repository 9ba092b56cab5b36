/* Setups, as lua/curlew/setup.lua makes them: what many requests have in common. */
#include "core.h"

#include <math.h>
#include <string.h>

static const lua_Number MOST = 1e15; /* bytes or seconds; as good as no limit */

int64_t setup_milliseconds(lua_Number seconds)
{
    return seconds > 0 && seconds < MOST ? (int64_t)ceil(seconds * 1000) : 0;
}

/* A number of the table at `index`, or `none` when it has no such field. */
static lua_Number number_of(lua_State *L, int index, const char *name, lua_Number none)
{
    lua_pushstring(L, name);
    lua_rawget(L, index);
    lua_Number number = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : none;
    lua_pop(L, 1);
    return number;
}

static bool flag_of(lua_State *L, int index, const char *name)
{
    lua_pushstring(L, name);
    lua_rawget(L, index);
    bool flag = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return flag;
}

/* Tells the handle the options of the setup at `index`: NULL, or what is wrong, with the
 * name of the option on top of the stack. */
static const char *set_options(lua_State *L, struct transfer *transfer, int index)
{
    lua_pushliteral(L, "options");
    lua_rawget(L, index);
    if (!lua_istable(L, -1))
        return NULL;
    int options = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, options)) {
        size_t length = 0;
        const char *name =
            lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &length) : "";
        const char *problem = "is not an option of this libcurl";
        if (strlen(name) == length)
            problem = option_set(L, transfer, name, lua_gettop(L));
        if (problem) {
            lua_pushstring(L, name);
            return problem;
        }
        lua_pop(L, 1);
    }
    return NULL;
}

const char *setup_tell(lua_State *L, struct transfer *transfer, int index)
{
    lua_Number max_body = number_of(L, index, "max_body", -1);
    lua_Number speed = number_of(L, index, "max_speed", 0);
    transfer->max_body = max_body >= 0 && max_body < MOST ? (int64_t)max_body : -1;
    transfer->idle_limit = setup_milliseconds(number_of(L, index, "idle", 0));
    transfer->connect_limit = setup_milliseconds(number_of(L, index, "connect", 0));
    transfer->streamed = flag_of(L, index, "streamed");
    transfer->is_guarded = flag_of(L, index, "guarded");
    transfer->single_use = header_needs_guard() && !transfer->is_guarded;
    CURLcode code = transfer_prepare(transfer);
    if (code == CURLE_OK)
        code = transfer_set_speed(transfer, speed < MOST ? speed : 0);
    if (code == CURLE_OK)
        return set_options(L, transfer, index);
    lua_pushliteral(L, "");
    return curl_easy_strerror(code);
}

int64_t setup_number(lua_State *L, int index)
{
    return (int64_t)number_of(L, index, "number", 0);
}
