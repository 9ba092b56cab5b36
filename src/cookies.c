/* What the transfers of a client share, whichever multi handle carries them: addresses of
 * hosts, TLS sessions, and the cookie jar, which is libcurl's own. Cookies pass through
 * here as libcurl writes them: lines of the Netscape format, or of Set-Cookie. */
#include "core.h"

#include <string.h>

bool share_open(struct client *client)
{
    client->share = curl_share_init();
    return client->share &&
           curl_share_setopt(client->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) ==
               CURLSHE_OK &&
           curl_share_setopt(client->share, CURLSHOPT_SHARE,
                             CURL_LOCK_DATA_SSL_SESSION) == CURLSHE_OK;
}

void share_close(struct client *client)
{
    curl_easy_cleanup(client->jar);
    curl_share_cleanup(client->share);
    client->jar = NULL;
    client->share = NULL;
}

bool cookies_open(struct client *client, const char *path)
{
    client->jar = curl_easy_init();
    return client->jar &&
           curl_share_setopt(client->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE) ==
               CURLSHE_OK &&
           curl_easy_setopt(client->jar, CURLOPT_SHARE, client->share) == CURLE_OK &&
           curl_easy_setopt(client->jar, CURLOPT_COOKIEFILE, path ? path : "") ==
               CURLE_OK &&
           curl_easy_setopt(client->jar, CURLOPT_COOKIELIST, "RELOAD") == CURLE_OK &&
           /* Else it reads the file again before it writes, and cleared cookies are back.
         * That leaves it without the share's cookies. */
           curl_easy_setopt(client->jar, CURLOPT_COOKIEFILE, NULL) == CURLE_OK &&
           curl_easy_setopt(client->jar, CURLOPT_SHARE, client->share) == CURLE_OK;
}

static CURL *check_jar(lua_State *L)
{
    struct client *client = check_open(L);
    if (!client->jar)
        luaL_error(L, "the client has no cookie jar");
    return client->jar;
}

/* client:cookies() -> list of lines in Netscape format */
static int l_cookies(lua_State *L)
{
    CURL *jar = check_jar(L);
    struct curl_slist *list = NULL;
    lua_newtable(L);
    curl_easy_getinfo(jar, CURLINFO_COOKIELIST, &list);
    int count = 0;
    for (const struct curl_slist *item = list; item; item = item->next) {
        lua_pushstring(L, item->data);
        lua_rawseti(L, -2, ++count);
    }
    curl_slist_free_all(list);
    return 1;
}

/* client:set_cookie(line): a cookie in either format, or a command of
 * CURLOPT_COOKIELIST, such as "ALL", which clears the jar. */
static int l_set_cookie(lua_State *L)
{
    CURLcode code =
        curl_easy_setopt(check_jar(L), CURLOPT_COOKIELIST, luaL_checkstring(L, 2));
    lua_pushboolean(L, code == CURLE_OK);
    return 1;
}

/* client:save_cookies(path) -> whether they were asked to be; libcurl writes a new file
 * and renames it, and is silent about failure. */
static int l_save_cookies(lua_State *L)
{
    CURL *jar = check_jar(L);
    const char *path = luaL_checkstring(L, 2);
    bool fine = curl_easy_setopt(jar, CURLOPT_COOKIEJAR, path) == CURLE_OK &&
                curl_easy_setopt(jar, CURLOPT_COOKIELIST, "FLUSH") == CURLE_OK;
    curl_easy_setopt(jar, CURLOPT_COOKIEJAR, NULL); /* not once more at the end */
    lua_pushboolean(L, fine);
    return 1;
}

void cookies_register(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"cookies", l_cookies},
        {"set_cookie", l_set_cookie},
        {"save_cookies", l_save_cookies},
        {NULL, NULL},
    };
    luaL_setfuncs(L, methods, 0);
}
