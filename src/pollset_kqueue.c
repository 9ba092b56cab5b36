/* The kernel's poll set on macOS and the BSDs, kqueue; pollset.c has that of Linux. */
#include "pollset.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <sys/event.h>
#include <sys/time.h>
#include <unistd.h>

enum { BATCH = 64 }; /* events taken from the kernel by one call */

int pollset_open(struct pollset *set)
{
    set->fd = kqueue();
    if (set->fd < 0)
        return -1;
    if (fcntl(set->fd, F_SETFD, FD_CLOEXEC) == 0)
        return 0;
    pollset_close(set);
    return -1;
}

/* Adds even what should be there already: a number that was closed and opened again
 * behind our back has lost its filters. So there may be none to delete, either. */
static int change_filter(struct pollset *set, int fd, short filter, bool old, bool new)
{
    if (!old && !new)
        return 0;
    struct kevent change;
    EV_SET(&change, fd, filter, new ? EV_ADD : EV_DELETE, 0, 0, 0);
    int status = kevent(set->fd, &change, 1, NULL, 0, NULL);
    bool is_gone = status != 0 && errno == ENOENT;
    return is_gone && !new ? 0 : status;
}

int pollset_change(struct pollset *set, int fd, int old, int new)
{
    int status = change_filter(set, fd, EVFILT_READ, old & POLLSET_IN, new &POLLSET_IN);
    if (status != 0)
        return status;
    return change_filter(set, fd, EVFILT_WRITE, old & POLLSET_OUT, new &POLLSET_OUT);
}

/* The one of fd among the events so far, or a new one: a descriptor that is readable and
 * writable comes as two. */
static struct pollset_event *event_of(int fd, struct pollset_event *events, int *count)
{
    for (int i = 0; i < *count; i++)
        if (events[i].fd == fd)
            return &events[i];
    struct pollset_event *event = &events[(*count)++];
    *event = (struct pollset_event){.fd = fd};
    return event;
}

int pollset_take(struct pollset *set, struct pollset_event *events, int capacity)
{
    struct kevent ready[BATCH];
    struct timespec at_once = {0, 0};
    int taken =
        kevent(set->fd, NULL, 0, ready, capacity < BATCH ? capacity : BATCH, &at_once);
    if (taken < 0)
        return -1;
    int count = 0;
    for (int i = 0; i < taken; i++) {
        struct pollset_event *event = event_of((int)ready[i].ident, events, &count);
        event->events |= ready[i].filter == EVFILT_WRITE ? POLLSET_OUT : POLLSET_IN;
        if (ready[i].flags & EV_EOF)
            event->events |= POLLSET_ERROR;
    }
    return count;
}

void pollset_close(struct pollset *set)
{
    if (set->fd >= 0)
        close(set->fd);
    set->fd = -1;
}
