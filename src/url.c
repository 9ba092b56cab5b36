/* URLs, taken apart and resolved by libcurl's own parser, so that both sides agree. */
#include "core.h"

#include <string.h>

#define PARSER "curlew.url_parser"

/* Kept between calls as the upvalue of parse_url: what a Lua error leaves behind in the
 * middle of a call is freed by the next one, or with the Lua state. */
struct url_parser {
    CURLU *url; /* owned */
    char *text; /* owned; from libcurl */
};

static void parser_reset(struct url_parser *parser)
{
    curl_free(parser->text);
    curl_url_cleanup(parser->url);
    parser->text = NULL;
    parser->url = NULL;
}

static int l_parser_gc(lua_State *L)
{
    parser_reset(luaL_checkudata(L, 1, PARSER));
    return 0;
}

/* In the order of reading: the URL comes last, after user and password were taken out of
 * it. */
static const struct part {
    CURLUPart part;
    unsigned int flags;
    const char *name;
} parts[] = {
    {CURLUPART_USER, CURLU_URLDECODE, "user"},
    {CURLUPART_PASSWORD, CURLU_URLDECODE, "password"},
    {CURLUPART_SCHEME, 0, "scheme"},
    {CURLUPART_HOST, 0, "host"},
    {CURLUPART_PORT, CURLU_DEFAULT_PORT, "port"},
    {CURLUPART_PATH, 0, "path"},
    {CURLUPART_QUERY, 0, "query"},
    {CURLUPART_FRAGMENT, 0, "fragment"},
    {CURLUPART_URL, 0, "url"},
};

/* Sets a field of the table on top; one that the URL does not have stays nil. */
static CURLUcode add_part(lua_State *L, struct url_parser *parser,
                          const struct part *part)
{
    if (part->part == CURLUPART_URL) {
        curl_url_set(parser->url, CURLUPART_USER, NULL, 0);
        curl_url_set(parser->url, CURLUPART_PASSWORD, NULL, 0);
    }
    CURLUcode code = curl_url_get(parser->url, part->part, &parser->text, part->flags);
    if (code == CURLUE_OK) {
        lua_pushstring(L, parser->text);
        lua_setfield(L, -2, part->name);
    }
    curl_free(parser->text);
    parser->text = NULL;
    return code;
}

static int push_problem(lua_State *L, CURLUcode code)
{
    lua_pushnil(L);
#if LIBCURL_VERSION_NUM >= 0x075000
    lua_pushstring(L, curl_url_strerror(code));
#else
    if (code == CURLUE_UNSUPPORTED_SCHEME)
        lua_pushliteral(L, "Unsupported URL scheme"); /* as newer ones say */
    else
        lua_pushfstring(L, "cannot be parsed (CURLUcode %d)", (int)code);
#endif
    return 2;
}

/* parse_url(text [, base]) -> table of the parts, or nil and what is wrong. A relative
 * `text` is resolved against `base` (RFC 3986 section 5). `url` is without user and
 * password. */
static int l_parse_url(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    const char *base = luaL_optstring(L, 2, NULL);
    struct url_parser *parser = lua_touserdata(L, lua_upvalueindex(1));
    parser_reset(parser);
    if (strlen(text) != length)
        return push_problem(L, CURLUE_MALFORMED_INPUT);
    parser->url = curl_url();
    if (!parser->url)
        return raise_no_memory(L);
    CURLUcode code = CURLUE_OK;
    if (base)
        code = curl_url_set(parser->url, CURLUPART_URL, base, 0);
    if (code == CURLUE_OK)
        code = curl_url_set(parser->url, CURLUPART_URL, text, CURLU_URLENCODE);
    if (code == CURLUE_OUT_OF_MEMORY)
        return raise_no_memory(L);
    if (code != CURLUE_OK)
        return push_problem(L, code);
    lua_createtable(L, 0, sizeof parts / sizeof *parts);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        switch (add_part(L, parser, &parts[i])) {
        case CURLUE_OUT_OF_MEMORY:
            return raise_no_memory(L);
        case CURLUE_URLDECODE: /* a user or password with control characters */
            return push_problem(L, CURLUE_URLDECODE);
        default:
            break;
        }
    parser_reset(parser);
    return 1;
}

void url_register(lua_State *L)
{
    struct url_parser *parser = lua_newuserdata(L, sizeof *parser);
    parser->url = NULL;
    parser->text = NULL;
    if (luaL_newmetatable(L, PARSER)) {
        lua_pushcfunction(L, l_parser_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    lua_pushcclosure(L, l_parse_url, 1);
    lua_setfield(L, -2, "parse_url");
}
