/* Options: a Lua value to curl_easy_setopt, typed by libcurl's own list of options. */
#include "core.h"
#include "option_list.h"

#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Pointers into libcurl's list, sorted by name: its own look-up walks all 300 of them.
 * Written once for the process, then only read. */
static const struct curl_easyoption **by_name;
static size_t option_count;
static pthread_once_t indexed = PTHREAD_ONCE_INIT;

static int compare_options(const void *a, const void *b)
{
    const struct curl_easyoption *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

static int compare_name(const void *name, const void *option)
{
    const struct curl_easyoption *const *entry = option;
    return strcmp(name, (*entry)->name);
}

static void build_index(void)
{
    size_t count = 0;
    const struct curl_easyoption *option = NULL;
    while ((option = option_list_next(option)))
        count++;
    by_name = count ? calloc(count, sizeof(const struct curl_easyoption *)) : NULL;
    if (!by_name)
        return;
    while ((option = option_list_next(option)))
        by_name[option_count++] = option;
    qsort(by_name, option_count, sizeof(const struct curl_easyoption *), compare_options);
}

void option_index(void)
{
    pthread_once(&indexed, build_index);
}

static const struct curl_easyoption *find(const char *name)
{
    if (!by_name)
        return NULL;
    const struct curl_easyoption **entry =
        bsearch(name, by_name, option_count, sizeof *entry, compare_name);
    return entry ? *entry : NULL;
}

/* Reads a whole number, or a boolean as 0 or 1. */
static bool to_integer(lua_State *L, int index, double low, double high,
                       curl_off_t *number)
{
    if (lua_isboolean(L, index)) {
        *number = lua_toboolean(L, index);
        return true;
    }
    if (lua_type(L, index) != LUA_TNUMBER)
        return false;
    double value = lua_tonumber(L, index);
    if (!(value >= low && value <= high) || value != floor(value))
        return false;
    *number = (curl_off_t)value;
    return true;
}

/* CR and LF would let a value say more than one thing; libcurl ends it at a NUL. */
static bool is_one_line(const char *text, size_t length)
{
    return strlen(text) == length && !strpbrk(text, "\r\n");
}

static const char *set_number(lua_State *L, CURL *easy,
                              const struct curl_easyoption *option, int index)
{
    curl_off_t number;
    CURLcode code;
    if (option->type == CURLOT_OFF_T) {
        if (!to_integer(L, index, -9007199254740992.0, 9007199254740992.0, &number))
            return "takes a whole number";
        code = curl_easy_setopt(easy, option->id, number);
    } else {
        if (!to_integer(L, index, (double)INT_MIN, (double)UINT_MAX, &number))
            return "takes a whole number or a boolean";
        code = curl_easy_setopt(easy, option->id, (long)number);
    }
    return code == CURLE_OK ? NULL : curl_easy_strerror(code);
}

static const char *set_string(lua_State *L, CURL *easy,
                              const struct curl_easyoption *option, int index)
{
    size_t length = 0;
    const char *text = NULL; /* false: back to none */
    if (lua_type(L, index) == LUA_TSTRING) {
        text = lua_tolstring(L, index, &length);
        if (!is_one_line(text, length))
            return "takes a string without CR, LF and NUL";
    } else if (!lua_isboolean(L, index) || lua_toboolean(L, index)) {
        return "takes a string";
    }
    CURLcode code = curl_easy_setopt(easy, option->id, text);
    return code == CURLE_OK ? NULL : curl_easy_strerror(code);
}

#ifdef CURL_BLOB_COPY
static const char *set_blob(lua_State *L, CURL *easy,
                            const struct curl_easyoption *option, int index)
{
    if (lua_type(L, index) != LUA_TSTRING)
        return "takes a string";
    struct curl_blob blob = {.flags = CURL_BLOB_COPY};
    blob.data = (void *)lua_tolstring(L, index, &blob.len);
    CURLcode code = curl_easy_setopt(easy, option->id, &blob);
    return code == CURLE_OK ? NULL : curl_easy_strerror(code);
}
#endif

static const char *append_lines(lua_State *L, int index, struct curl_slist **list)
{
    size_t count = lua_rawlen(L, index);
    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(L, index, (int)i);
        size_t length;
        const char *line =
            lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : NULL;
        bool fine = line && is_one_line(line, length);
        struct curl_slist *longer = fine ? curl_slist_append(*list, line) : NULL;
        lua_pop(L, 1);
        if (!fine)
            return "takes a list of strings without CR, LF and NUL";
        if (!longer)
            return "memory is out";
        *list = longer;
    }
    return NULL;
}

static const char *set_list(lua_State *L, struct transfer *transfer,
                            const struct curl_easyoption *option, int index)
{
    if (!lua_istable(L, index))
        return "takes a list of strings";
    struct curl_slist *list = NULL;
    const char *problem = append_lines(L, index, &list);
    struct curl_slist **lists = NULL;
    if (!problem) {
        lists = realloc(transfer->lists,
                        (transfer->list_count + 1) * sizeof(struct curl_slist *));
        if (!lists)
            problem = "memory is out";
    }
    if (problem) {
        curl_slist_free_all(list);
        return problem;
    }
    lists[transfer->list_count++] = list;
    transfer->lists = lists;
    CURLcode code = curl_easy_setopt(transfer->easy, option->id, list);
    return code == CURLE_OK ? NULL : curl_easy_strerror(code);
}

/* Options, by how their names begin, that leave in the handle what curl_easy_reset keeps:
 * stores of cookies, of HSTS and of alternative services, which are not for the next
 * request, and the list of addresses, which would be read again after it was freed. */
static const char *const lasting[] = {"ALTSVC", "COOKIE", "HSTS", "RESOLVE"};

static bool is_lasting(const char *name)
{
    if (strcmp(name, "COOKIE") == 0) /* cookies of this request alone */
        return false;
    for (size_t i = 0; i < sizeof lasting / sizeof *lasting; i++)
        if (strncmp(name, lasting[i], strlen(lasting[i])) == 0)
            return true;
    return false;
}

const char *option_set(lua_State *L, struct transfer *transfer, const char *name,
                       int index)
{
    const struct curl_easyoption *option = find(name);
    if (!option)
        return "is not an option of this libcurl";
    if (is_lasting(name))
        transfer->single_use = true;
    switch (option->type) {
    case CURLOT_LONG:
    case CURLOT_VALUES:
    case CURLOT_OFF_T:
        return set_number(L, transfer->easy, option, index);
    case CURLOT_STRING:
        return set_string(L, transfer->easy, option, index);
    case CURLOT_SLIST:
        return set_list(L, transfer, option, index);
#ifdef CURL_BLOB_COPY
    case CURLOT_BLOB:
        return set_blob(L, transfer->easy, option, index);
#endif
    default:
        return "takes a C pointer or function, which Lua does not have";
    }
}

/* option_type(name) -> "number", "string", "list", "blob", "pointer", or nil when
 * unknown. */
int l_option_type(lua_State *L)
{
    static const char *const names[] = {
        [CURLOT_LONG] = "number",      [CURLOT_VALUES] = "number",
        [CURLOT_OFF_T] = "number",     [CURLOT_OBJECT] = "pointer",
        [CURLOT_STRING] = "string",    [CURLOT_SLIST] = "list",
        [CURLOT_CBPTR] = "pointer",    [CURLOT_BLOB] = "blob",
        [CURLOT_FUNCTION] = "pointer",
    };
    size_t length;
    const char *name = luaL_checklstring(L, 1, &length);
    const struct curl_easyoption *option = strlen(name) == length ? find(name) : NULL;
    lua_pushstring(L, option ? names[option->type] : NULL);
    return 1;
}
