/* As much of kqueue as src/pollset_kqueue.c uses, on Linux' epoll: for tools/kqueue/run alone.
 *
 * What it keeps of the real one: read and write are two filters of a descriptor, which come as
 * two events; adding one twice does nothing; deleting one that is not there, or whose descriptor
 * was closed, is ENOENT; EV_EOF comes with either filter once the other side is gone. */
#ifndef CURLEW_STAND_IN_SYS_EVENT_H
#define CURLEW_STAND_IN_SYS_EVENT_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

enum { EVFILT_READ = -1, EVFILT_WRITE = -2 };
enum { EV_ADD = 0x0001, EV_DELETE = 0x0002, EV_EOF = 0x8000 };

struct kevent {
    uintptr_t ident;
    short filter;
    unsigned short flags;
    unsigned int fflags;
    intptr_t data;
    void *udata;
};

#define EV_SET(event, a, b, c, d, e, f)                                                  \
    (*(event) = (struct kevent){(uintptr_t)(a), (b), (c), (d), (e), (void *)(f)})

enum { STAND_IN_SETS = 4096, STAND_IN_FDS = 4096 };

/* By set and descriptor: which of EPOLLIN and EPOLLOUT were added. */
static unsigned char *stand_in_filters[STAND_IN_SETS];

static inline int kqueue(void)
{
    int set = epoll_create1(0);
    if (set < 0 || set >= STAND_IN_SETS)
        return -1;
    free(stand_in_filters[set]);
    stand_in_filters[set] = calloc(STAND_IN_FDS, 1);
    return stand_in_filters[set] ? set : -1;
}

static inline int stand_in_change(int set, const struct kevent *change)
{
    int fd = (int)change->ident;
    if (fd < 0 || fd >= STAND_IN_FDS) {
        errno = EBADF;
        return -1;
    }
    unsigned char *filters = &stand_in_filters[set][fd];
    unsigned bit = change->filter == EVFILT_READ ? EPOLLIN : EPOLLOUT;
    /* A descriptor that was closed since has left the set, and its filters are gone. */
    struct epoll_event event = {.events = *filters, .data.fd = fd};
    if (*filters && epoll_ctl(set, EPOLL_CTL_MOD, fd, &event) != 0)
        *filters = 0;
    if (change->flags & EV_DELETE && !(*filters & bit)) {
        errno = ENOENT;
        return -1;
    }
    unsigned wanted = change->flags & EV_DELETE ? *filters & ~bit : *filters | bit;
    int operation = !wanted ? EPOLL_CTL_DEL : *filters ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    event.events = wanted;
    int status = epoll_ctl(set, operation, fd, &event);
    if (status == 0)
        *filters = (unsigned char)wanted;
    return status;
}

static inline int kevent(int set, const struct kevent *changes, int change_count,
                         struct kevent *events, int capacity, const struct timespec *wait)
{
    (void)wait; /* always at once */
    for (int i = 0; i < change_count; i++)
        if (stand_in_change(set, &changes[i]) != 0)
            return -1;
    struct epoll_event ready[64];
    int pairs = capacity / 2 < 64 ? capacity / 2 : 64;
    int taken = pairs > 0 ? epoll_wait(set, ready, pairs, 0) : 0;
    int count = 0;
    for (int i = 0; i < taken; i++) {
        int fd = ready[i].data.fd;
        unsigned gone = ready[i].events & (EPOLLERR | EPOLLHUP);
        unsigned happened = gone ? EPOLLIN | EPOLLOUT : ready[i].events;
        happened &= stand_in_filters[set][fd];
        unsigned short flags = gone ? EV_EOF : 0;
        if (happened & EPOLLIN)
            EV_SET(&events[count++], fd, EVFILT_READ, flags, 0, 0, 0);
        if (happened & EPOLLOUT)
            EV_SET(&events[count++], fd, EVFILT_WRITE, flags, 0, 0, 0);
    }
    return taken < 0 ? -1 : count;
}

#endif
