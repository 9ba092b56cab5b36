/* Addresses: which of them a transfer may connect to, and what is in one. */
#include "core.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* The longest line: an address with its zone, a blank, a port, a line feed. */
enum { LINE = NI_MAXHOST + NI_MAXSERV + 2 };

/* Writes "address port\n"; 0 for what is no address of the internet. */
static size_t write_line(const struct curl_sockaddr *address, char line[LINE])
{
    char host[NI_MAXHOST], port[NI_MAXSERV];
    if (address->family != AF_INET && address->family != AF_INET6)
        return 0;
    if (getnameinfo(&address->addr, (socklen_t)address->addrlen, host, sizeof host, port,
                    sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return 0;
    return (size_t)snprintf(line, LINE, "%s %s\n", host, port);
}

static bool has_line(const struct buffer *lines, const char *line, size_t length)
{
    const char *at = lines->data, *end = at + lines->length;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop)
            return false;
        if ((size_t)(stop + 1 - at) == length && memcmp(at, line, length) == 0)
            return true;
        at = stop + 1;
    }
    return false;
}

bool address_admits(struct transfer *transfer, const struct curl_sockaddr *address)
{
    if (!transfer->is_checked)
        return true;
    char line[LINE];
    size_t length = write_line(address, line);
    if (length == 0)
        return false;
    if (transfer->allowed.length > 0 && has_line(&transfer->allowed, line, length))
        return true;
    if (!buffer_append(&transfer->asked, line, length))
        transfer->verdict = VERDICT_NO_MEMORY;
    return false;
}

/* address_bytes(text) -> the 4 or 16 bytes of an IP address, in the order of the network;
 * nil when it is none. */
static int l_address_bytes(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    unsigned char bytes[sizeof(struct in6_addr)];
    size_t size = 0;
    if (strlen(text) == length && inet_pton(AF_INET, text, bytes) == 1)
        size = sizeof(struct in_addr);
    else if (strlen(text) == length && inet_pton(AF_INET6, text, bytes) == 1)
        size = sizeof(struct in6_addr);
    if (size > 0)
        lua_pushlstring(L, (const char *)bytes, size);
    else
        lua_pushnil(L);
    return 1;
}

void address_register(lua_State *L)
{
    lua_pushcfunction(L, l_address_bytes);
    lua_setfield(L, -2, "address_bytes");
}
