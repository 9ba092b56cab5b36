/* Makes memory run out, for spec/torture/memory: preloaded, and a Lua module as well. While armed,
 * the nth of the allocations that are counted fails, and as many after it as were asked for: those
 * of the Lua state, or those that libcurl and curlew's core make in the thread of that state. It
 * also knows which blocks are in use, and who has asked for them. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <lauxlib.h>
#include <link.h>
#include <lua.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void __libc_free(void *block);

enum {
    TIME_LIMIT = 5, /* seconds that a program may run while armed: SIGALRM ends it then */
    MAX_RANGES = 512,
    SLOTS = 1 << 18, /* of the table of blocks; a power of two */
};

enum kind { NONE, LUA, C };

/* What fails: from the `first` on, up to the `last`, of the allocations counted. */
static struct {
    enum kind kind;
    unsigned long count, first, last;
    unsigned long spared; /* of these, see hits_luv and hits_session_cache */
    bool in_luv;          /* a function of luv's that curlew has called has met it */
    pthread_t thread;
} armed;

/* --- who asks --- */

enum owner { OTHER, LIBCURL, CORE, LUV, LIBUV, LIBSSL, OWNERS };

static const char *const owner_names[] = {"other", "libcurl", "core",
                                          "luv",   "libuv",   "libssl"};

static struct range {
    uintptr_t from, to;
    enum owner owner;
} ranges[MAX_RANGES];

static int range_count;

static enum owner owner_of_file(const char *name)
{
    if (strstr(name, "libcurl"))
        return LIBCURL;
    if (strstr(name, "/curlew/core.so"))
        return CORE;
    if (strstr(name, "libssl"))
        return LIBSSL;
    if (strstr(name, "libuv"))
        return LIBUV;
    return strstr(name, "/luv") ? LUV : OTHER;
}

static int note_object(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    enum owner owner = owner_of_file(info->dlpi_name);
    for (int i = 0; owner != OTHER && i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && range_count < MAX_RANGES) {
            uintptr_t from = info->dlpi_addr + part->p_vaddr;
            ranges[range_count++] = (struct range){from, from + part->p_memsz, owner};
        }
    }
    return 0;
}

static enum owner owner_of(const void *caller)
{
    uintptr_t address = (uintptr_t)caller;
    for (int i = 0; i < range_count; i++)
        if (address >= ranges[i].from && address < ranges[i].to)
            return ranges[i].owner;
    return OTHER;
}

/* --- blocks in use: a table with linear probing --- */

static struct block {
    void *start; /* NULL for a free slot */
    const void *caller;
    enum owner owner;
} blocks[SLOTS];

static long in_use[OWNERS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static size_t slot_of(const void *start)
{
    return (size_t)(((uintptr_t)start >> 4) * 0x9E3779B97F4A7C15u >> 32) & (SLOTS - 1);
}

static void note_block(void *start, const void *caller)
{
    enum owner owner = range_count ? owner_of(caller) : OTHER;
    if (!start || (owner != LIBCURL && owner != CORE))
        return;
    pthread_mutex_lock(&lock);
    size_t i = slot_of(start);
    while (blocks[i].start)
        i = (i + 1) & (SLOTS - 1);
    blocks[i] = (struct block){start, caller, owner};
    in_use[owner]++;
    pthread_mutex_unlock(&lock);
}

/* Moves what follows into the gap at `gap`, so that each is found again. */
static void close_gap(size_t gap)
{
    blocks[gap].start = NULL;
    for (size_t i = (gap + 1) & (SLOTS - 1); blocks[i].start; i = (i + 1) & (SLOTS - 1)) {
        size_t home = slot_of(blocks[i].start);
        if (((i - home) & (SLOTS - 1)) >= ((i - gap) & (SLOTS - 1))) {
            blocks[gap] = blocks[i];
            blocks[i].start = NULL;
            gap = i;
        }
    }
}

static void forget_block(const void *start)
{
    if (!start || !range_count)
        return;
    pthread_mutex_lock(&lock);
    size_t i = slot_of(start);
    while (blocks[i].start && blocks[i].start != start)
        i = (i + 1) & (SLOTS - 1);
    if (blocks[i].start) {
        in_use[blocks[i].owner]--;
        close_gap(i);
    }
    pthread_mutex_unlock(&lock);
}

/* --- what fails --- */

enum { MAX_FRAMES = 256 };

static bool is_lua_protection(const void *address)
{
    Dl_info info;
    return dladdr(address, &info) && info.dli_sname &&
           (strcmp(info.dli_sname, "lua_pcallk") == 0 ||
            strcmp(info.dli_sname, "lua_resume") == 0);
}

/* Whether an error would come to luv in a callback of libuv's: from luv's own code, it leaps over
 * libuv's stack; from behind luv's one protected call, luv ends the process. Neither is curlew's to
 * mend, so memory does not run out there. */
static bool hits_luv(void)
{
    void *frames[MAX_FRAMES];
    int count = backtrace(frames, MAX_FRAMES), protections = 0;
    for (int i = 0; i + 1 < count; i++) {
        if (is_lua_protection(frames[i]))
            protections++;
        else if (owner_of(frames[i]) == LUV && owner_of(frames[i + 1]) == LUV)
            continue;
        else if (owner_of(frames[i]) == LUV && owner_of(frames[i + 1]) == LIBUV)
            return protections <= 1;
        else if (owner_of(frames[i]) == LUV)
            armed.in_luv |= protections == 0;
    }
    return false;
}

/* Whether OpenSSL has called libcurl back, for a session that it is to keep: 7.88 frees what
 * it has copied of one twice then, when memory is out. */
static bool hits_session_cache(void)
{
    void *frames[MAX_FRAMES];
    int count = backtrace(frames, MAX_FRAMES), i = 0;
    while (i < count && owner_of(frames[i]) != LIBCURL)
        i++;
    while (i < count && owner_of(frames[i]) == LIBCURL)
        i++;
    return i < count && owner_of(frames[i]) == LIBSSL;
}

static bool fails(enum kind kind)
{
    if (armed.kind != kind)
        return false;
    armed.count++;
    if (armed.count < armed.first || armed.count > armed.last)
        return false;
    if (kind == LUA ? hits_luv() : hits_session_cache()) {
        armed.spared++;
        return false;
    }
    return true;
}

static bool fails_for(const void *caller)
{
    if (armed.kind != C || !pthread_equal(pthread_self(), armed.thread))
        return false;
    enum owner owner = owner_of(caller);
    if ((owner != LIBCURL && owner != CORE) || !fails(C))
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    const void *caller = __builtin_return_address(0);
    void *block = fails_for(caller) ? NULL : __libc_malloc(size);
    note_block(block, caller);
    return block;
}

void *calloc(size_t number, size_t size)
{
    const void *caller = __builtin_return_address(0);
    void *block = fails_for(caller) ? NULL : __libc_calloc(number, size);
    note_block(block, caller);
    return block;
}

void *realloc(void *old, size_t size)
{
    const void *caller = __builtin_return_address(0);
    if (size > 0 && fails_for(caller))
        return NULL;
    forget_block(old);
    void *block = __libc_realloc(old, size);
    note_block(block ? block : size > 0 ? old : NULL, caller);
    return block;
}

void free(void *block)
{
    forget_block(block);
    __libc_free(block);
}

char *strdup(const char *text)
{
    const void *caller = __builtin_return_address(0);
    size_t size = strlen(text) + 1;
    char *copy = fails_for(caller) ? NULL : __libc_malloc(size);
    note_block(copy, caller);
    return copy ? memcpy(copy, text, size) : NULL;
}

/* --- the module --- */

/* Lua's allocator. What shrinks or is given back cannot fail, Lua relies on that. */
static void *allocate(void *unused, void *old, size_t old_size, size_t size)
{
    (void)unused;
    if (size == 0) {
        __libc_free(old);
        return NULL;
    }
    bool grows = !old || size > old_size;
    return grows && fails(LUA) ? NULL : __libc_realloc(old, size);
}

/* arm(kind, first, count): of kind "lua" or "c". A count of 0 only counts. */
static int l_arm(lua_State *L)
{
    static const char *const kinds[] = {"none", "lua", "c", NULL};
    enum kind kind = (enum kind)luaL_checkoption(L, 1, NULL, kinds);
    unsigned long first = (unsigned long)luaL_checkinteger(L, 2);
    unsigned long count = (unsigned long)luaL_checkinteger(L, 3);
    armed.thread = pthread_self();
    armed.count = armed.spared = 0;
    armed.in_luv = false;
    armed.first = first;
    armed.last = first + count - 1;
    if (count == 0)
        armed.first = armed.last + 1;
    armed.kind = kind;
    alarm(TIME_LIMIT);
    return 0;
}

/* disarm() -> how many allocations were counted; how many were spared; whether luv has met
 * one that failed. */
static int l_disarm(lua_State *L)
{
    armed.kind = NONE;
    alarm(0);
    lua_pushinteger(L, (lua_Integer)armed.count);
    lua_pushinteger(L, (lua_Integer)armed.spared);
    lua_pushboolean(L, armed.in_luv);
    return 3;
}

/* watch(): looks anew who is where in memory. Call it once all libraries are loaded. */
static int l_watch(lua_State *L)
{
    (void)L;
    pthread_mutex_lock(&lock);
    range_count = 0;
    dl_iterate_phdr(note_object, NULL);
    pthread_mutex_unlock(&lock);
    void *frame[1];
    backtrace(frame, 1); /* its first call allocates */
    return 0;
}

/* blocks() -> table: how many blocks each owner has in use. */
static int l_blocks(lua_State *L)
{
    lua_newtable(L);
    for (int i = LIBCURL; i <= CORE; i++) {
        lua_pushinteger(L, (lua_Integer)in_use[i]);
        lua_setfield(L, -2, owner_names[i]);
    }
    return 1;
}

LUALIB_API __attribute__((visibility("default"))) int luaopen_memory(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"arm", l_arm},       {"disarm", l_disarm}, {"watch", l_watch},
        {"blocks", l_blocks}, {NULL, NULL},
    };
#if LUA_VERSION_NUM >= 502
    lua_setallocf(L, allocate, NULL);
    luaL_newlib(L, functions);
#else
    (void)allocate; /* LuaJIT's blocks are its own */
    luaL_register(L, "memory", functions);
#endif
    return 1;
}
