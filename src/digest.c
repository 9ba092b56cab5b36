/* Checksums of bytes as they come, by OpenSSL's libcrypto; built only where that is. */
#include "core.h"

#include <openssl/evp.h>
#include <string.h>

static const char CLASS[] = "curlew.Digest";

struct digest {
    EVP_MD_CTX *context; /* owned */
};

static const struct {
    const char *name;
    const EVP_MD *(*algorithm)(void);
} algorithms[] = {
    {"md5", EVP_md5},
    {"sha1", EVP_sha1},
    {"sha256", EVP_sha256},
    {"sha512", EVP_sha512},
};

/* digest(name) -> Digest, or nil when it is not known, here or to this libcrypto. */
static int l_digest_new(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const EVP_MD *algorithm = NULL;
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        if (strcmp(algorithms[i].name, name) == 0)
            algorithm = algorithms[i].algorithm();
    }
    struct digest *digest = lua_newuserdata(L, sizeof *digest);
    digest->context = EVP_MD_CTX_new();
    luaL_getmetatable(L, CLASS);
    lua_setmetatable(L, -2);
    if (!digest->context)
        return raise_no_memory(L);
    if (!algorithm || !EVP_DigestInit_ex(digest->context, algorithm, NULL))
        lua_pushnil(L);
    return 1;
}

static EVP_MD_CTX *check_context(lua_State *L)
{
    struct digest *digest = luaL_checkudata(L, 1, CLASS);
    luaL_argcheck(L, digest->context, 1, "its sum was taken already");
    return digest->context;
}

/* digest:update(bytes) */
static int l_update(lua_State *L)
{
    EVP_MD_CTX *context = check_context(L);
    size_t length;
    const char *bytes = luaL_checklstring(L, 2, &length);
    if (!EVP_DigestUpdate(context, bytes, length))
        return luaL_error(L, "libcrypto refuses more bytes");
    return 0;
}

static int l_gc(lua_State *L)
{
    struct digest *digest = luaL_checkudata(L, 1, CLASS);
    EVP_MD_CTX_free(digest->context);
    digest->context = NULL;
    return 0;
}

/* digest:finish() -> the sum in hexadecimal digits; the digest is used up. */
static int l_finish(lua_State *L)
{
    EVP_MD_CTX *context = check_context(L);
    unsigned char sum[EVP_MAX_MD_SIZE];
    char text[2 * EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    if (!EVP_DigestFinal_ex(context, sum, &length))
        return luaL_error(L, "libcrypto gives no sum");
    l_gc(L);
    for (size_t i = 0; i < length; i++) {
        text[2 * i] = "0123456789abcdef"[sum[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[sum[i] & 15];
    }
    lua_pushlstring(L, text, 2 * (size_t)length);
    return 1;
}

void digest_register(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"update", l_update},
        {"finish", l_finish},
        {"__gc", l_gc},
        {NULL, NULL},
    };
    luaL_newmetatable(L, CLASS);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    luaL_setfuncs(L, methods, 0);
    lua_pop(L, 1);
    lua_pushcfunction(L, l_digest_new);
    lua_setfield(L, -2, "digest");
}
