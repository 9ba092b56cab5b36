/* The kernel's poll set on Linux, epoll; pollset_kqueue.c has that of other systems. */
#include "pollset.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BATCH = 64 }; /* events taken from the kernel by one call */

int pollset_open(struct pollset *set)
{
    set->fd = epoll_create1(EPOLL_CLOEXEC);
    return set->fd < 0 ? -1 : 0;
}

int pollset_change(struct pollset *set, int fd, int old, int new)
{
    struct epoll_event event = {.data.fd = fd};
    if (new &POLLSET_IN)
        event.events |= EPOLLIN;
    if (new &POLLSET_OUT)
        event.events |= EPOLLOUT;
    int operation = !new ? EPOLL_CTL_DEL : old ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    int status = epoll_ctl(set->fd, operation, fd, &event);
    /* A number that was closed and opened again behind our back is not what we took it
     * for. */
    if (status != 0 && operation == EPOLL_CTL_MOD && errno == ENOENT)
        status = epoll_ctl(set->fd, EPOLL_CTL_ADD, fd, &event);
    else if (status != 0 && operation == EPOLL_CTL_ADD && errno == EEXIST)
        status = epoll_ctl(set->fd, EPOLL_CTL_MOD, fd, &event);
    return status;
}

int pollset_take(struct pollset *set, struct pollset_event *events, int capacity)
{
    struct epoll_event ready[BATCH];
    int count = epoll_wait(set->fd, ready, capacity < BATCH ? capacity : BATCH, 0);
    for (int i = 0; i < count; i++) {
        events[i].fd = ready[i].data.fd;
        events[i].events = 0;
        if (ready[i].events & EPOLLIN)
            events[i].events |= POLLSET_IN;
        if (ready[i].events & EPOLLOUT)
            events[i].events |= POLLSET_OUT;
        if (ready[i].events & (EPOLLERR | EPOLLHUP))
            events[i].events |= POLLSET_ERROR;
    }
    return count;
}

void pollset_close(struct pollset *set)
{
    if (set->fd >= 0)
        close(set->fd);
    set->fd = -1;
}
