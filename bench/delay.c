/* A server that answers each request with 1 KB, some time later, for tens of thousands of
 * connections. In C, so that it is not what limits its clients.
 *
 *     delay MILLISECONDS
 *
 * Prints "listening PORT" and serves until its standard input ends, so that it does not outlive
 * the program that started it. /accepts is answered at once, with the number of connections that
 * were accepted, in the form of nginx's stub_status. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { BODY_SIZE = 1024, BACKLOG = 65535 /* the kernel cuts it down to somaxconn */ };

static const char ACCEPTS[] = "GET /accepts ";

struct connection {
    uv_tcp_t tcp;
    int matched;              /* bytes of the empty line that ends a head */
    int waiting;              /* answers that are due later */
    struct connection *after; /* in the queue: its answer is due next */
    uint64_t due;             /* ms */
};

static uv_timer_t timer;
static struct connection *first, *last;
static long accepted;
static uint64_t delay;
static char answer[BODY_SIZE + 128];
static int answer_size;

static void fail(const char *what, int error)
{
    fprintf(stderr, "delay: %s: %s\n", what, uv_strerror(error));
    exit(1);
}

static void on_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    if (connection->waiting == 0)
        free(connection);
    else
        connection->waiting = -1; /* the queue frees it */
}

static void close_connection(struct connection *connection)
{
    if (!uv_is_closing((uv_handle_t *)&connection->tcp))
        uv_close((uv_handle_t *)&connection->tcp, on_closed);
}

/* So small an answer always fits a socket whose client waits for it. */
static void send_text(struct connection *connection, char *text, int size)
{
    uv_buf_t buffer = uv_buf_init(text, (unsigned)size);
    if (uv_try_write((uv_stream_t *)&connection->tcp, &buffer, 1) != size)
        close_connection(connection);
}

/* All wait equally long, so the first to come is the first to be answered. */
static void on_due(uv_timer_t *handle)
{
    uint64_t now = uv_now(handle->loop);
    while (first && first->due <= now) {
        struct connection *connection = first;
        first = connection->after;
        if (connection->waiting < 0) {
            free(connection);
            continue;
        }
        connection->waiting = 0;
        if (!uv_is_closing((uv_handle_t *)&connection->tcp))
            send_text(connection, answer, answer_size);
    }
    if (first)
        uv_timer_start(handle, on_due, first->due - now, 0);
}

static void take_request(struct connection *connection)
{
    if (delay == 0) {
        send_text(connection, answer, answer_size);
        return;
    }
    if (connection->waiting)
        return; /* no client here sends two requests at once */
    connection->waiting = 1;
    connection->due = uv_now(timer.loop) + delay;
    connection->after = NULL;
    if (first) {
        last->after = connection;
    } else {
        first = connection;
        uv_timer_start(&timer, on_due, delay, 0);
    }
    last = connection;
}

static void tell_accepts(struct connection *connection)
{
    char text[256], numbers[128];
    int length = snprintf(numbers, sizeof numbers,
                          "server accepts handled requests\n %ld 0 0\n", accepted);
    int size =
        snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s",
                 length, numbers);
    send_text(connection, text, size);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct connection *connection = stream->data;
    if (count < 0) {
        close_connection(connection);
        return;
    }
    int is_question = count >= (ssize_t)sizeof ACCEPTS &&
                      memcmp(buffer->base, ACCEPTS, sizeof ACCEPTS - 1) == 0;
    for (ssize_t i = 0; i < count; i++) {
        char wanted = connection->matched % 2 ? '\n' : '\r';
        connection->matched =
            buffer->base[i] == wanted ? connection->matched + 1 : buffer->base[i] == '\r';
        if (connection->matched < 4)
            continue;
        connection->matched = 0;
        if (is_question)
            tell_accepts(connection);
        else
            take_request(connection);
    }
}

static void on_room_wanted(uv_handle_t *handle, size_t size, uv_buf_t *buffer)
{
    static char room[65536]; /* one read after another */
    (void)handle;
    (void)size;
    *buffer = uv_buf_init(room, sizeof room);
}

static void on_connection(uv_stream_t *server, int status)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection || status < 0)
        fail("connection", status);
    uv_tcp_init(server->loop, &connection->tcp);
    connection->tcp.data = connection;
    int error = uv_accept(server, (uv_stream_t *)&connection->tcp);
    if (error)
        fail("accept", error);
    accepted++;
    uv_tcp_nodelay(&connection->tcp, 1);
    uv_read_start((uv_stream_t *)&connection->tcp, on_room_wanted, on_read);
}

static void on_input(uv_stream_t *input, ssize_t count, const uv_buf_t *buffer)
{
    (void)input;
    (void)buffer;
    if (count < 0)
        exit(0);
}

static void write_answer(void)
{
    answer_size = snprintf(answer, sizeof answer,
                           "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                           "Content-Length: %d\r\n\r\n%0*d",
                           BODY_SIZE, BODY_SIZE, 0);
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t server;
    uv_pipe_t input;
    struct sockaddr_in address;
    int size = sizeof address, error;
    delay = argc > 1 ? strtoull(argv[1], NULL, 10) : 200;
    write_answer();
    uv_timer_init(loop, &timer);
    uv_tcp_init(loop, &server);
    uv_ip4_addr("127.0.0.1", 0, &address);
    if ((error = uv_tcp_bind(&server, (struct sockaddr *)&address, 0)) ||
        (error = uv_listen((uv_stream_t *)&server, BACKLOG, on_connection)))
        fail("listen", error);
    uv_tcp_getsockname(&server, (struct sockaddr *)&address, &size);
    uv_pipe_init(loop, &input, 0);
    uv_pipe_open(&input, 0);
    uv_read_start((uv_stream_t *)&input, on_room_wanted, on_input);
    printf("listening %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return uv_run(loop, UV_RUN_DEFAULT);
}
