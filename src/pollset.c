/* The kernel's poll set: epoll on Linux, kqueue on macOS and the BSDs. */
#include "pollset.h"

#include <errno.h>
#include <unistd.h>

enum { BATCH = 64 }; /* events taken from the kernel by one call */

#ifdef __linux__

#include <sys/epoll.h>

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

#else

#include <fcntl.h>
#include <sys/event.h>
#include <sys/time.h>

int pollset_open(struct pollset *set)
{
    set->fd = kqueue();
    if (set->fd < 0)
        return -1;
    return fcntl(set->fd, F_SETFD, FD_CLOEXEC);
}

static int change_filter(struct pollset *set, int fd, short filter, bool wanted)
{
    struct kevent change;
    EV_SET(&change, fd, filter, wanted ? EV_ADD : EV_DELETE, 0, 0, 0);
    return kevent(set->fd, &change, 1, NULL, 0, NULL);
}

int pollset_change(struct pollset *set, int fd, int old, int new)
{
    int status = 0;
    if ((old ^ new) & POLLSET_IN)
        status |= change_filter(set, fd, EVFILT_READ, (new &POLLSET_IN) != 0);
    if ((old ^ new) & POLLSET_OUT)
        status |= change_filter(set, fd, EVFILT_WRITE, (new &POLLSET_OUT) != 0);
    return status;
}

int pollset_take(struct pollset *set, struct pollset_event *events, int capacity)
{
    struct kevent ready[BATCH];
    struct timespec at_once = {0, 0};
    int count =
        kevent(set->fd, NULL, 0, ready, capacity < BATCH ? capacity : BATCH, &at_once);
    for (int i = 0; i < count; i++) {
        events[i].fd = (int)ready[i].ident;
        events[i].events = ready[i].filter == EVFILT_WRITE ? POLLSET_OUT : POLLSET_IN;
        if (ready[i].flags & EV_EOF)
            events[i].events |= POLLSET_ERROR;
    }
    return count;
}

#endif

void pollset_close(struct pollset *set)
{
    if (set->fd >= 0)
        close(set->fd);
    set->fd = -1;
}
