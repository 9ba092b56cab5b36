/* What other processes get of this one: the programs that it starts, no descriptor; a
 * fork of it, no client that works. */
#ifndef CURLEW_PROCESS_H
#define CURLEW_PROCESS_H

#include <stdbool.h>

struct client;

/* Has forks noticed from now on. */
void process_watch(void);
/* A client is open, or is not open any more; its address stays the same meanwhile. */
void process_enter(struct client *client);
void process_leave(struct client *client);
/* The numbers that the next two descriptors will have; `any` is one that is open. */
void process_foresee(int any, int numbers[2]);
/* Has a descriptor of libcurl's closed in programs that are started. What is no end of a
 * pair is somebody else's: false. */
bool process_seal(int fd);
/* The same for the two ends of what one call has made, of which this is the first. */
void process_seal_pair(int fd);

#endif
