/* Requests on libuv and libcurl.
 *
 *     bare WORK URL TOTAL CONCURRENCY [DIRECTORY]
 *
 * Prints one line: wall=SECONDS cpu_us=MICROSECONDS failed=COUNT peak_kb=KB
 * What is not seen to succeed has failed. */
#include "bare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct watch {
    uv_poll_t poll;
    curl_socket_t socket;
};

struct bench bench;
static CURLM *multi;
static uv_timer_t timer;
static struct request *requests;
static long concurrency;
static int bursts_left;
static long ended; /* of this burst */

void fail(const char *what)
{
    fprintf(stderr, "bare: %s\n", what);
    exit(1);
}

size_t keep(struct request *request, char *bytes, size_t length)
{
    size_t needed = (size_t)request->received + length;
    if (needed > request->capacity) {
        request->capacity =
            needed > 2 * request->capacity ? needed : 2 * request->capacity;
        request->body = realloc(request->body, request->capacity);
        if (!request->body)
            fail("no memory");
    }
    memcpy(request->body + request->received, bytes, length);
    return length;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *user)
{
    struct request *request = user;
    size_t taken = bench.work->take(request, bytes, size * count);
    if (taken == size * count)
        request->received += (long long)taken;
    return taken;
}

static void start_next(struct request *request)
{
    if (bench.started == bench.total)
        return;
    request->number = ++bench.started;
    request->received = 0;
    if (bench.work->numbered) {
        char url[512];
        snprintf(url, sizeof url, "%s/%ld", bench.url, request->number);
        curl_easy_setopt(request->easy, CURLOPT_URL, url);
    }
    if (curl_multi_add_handle(multi, request->easy) != CURLM_OK)
        fail("curl_multi_add_handle");
}

static void start_burst(void)
{
    bench.started = ended = 0;
    for (long i = 0; i < concurrency; i++)
        start_next(&requests[i]);
}

void request_done(struct request *request, bool fine)
{
    bench.succeeded += fine;
    if (++ended == bench.total && --bursts_left > 0)
        start_burst();
    else
        start_next(request);
}

static void take_finished(void)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result;
        struct request *request;
        long status = 0;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&request);
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        curl_multi_remove_handle(multi, easy);
        bool fine =
            result == CURLE_OK && status == 200 && request->received == bench.size;
        if (!fine)
            fprintf(stderr, "failure: %s, status %ld, %lld bytes\n",
                    curl_easy_strerror(result), status, request->received);
        if (fine && bench.work->finish)
            bench.work->finish(request);
        else
            request_done(request, fine);
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
    curl_multi_socket_action(multi, watch->socket, flags, &running);
    take_finished();
}

static void on_timer(uv_timer_t *handle)
{
    int running;
    (void)handle;
    curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
    take_finished();
}

/* libcurl forbids calling it from here, so 0 ms becomes 1, as in the manual. */
static int on_timer_wanted(CURLM *of, long milliseconds, void *user)
{
    (void)of;
    (void)user;
    if (milliseconds < 0)
        uv_timer_stop(&timer);
    else
        uv_timer_start(&timer, on_timer, milliseconds ? (uint64_t)milliseconds : 1, 0);
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
    curl_multi_assign(multi, socket, watch);
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
            curl_multi_assign(multi, socket, NULL);
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

static void request_open(struct request *request)
{
    CURL *easy = request->easy = curl_easy_init();
    if (!easy)
        fail("curl_easy_init");
    curl_easy_setopt(easy, CURLOPT_URL, bench.url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT,
                     strncmp(bench.url, "https", 5) == 0 ? 1L : 0L);
    if (getenv("BENCH_CA"))
        curl_easy_setopt(easy, CURLOPT_CAINFO, getenv("BENCH_CA"));
    if (bench.work->fresh) {
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    }
}

static double cpu_seconds(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* The most resident memory. That of getrusage is the parent's, if it had more. */
static long peak_kb(void)
{
    char line[256];
    long peak = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status) && !peak)
        sscanf(line, "VmHWM: %ld", &peak);
    if (status)
        fclose(status);
    return peak;
}

static void open_multi(void)
{
    bench.loop = uv_default_loop();
    uv_timer_init(bench.loop, &timer);
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
    /* By default libcurl keeps four times the running transfers: too few when a burst drains. */
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, concurrency);
}

static const struct work *find_work(const char *name)
{
    for (int i = 0; i < work_count; i++)
        if (strcmp(works[i].name, name) == 0)
            return &works[i];
    printf("unsupported: not that work\n");
    exit(3);
}

int main(int argc, char **argv)
{
    if (argc < 5)
        fail("usage: bare WORK URL TOTAL CONCURRENCY [DIRECTORY]");
    bench.work = find_work(argv[1]);
    bench.url = argv[2];
    bench.directory = argc > 5 ? argv[5] : ".";
    bool is_one = bench.work->body_size < 0;
    int bursts = bench.work->bursts ? bench.work->bursts : 1;
    bench.size = is_one ? atoll(argv[3]) : bench.work->body_size;
    bench.total = is_one ? 1 : atol(argv[3]);
    concurrency = is_one ? 1 : atol(argv[4]);
    if (bench.size < 1 || bench.total < 1 || concurrency < 1)
        fail("TOTAL and CONCURRENCY must be positive");
    requests = calloc((size_t)concurrency, sizeof *requests);
    if (!requests || curl_global_init(CURL_GLOBAL_ALL))
        fail("cannot start");
    open_multi();

    double cpu = cpu_seconds();
    uint64_t wall = uv_hrtime();
    for (long i = 0; i < concurrency; i++)
        request_open(&requests[i]);
    bursts_left = bursts;
    start_burst();
    uv_run(bench.loop, UV_RUN_DEFAULT);
    wall = uv_hrtime() - wall;
    cpu = cpu_seconds() - cpu;

    long all = bench.total * bursts;
    printf("wall=%.3f cpu_us=%.2f failed=%ld peak_kb=%ld\n", (double)wall / 1e9,
           cpu * 1e6 / (double)all, all - bench.succeeded, peak_kb());
    for (long i = 0; i < concurrency; i++)
        curl_easy_cleanup(requests[i].easy);
    curl_multi_cleanup(multi);
    free(requests);
    return bench.succeeded == all ? 0 : 1;
}
