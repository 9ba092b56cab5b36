/* The module: what libcurl is in use, and the doors to the rest. */
#include "core.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

static pthread_once_t initialised = PTHREAD_ONCE_INIT;
static CURLcode init_result;

static void init_libcurl(void)
{
    init_result = curl_global_init(CURL_GLOBAL_DEFAULT);
    process_watch();
#ifdef CURLEW_OPENSSL
    tls_prepare();
#endif
}

static const struct {
    int bit;
    const char *name;
} feature_bits[] = {
    {CURL_VERSION_HTTP2, "http2"},
    {CURL_VERSION_HTTP3, "http3"},
    {CURL_VERSION_BROTLI, "brotli"},
    {CURL_VERSION_LIBZ, "gzip"},
#ifdef CURL_VERSION_ZSTD
    {CURL_VERSION_ZSTD, "zstd"},
#else
    {0, "zstd"},
#endif
    {CURL_VERSION_SSL, "tls"},
    {CURL_VERSION_IPV6, "ipv6"},
    {CURL_VERSION_PSL, "psl"},
    {CURL_VERSION_UNIX_SOCKETS, "unix_sockets"},
    {CURL_VERSION_ASYNCHDNS, "async_dns"},
};

/* What libcurl's headers had is taken for granted: with an older libcurl the core would
 * read past the ends of its structures, and set options that it does not know. */
static void check_version(lua_State *L)
{
    static const unsigned patch_bits = 8;
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    if (info->version_num >> patch_bits < LIBCURL_VERSION_NUM >> patch_bits)
        luaL_error(
            L,
            "curlew was built for libcurl %s, and finds %s, which is older: build it "
            "again with the headers of that one",
            LIBCURL_VERSION, info->version);
}

/* features() -> table: libcurl's version, its protocols as a list, its TLS library, and
 * true or false for each feature. */
static int l_features(lua_State *L)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    lua_newtable(L);
    lua_pushstring(L, info->version);
    lua_setfield(L, -2, "libcurl");
    lua_pushstring(L, info->ssl_version);
    lua_setfield(L, -2, "tls_library");
#if LIBCURL_VERSION_NUM >= 0x074600
    lua_pushstring(L, info->cainfo);
    lua_setfield(L, -2, "ca_file");
#endif
    lua_newtable(L);
    for (int i = 0; info->protocols[i]; i++) {
        lua_pushstring(L, info->protocols[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "protocols");
    for (size_t i = 0; i < sizeof feature_bits / sizeof *feature_bits; i++) {
        lua_pushboolean(L, (info->features & feature_bits[i].bit) != 0);
        lua_setfield(L, -2, feature_bits[i].name);
    }
    return 1;
}

/* parse_date(text) -> seconds since 1970, or nil when libcurl takes it for no date. */
static int l_parse_date(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    time_t seconds = strlen(text) == length ? curl_getdate(text, NULL) : -1;
    if (seconds == -1)
        lua_pushnil(L);
    else
        lua_pushnumber(L, (lua_Number)seconds);
    return 1;
}

LUALIB_API int luaopen_curlew_core(lua_State *L);

LUALIB_API __attribute__((visibility("default"))) int luaopen_curlew_core(lua_State *L)
{
    pthread_once(&initialised, init_libcurl);
    if (init_result != CURLE_OK)
        return luaL_error(L, "libcurl does not start: %s",
                          curl_easy_strerror(init_result));
    check_version(L);
    option_index();
    static const luaL_Reg functions[] = {
        {"features", l_features},
        {"client", l_client_new},
        {"option_type", l_option_type},
        {"parse_date", l_parse_date},
        {NULL, NULL},
    };
    client_register(L);
    luaL_newlib(L, functions);
    url_register(L);
    address_register(L);
    outcome_register(L);
    file_register(L);
#ifdef CURLEW_OPENSSL
    digest_register(L);
#endif
    return 1;
}
