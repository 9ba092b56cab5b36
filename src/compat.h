/* What the Lua versions name differently, in one place. */
#ifndef CURLEW_COMPAT_H
#define CURLEW_COMPAT_H

#include <lauxlib.h>
#include <lua.h>

#if LUA_VERSION_NUM < 502
#define lua_rawlen lua_objlen
#ifndef luaL_newlib /* LuaJIT has this much of 5.2 */
#define luaL_setfuncs(L, functions, upvalues) luaL_register(L, NULL, functions)
#define luaL_newlib(L, functions)                                                        \
    (lua_createtable(L, 0, sizeof(functions) / sizeof(*(functions))),                    \
     luaL_setfuncs(L, functions, 0))
#endif
#endif

#endif
