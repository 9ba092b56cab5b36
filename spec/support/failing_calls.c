/* Has system calls fail, for specs: preloaded, and loaded by package.loadlib once more for its two
 * functions. As there is one build for all Luas, it does without their headers. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

extern const char *lua_tolstring(void *L, int index, size_t *length);
extern void lua_pushnumber(void *L, double number);

static struct {
    char name[16]; /* of the call */
    char who[16];  /* part of the path of what calls */
    int error;
    long count, first, last; /* of such calls; those from first to last fail */
} armed;

static bool fails(const char *name, const void *caller)
{
    Dl_info info;
    if (!armed.last || strcmp(armed.name, name) != 0 || !dladdr(caller, &info) ||
        !strstr(info.dli_fname, armed.who))
        return false;
    long count = __atomic_add_fetch(&armed.count, 1, __ATOMIC_RELAXED);
    if (count < armed.first || count > armed.last)
        return false;
    errno = armed.error;
    return true;
}

/* fail("NAME WHO ERROR FIRST LAST"); WHO "/" is anybody */
int fail_calls(void *L)
{
    armed.last = armed.count = 0;
    long last = 0;
    sscanf(lua_tolstring(L, 1, NULL), "%15s %15s %d %ld %ld", armed.name, armed.who, &armed.error,
           &armed.first, &last);
    armed.last = last;
    return 0;
}

/* count() -> how many of those there were; none fails any more */
int count_calls(void *L)
{
    armed.last = 0;
    lua_pushnumber(L, (double)armed.count);
    return 1;
}

#define CALLER __builtin_return_address(0)
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
/* A function that is passed on as it is, unless it is to fail. */
#define PASS(type, name, parameters, arguments) \
    type name parameters                        \
    {                                           \
        static __typeof__(&name) next;          \
        if (fails(#name, CALLER))               \
            return -1;                          \
        if (!next)                              \
            next = NEXT(name);                  \
        return next arguments;                  \
    }

PASS(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
PASS(int, connect, (int fd, const struct sockaddr *to, socklen_t size), (fd, to, size))
PASS(ssize_t, recv, (int fd, void *to, size_t size, int flags), (fd, to, size, flags))
PASS(ssize_t, send, (int fd, const void *from, size_t size, int flags), (fd, from, size, flags))
PASS(int, epoll_create1, (int flags), (flags))
PASS(int, epoll_ctl, (int set, int op, int fd, struct epoll_event *event), (set, op, fd, event))
PASS(int, epoll_wait, (int set, struct epoll_event *events, int size, int timeout),
     (set, events, size, timeout))
PASS(ssize_t, pwrite64, (int fd, const void *from, size_t size, off64_t at), (fd, from, size, at))
PASS(ssize_t, pread64, (int fd, void *to, size_t size, off64_t at), (fd, to, size, at))
PASS(int, fsync, (int fd), (fd))
PASS(int, fdatasync, (int fd), (fd))
PASS(int, rename, (const char *from, const char *to), (from, to))
PASS(int, ftruncate64, (int fd, off64_t size), (fd, size))

/* Of files alone: libuv ends the program when it cannot wake its own loop. */
static bool is_file(int fd)
{
    struct stat about;
    return armed.last && fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
}

ssize_t read(int fd, void *to, size_t size)
{
    return is_file(fd) && fails("read", CALLER) ? -1 : NEXT(read)(fd, to, size);
}

ssize_t write(int fd, const void *from, size_t size)
{
    return is_file(fd) && fails("write", CALLER) ? -1 : NEXT(write)(fd, from, size);
}

int open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    int mode = va_arg(rest, int);
    va_end(rest);
    if (fails("open64", CALLER))
        return -1;
    return NEXT(open64)(path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    int mode = va_arg(rest, int);
    va_end(rest);
    if (fails("open", CALLER))
        return -1;
    return NEXT(open)(path, flags, mode);
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    if (fails("getaddrinfo", CALLER))
        return armed.error;
    return NEXT(getaddrinfo)(name, service, hints, found);
}
