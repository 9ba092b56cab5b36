/* A fuzzer for Lua code. Called as `names`, it gives the bytes to the function that
 * fuzz/targets/names.lua returns; an error that gets out of that is a find. libFuzzer is
 * told which line has followed which, so that it looks for inputs that lead elsewhere. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
int luaopen_curlew_core(lua_State *L);

enum { STEPS = 1 << 15, FILES = 128, FILE_STRIDE = 509 };

__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t steps[STEPS];

static lua_State *lua;
static unsigned int last_place;

/* A number of a file, by its name, of which Lua keeps one copy for all its functions. */
static unsigned int number_of(const char *source)
{
    static const char *known[FILES];
    static unsigned int number;
    if (known[number] == source)
        return number;
    for (number = 0; number < FILES - 1 && known[number] && known[number] != source;)
        number++;
    known[number] = source;
    return number;
}

static void on_line(lua_State *L, lua_Debug *frame)
{
    lua_getinfo(L, "S", frame);
    unsigned int line = (unsigned int)frame->currentline;
    unsigned int place = number_of(frame->source) * FILE_STRIDE + line;
    uint8_t *step = &steps[(place ^ last_place * 31) % STEPS];
    if (*step < UINT8_MAX)
        ++*step;
    last_place = place;
}

static int add_traceback(lua_State *L)
{
    luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
    return 1;
}

static void call(int arguments, int results)
{
    int handler = lua_gettop(lua) - arguments;
    lua_pushcfunction(lua, add_traceback);
    lua_insert(lua, handler);
    if (lua_pcall(lua, arguments, results, handler) != LUA_OK) {
        fprintf(stderr, "%s\n", lua_tostring(lua, -1));
        abort();
    }
    lua_remove(lua, handler);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is libFuzzer's */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    const char *slash = strrchr((*argv)[0], '/');
    lua = luaL_newstate();
    luaL_openlibs(lua);
    luaL_getsubtable(lua, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(lua, luaopen_curlew_core);
    lua_setfield(lua, -2, "curlew.core");
    lua_settop(lua, 0);
    lua_getglobal(lua, "require");
    lua_pushfstring(lua, "fuzz.targets.%s", slash ? slash + 1 : (*argv)[0]);
    call(1, 1);
    lua_sethook(lua, on_line, LUA_MASKLINE, 0);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    last_place = 0;
    lua_pushvalue(lua, 1);
    lua_pushlstring(lua, (const char *)bytes, length);
    call(1, 0);
    return 0;
}
