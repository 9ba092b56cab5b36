/* What other processes get of this one: the programs that it starts, no descriptor; a
 * fork of it, no client that works. */
#ifndef CURLEW_PROCESS_H
#define CURLEW_PROCESS_H

struct client;

/* Has forks noticed from now on. */
void process_watch(void);
/* A client is open, or is not open any more; its address stays the same meanwhile. */
void process_enter(struct client *client);
void process_leave(struct client *client);
/* The numbers that the next two descriptors will have; `any` is one that is open. */
void process_foresee(int any, int numbers[2]);
/* Has a descriptor of libcurl's closed in programs that are started. What is no end of a
 * pair is somebody else's. */
void process_seal(int fd);

#endif
