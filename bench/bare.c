/* The yardstick of curlew's benchmark: libuv and curl_multi_socket_action, joined the way libcurl's
 * manual joins them (one uv_poll handle for each socket, one uv_timer), with easy handles reused.
 *
 *     bare URL TOTAL CONCURRENCY
 *
 * Each response must have status 200 and 1,024 bytes. Prints one line, as bench/curlew.lua does. */

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <uv.h>

enum { BODY_SIZE = 1024 };

struct request {
    CURL *easy;
    size_t received; /* bytes of the body */
};

struct watch {
    uv_poll_t poll;
    curl_socket_t socket;
};

static struct {
    uv_loop_t *loop;
    uv_timer_t timer;
    CURLM *multi;
    long total;   /* requests to make */
    long started; /* requests begun so far */
    long failed;
} bench;

static void fail(const char *what)
{
    fprintf(stderr, "bare: %s\n", what);
    exit(1);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *user)
{
    struct request *request = user;
    (void)bytes;
    request->received += size * count;
    return size * count;
}

static void start_next(struct request *request)
{
    if (bench.started == bench.total)
        return;
    bench.started++;
    request->received = 0;
    if (curl_multi_add_handle(bench.multi, request->easy) != CURLM_OK)
        fail("curl_multi_add_handle");
}

static void take_finished(void)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(bench.multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result;
        struct request *request;
        long status = 0;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&request);
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        if (result != CURLE_OK || status != 200 || request->received != BODY_SIZE)
            bench.failed++;
        curl_multi_remove_handle(bench.multi, easy);
        start_next(request);
    }
}

static void on_socket_event(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    int flags = 0;
    int running;
    if (status < 0)
        flags = CURL_CSELECT_IN | CURL_CSELECT_OUT;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    curl_multi_socket_action(bench.multi, watch->socket, flags, &running);
    take_finished();
}

static void on_timer(uv_timer_t *timer)
{
    int running;
    (void)timer;
    curl_multi_socket_action(bench.multi, CURL_SOCKET_TIMEOUT, 0, &running);
    take_finished();
}

/* libcurl forbids calling it from here, so 0 ms becomes 1, as in the manual. */
static int on_timer_wanted(CURLM *multi, long milliseconds, void *user)
{
    (void)multi;
    (void)user;
    if (milliseconds < 0)
        uv_timer_stop(&bench.timer);
    else
        uv_timer_start(&bench.timer, on_timer, milliseconds ? (uint64_t)milliseconds : 1,
                       0);
    return 0;
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static struct watch *watch_new(curl_socket_t socket)
{
    struct watch *watch = malloc(sizeof *watch);
    if (!watch)
        fail("no memory");
    watch->socket = socket;
    uv_poll_init_socket(bench.loop, &watch->poll, socket);
    watch->poll.data = watch;
    curl_multi_assign(bench.multi, socket, watch);
    return watch;
}

static int on_socket(CURL *easy, curl_socket_t socket, int action, void *user,
                     void *known)
{
    struct watch *watch = known;
    int events = 0;
    (void)easy;
    (void)user;
    if (action == CURL_POLL_REMOVE) {
        if (watch) {
            uv_poll_stop(&watch->poll);
            uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
            curl_multi_assign(bench.multi, socket, NULL);
        }
        return 0;
    }
    if (!watch)
        watch = watch_new(socket);
    if (action != CURL_POLL_OUT)
        events |= UV_READABLE;
    if (action != CURL_POLL_IN)
        events |= UV_WRITABLE;
    uv_poll_start(&watch->poll, events, on_socket_event);
    return 0;
}

static void request_start(struct request *request, const char *url)
{
    request->easy = curl_easy_init();
    if (!request->easy)
        fail("curl_easy_init");
    curl_easy_setopt(request->easy, CURLOPT_URL, url);
    curl_easy_setopt(request->easy, CURLOPT_PRIVATE, request);
    curl_easy_setopt(request->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(request->easy, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(request->easy, CURLOPT_NOSIGNAL, 1L);
    start_next(request);
}

static double cpu_seconds(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        fail("usage: bare URL TOTAL CONCURRENCY");
    bench.total = atol(argv[2]);
    long concurrency = atol(argv[3]);
    if (bench.total < 1 || concurrency < 1)
        fail("TOTAL and CONCURRENCY must be positive");
    struct request *requests = calloc((size_t)concurrency, sizeof *requests);
    if (!requests || curl_global_init(CURL_GLOBAL_ALL))
        fail("cannot start");

    bench.loop = uv_default_loop();
    uv_timer_init(bench.loop, &bench.timer);
    bench.multi = curl_multi_init();
    curl_multi_setopt(bench.multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(bench.multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
    /* By default libcurl keeps four times the running transfers: too few when a burst drains. */
    curl_multi_setopt(bench.multi, CURLMOPT_MAXCONNECTS, concurrency);

    double cpu = cpu_seconds();
    uint64_t wall = uv_hrtime();
    for (long i = 0; i < concurrency; i++)
        request_start(&requests[i], argv[1]);
    uv_run(bench.loop, UV_RUN_DEFAULT);
    wall = uv_hrtime() - wall;
    cpu = cpu_seconds() - cpu;

    printf("bare total=%ld concurrency=%ld wall=%.3f cpu_us=%.2f failed=%ld\n",
           bench.total, concurrency, (double)wall / 1e9, cpu * 1e6 / (double)bench.total,
           bench.failed);
    for (long i = 0; i < concurrency; i++)
        curl_easy_cleanup(requests[i].easy);
    curl_multi_cleanup(bench.multi);
    free(requests);
    return bench.failed ? 1 : 0;
}
