/* What luv lacks for files that others may touch: an advisory lock, and O_NOFOLLOW. */
#include "core.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

/* lock(fd) -> true, false when another holds it, or nil and a text. The lock is of the
 * open file, so that a second one in this process is refused, too, and goes with its last
 * descriptor, however the process ends (flock(2)). Does not wait. */
static int l_lock(lua_State *L)
{
    int fd = (int)luaL_checkinteger(L, 1), result;
    do
        result = flock(fd, LOCK_EX | LOCK_NB);
    while (result == -1 && errno == EINTR);
    if (result == 0 || errno == EWOULDBLOCK) {
        lua_pushboolean(L, result == 0);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, strerror(errno));
    return 2;
}

void file_register(lua_State *L)
{
    lua_pushcfunction(L, l_lock);
    lua_setfield(L, -2, "lock");
    lua_pushinteger(L, O_NOFOLLOW);
    lua_setfield(L, -2, "O_NOFOLLOW");
}
