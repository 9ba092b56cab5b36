/* Counts a program's allocations, for specs: preloaded, it answers getenv("MALLOC_COUNT") with how
 * many there were so far. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static unsigned long count;

void *malloc(size_t size)
{
    count++;
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
    count++;
    return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size)
{
    count++;
    return __libc_realloc(old, size);
}

char *getenv(const char *name)
{
    static char text[32];
    static char *(*next)(const char *name);
    if (strcmp(name, "MALLOC_COUNT") == 0) {
        snprintf(text, sizeof text, "%lu", count);
        return text;
    }
    if (!next)
        next = (char *(*)(const char *))dlsym(RTLD_NEXT, "getenv");
    return next(name);
}
