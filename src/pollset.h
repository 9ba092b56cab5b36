/* The kernel's poll set. */
#ifndef CURLEW_POLLSET_H
#define CURLEW_POLLSET_H

enum { POLLSET_IN = 1, POLLSET_OUT = 2, POLLSET_ERROR = 4 };

struct pollset {
    int fd; /* owned; the descriptor that luv watches */
};

struct pollset_event {
    int fd;
    int events; /* of POLLSET_* */
};

int pollset_open(struct pollset *set);
/* Changes what is watched of fd from `old` to `new`, both of POLLSET_IN and _OUT, 0 for
 * not in the set. Returns 0, or -1 with errno. */
int pollset_change(struct pollset *set, int fd, int old, int new);
/* Fills in what is ready now, without waiting; returns how many, or -1 with errno. */
int pollset_take(struct pollset *set, struct pollset_event *events, int capacity);
void pollset_close(struct pollset *set);

#endif
