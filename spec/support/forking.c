/* fork and wait for Lua, for specs: each is loaded by package.loadlib. As there is one build for all
 * Luas, it does without their headers. */
#include <sys/wait.h>
#include <unistd.h>

extern void lua_pushnumber(void *L, double number);

/* fork() -> 0 in the child, its number in the parent */
int fork_process(void *L)
{
    lua_pushnumber(L, fork());
    return 1;
}

/* wait() -> the status of a child that has ended, 256 for each unit of its own */
int wait_process(void *L)
{
    int status = -1;
    wait(&status);
    lua_pushnumber(L, status);
    return 1;
}
