/* One transfer: an easy handle with what it has brought. Used again for the next request,
 * since a new handle costs as much as a small request. */
#include "core.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Bytes: kept of a buffer between transfers; asked of the kernel at a time, where
 * libcurl's own 16 KiB cost 20 % more for big bodies. */
enum { KEPT_HEAD = 2048, KEPT_BODY = 4096, RECEIVE_BUFFER = 65536 };

/* As libcurl's own: bytes sent at a time; seconds after which a connection that nobody
 * uses serves no more. */
enum { SEND_BUFFER = 65536, CONNECTION_AGE = 118 };

static void free_lent(struct transfer *transfer)
{
    for (size_t i = 0; i < transfer->list_count; i++)
        curl_slist_free_all(transfer->lists[i]);
    free(transfer->lists);
    transfer->lists = NULL;
    transfer->list_count = 0;
    curl_mime_free(transfer->mime);
    transfer->mime = NULL;
}

void transfer_free(struct transfer *transfer)
{
    curl_easy_cleanup(transfer->easy);
    free_lent(transfer);
    buffer_reset(&transfer->head, 0);
    buffer_reset(&transfer->trailers, 0);
    buffer_reset(&transfer->body, 0);
    buffer_reset(&transfer->upload, 0);
    buffer_reset(&transfer->log, 0);
    buffer_reset(&transfer->allowed, 0);
    buffer_reset(&transfer->asked, 0);
    free(transfer);
}

void transfer_clear(struct transfer *transfer)
{
    buffer_reset(&transfer->head, KEPT_HEAD);
    buffer_reset(&transfer->trailers, 0);
    buffer_reset(&transfer->body, KEPT_BODY);
    buffer_reset(&transfer->upload, 0);
    buffer_reset(&transfer->log, 0);
    buffer_reset(&transfer->allowed, 0);
    buffer_reset(&transfer->asked, 0);
    transfer->is_checked = false;
    transfer->log_is_open = false;
    transfer->state = TRANSFER_FREE;
    transfer->verdict = VERDICT_NONE;
    transfer->result = CURLE_OK;
    transfer->head_complete = transfer->until_close = transfer->is_cut = false;
    transfer->content_length = -1;
    transfer->uploaded = 0;
    transfer->received = 0;
    transfer->open_at = 0;
    transfer->discards = false;
    transfer->taken = transfer->sent = 0;
    transfer->sink = -1;
    transfer->os_error = 0;
    transfer->written = 0;
    transfer->uploads = transfer->upload_open = false;
    transfer->receiving_is_paused = transfer->sending_is_paused = false;
    transfer->is_stranded = transfer->is_held = transfer->is_connected = false;
    transfer->peer_port = transfer->local_port = 0;
    transfer->status_line = transfer->guarded = 0;
    transfer->is_interim = transfer->is_misled = false;
    transfer->error[0] = '\0';
}

bool transfer_reset(struct transfer *transfer)
{
    transfer_clear(transfer);
    transfer->setup = 0;
    transfer->altered = false;
    if (transfer->client->jar) /* libcurl 7.88 loses its list of files in a reset */
        curl_easy_setopt(transfer->easy, CURLOPT_COOKIEFILE, NULL);
    curl_easy_reset(transfer->easy);
    free_lent(transfer);
    transfer->max_speed = 0;
    return transfer_is_slim(transfer);
}

/* libcurl 7.88 leaves the receive buffer in a handle whose lookup has failed, or whose
 * connection served others at its end; it refuses to set the size of one. */
bool transfer_is_slim(struct transfer *transfer)
{
    return transfer->max_speed <= 0 &&
           curl_easy_setopt(transfer->easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER) ==
               CURLE_OK;
}

struct transfer *transfer_new(struct client *client)
{
    struct transfer *transfer = calloc(1, sizeof *transfer);
    if (!transfer)
        return NULL;
    transfer->easy = curl_easy_init();
    if (!transfer->easy) {
        free(transfer);
        return NULL;
    }
    transfer->client = client;
    transfer_clear(transfer);
    if (transfer_is_slim(transfer))
        return transfer;
    transfer_free(transfer);
    return NULL;
}

void transfer_tell_socket(struct transfer *transfer)
{
    if (transfer->tells_socket)
        client_note(transfer);
    transfer->tells_socket = false;
}

#if LIBCURL_VERSION_NUM >= 0x075000
/* Called before each request, also on a connection that was there already.
 * NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's */
static int on_ready(void *pointer, char *ip, char *local_ip, int port, int local_port)
{
    (void)ip;
    (void)local_ip;
    (void)port;
    struct transfer *transfer = pointer;
#ifdef CURLEW_OPENSSL
    if (tls_is_taken(transfer)) {
        transfer->is_misled = true;
        return CURL_PREREQFUNC_ABORT;
    }
#endif
    transfer->local_port = local_port;
    transfer_tell_socket(transfer);
    return CURL_PREREQFUNC_OK;
}
#endif

/* libcurl opens sockets here, so that they do not leak into child processes, and so that
 * the client knows which ones it will see closed. */
static curl_socket_t on_open_socket(void *pointer, curlsocktype purpose,
                                    struct curl_sockaddr *address)
{
    (void)purpose;
    struct transfer *transfer = pointer;
    if (!address_admits(transfer, address))
        return CURL_SOCKET_BAD;
    int type = address->socktype;
#ifdef SOCK_CLOEXEC
    type |= SOCK_CLOEXEC;
#endif
    curl_socket_t fd = socket(address->family, type, address->protocol);
    if (fd < 0) {
        transfer->os_error = errno;
        if (errno == EMFILE || errno == ENFILE)
            transfer->verdict = VERDICT_NO_DESCRIPTORS;
        return CURL_SOCKET_BAD;
    }
    transfer->os_error = 0; /* of another address, where there was no socket */
    transfer->verdict = VERDICT_NONE;
    if (!socket_adopt(transfer->client, fd, transfer->id)) {
        transfer->verdict = VERDICT_NO_MEMORY;
        close(fd);
        return CURL_SOCKET_BAD;
    }
    transfer_tell_socket(transfer);
    return fd;
}

/* What libcurl tells, as its command does with -v: "* text", "> sent" and "< received"
 * lines of heads; ">+" where it sends the rest of a line. Bodies are left out. */
static int on_debug(CURL *easy, curl_infotype type, char *bytes, size_t length,
                    void *pointer)
{
    (void)easy;
    struct transfer *transfer = pointer;
    const char *mark = type == CURLINFO_TEXT         ? "* "
                       : type == CURLINFO_HEADER_OUT ? "> "
                       : type == CURLINFO_HEADER_IN  ? "< "
                                                     : NULL;
    if (!mark)
        return 0;
    while (length > 0) {
        const char *end = memchr(bytes, '\n', length);
        size_t line = end ? (size_t)(end - bytes) + 1 : length;
        bool is_sent = type == CURLINFO_HEADER_OUT;
        const char *shown = is_sent && transfer->log_is_open ? ">+" : mark;
        if (is_sent)
            transfer->log_is_open = !end;
        buffer_append(&transfer->log, shown, 2); /* without memory, the log has gaps */
        buffer_append(&transfer->log, bytes, line);
        if (!end)
            buffer_append(&transfer->log, "\n", 1);
        bytes += line;
        length -= line;
    }
    client_note(transfer);
    return 0;
}

CURLcode transfer_set_speed(struct transfer *transfer, double speed)
{
    static const double smallest = 1024, pieces = 16; /* bytes; a second */
    transfer->max_speed = speed;
    double piece = fmax(smallest, speed / pieces);
    if (speed <= 0 || piece >= RECEIVE_BUFFER)
        return CURLE_OK;
    return curl_easy_setopt(transfer->easy, CURLOPT_BUFFERSIZE, (long)piece);
}

#define SET(option, value)                                                               \
    do {                                                                                 \
        if (code == CURLE_OK)                                                            \
            code = curl_easy_setopt(transfer->easy, CURLOPT_##option, value);            \
    } while (0)

static CURLcode set_callbacks(struct transfer *transfer)
{
    CURLcode code = CURLE_OK;
    SET(HEADERFUNCTION, on_header);
    SET(HEADERDATA, transfer);
    SET(READFUNCTION, on_read); /* libcurl's own would read standard input in the loop */
    SET(READDATA, transfer);
    SET(DEBUGFUNCTION, on_debug); /* called when the option VERBOSE is set */
    SET(DEBUGDATA, transfer);
    SET(WRITEFUNCTION, on_write);
    SET(WRITEDATA, transfer);
    SET(OPENSOCKETFUNCTION, on_open_socket);
    SET(OPENSOCKETDATA, transfer);
    SET(CLOSESOCKETFUNCTION, on_close_socket);
    SET(CLOSESOCKETDATA, transfer->client); /* a connection may outlive a transfer */
#if LIBCURL_VERSION_NUM >= 0x075000
    SET(PREREQFUNCTION, on_ready);
    SET(PREREQDATA, transfer);
#endif
    return code;
}

CURLcode transfer_prepare(struct transfer *transfer)
{
    CURLcode code = set_callbacks(transfer);
    SET(PRIVATE, transfer);
    SET(ERRORBUFFER, transfer->error);
    SET(NOSIGNAL, 1L);
    SET(HEADER, (long)transfer->is_guarded);
    SET(SUPPRESS_CONNECT_HEADERS, 1L);
    SET(SHARE, transfer->client->share);
    /* Where memory runs out in a reset, libcurl 7.88 leaves all that comes next at 0, and
     * tells nobody: it would send from a buffer without room, and a proxy would get the
     * fields that are for the host. */
    SET(UPLOAD_BUFFERSIZE, (long)SEND_BUFFER);
    SET(HEADEROPT, (long)CURLHEADER_SEPARATE);
    SET(SSL_ENABLE_ALPN, 1L);
    SET(TCP_NODELAY, 1L);
    SET(MAXAGE_CONN, (long)CONNECTION_AGE);
    if (transfer->client->jar)
        SET(COOKIEFILE, ""); /* else the cookies of the jar stay there */
#if LIBCURL_VERSION_NUM >= 0x075700
    SET(QUICK_EXIT, 1L); /* cancelling must not wait for a name server */
#endif
    return code;
}
