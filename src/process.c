/* Forks, and descriptors that are closed in programs that are started; see process.h. */
#include "core.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* How far the numbers of a pair may be from each other: threads open descriptors, too. */
enum { NEAR = 16 };

static struct client *clients; /* borrowed; all that are open, in all threads */
static pthread_mutex_t clients_lock = PTHREAD_MUTEX_INITIALIZER;

static void lock(void)
{
    pthread_mutex_lock(&clients_lock);
}

static void unlock(void)
{
    pthread_mutex_unlock(&clients_lock);
}

/* The kernel's sets are still the parent's, and so is the one of luv's loop, out of which
 * luv would take them when it closes. That fails, for the child alone, once they are
 * closed here. */
static void disown_clients(void)
{
    for (; clients; clients = clients->next) {
        pollset_close(&clients->set);
        clients->is_inherited = true;
        clients->link = NULL;
    }
    unlock();
}

void process_watch(void)
{
    pthread_atfork(lock, unlock, disown_clients);
}

void process_enter(struct client *client)
{
    lock();
    client->link = &clients;
    client->next = clients;
    if (client->next)
        client->next->link = &client->next;
    clients = client;
    unlock();
}

void process_leave(struct client *client)
{
    if (!client->link)
        return;
    lock();
    *client->link = client->next;
    if (client->next)
        client->next->link = client->link;
    client->link = NULL;
    unlock();
}

void process_foresee(int any, int numbers[2])
{
    numbers[0] = fcntl(any, F_DUPFD_CLOEXEC, 0);
    numbers[1] = fcntl(any, F_DUPFD_CLOEXEC, 0);
    for (int i = 0; i < 2; i++)
        if (numbers[i] >= 0)
            close(numbers[i]);
}

static bool is_unnamed_socket(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_un local;
    } address = {.any = {.sa_family = AF_UNSPEC}};
    socklen_t length = sizeof address;
    return getsockname(fd, &address.any, &length) == 0 &&
           address.any.sa_family == AF_UNIX &&
           length <= (socklen_t)offsetof(struct sockaddr_un, sun_path);
}

static bool is_pipe(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

bool process_seal(int fd)
{
    int flags = fcntl(fd, F_GETFD);
    return flags >= 0 && !(flags & FD_CLOEXEC) &&
           (is_unnamed_socket(fd) || is_pipe(fd)) &&
           fcntl(fd, F_SETFD, flags | FD_CLOEXEC) == 0;
}

void process_seal_pair(int fd)
{
    process_seal(fd);
    for (int other = fd + 1; other < fd + NEAR && !process_seal(other); other++)
        ;
}
