/* Forms of several parts (RFC 7578): libcurl's mime API, filled in from a Lua list. */
#include "core.h"

#include <string.h>

/* The field `name` of the part on top of the stack, when it is a string. It stays on the
 * stack; the part is at `index`. */
static const char *field(lua_State *L, int index, const char *name, size_t *length)
{
    lua_getfield(L, index, name);
    return lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, length) : NULL;
}

/* Adds the lines of the part's list `headers`; libcurl owns the list then. */
static CURLcode set_headers(lua_State *L, curl_mimepart *part, int index)
{
    struct curl_slist *list = NULL;
    lua_getfield(L, index, "headers");
    size_t count = lua_istable(L, -1) ? lua_rawlen(L, -1) : 0;
    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(L, -1, (int)i);
        struct curl_slist *longer = curl_slist_append(list, lua_tostring(L, -1));
        lua_pop(L, 1);
        if (!longer) {
            curl_slist_free_all(list);
            return CURLE_OUT_OF_MEMORY;
        }
        list = longer;
    }
    return list ? curl_mime_headers(part, list, 1) : CURLE_OK;
}

static CURLcode set_part(lua_State *L, curl_mimepart *part, int index)
{
    size_t length = 0;
    CURLcode code = CURLE_OK;
    const char *text = field(L, index, "name", &length);
    if (text)
        code = curl_mime_name(part, text);
    if (code == CURLE_OK && (text = field(L, index, "value", &length)))
        code = curl_mime_data(part, text, length);
    if (code == CURLE_OK && (text = field(L, index, "file", &length)))
        code = curl_mime_filedata(part, text); /* read while it is sent */
    if (code == CURLE_OK && (text = field(L, index, "filename", &length)))
        code = curl_mime_filename(part, text);
    if (code == CURLE_OK && (text = field(L, index, "type", &length)))
        code = curl_mime_type(part, text);
    if (code == CURLE_OK)
        code = set_headers(L, part, index);
    return code;
}

CURLcode mime_set(lua_State *L, struct transfer *transfer, int index)
{
    int top = lua_gettop(L);
    CURLcode code = CURLE_OK;
    transfer->mime = curl_mime_init(transfer->easy);
    if (!transfer->mime)
        return CURLE_OUT_OF_MEMORY;
    size_t count = lua_rawlen(L, index);
    for (size_t i = 1; i <= count && code == CURLE_OK; i++) {
        lua_rawgeti(L, index, (int)i);
        curl_mimepart *part = curl_mime_addpart(transfer->mime);
        code = part && lua_istable(L, -1) ? set_part(L, part, lua_gettop(L))
                                          : CURLE_OUT_OF_MEMORY;
        lua_settop(L, top);
    }
    if (code == CURLE_OK)
        code = curl_easy_setopt(transfer->easy, CURLOPT_MIMEPOST, transfer->mime);
    return code;
}
