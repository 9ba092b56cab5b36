/* Response heads: libcurl hands over one line at a time, of every response that it meets
 * on the way: 1xx, a proxy's, a 401 before the authentication. The last one counts. */
#include "core.h"

#include <string.h>
#include <strings.h>

enum { MAX_HEAD = 300 * 1024 }; /* bytes of one response's head, and of its trailers */

static const char LENGTH_FIELD[] = "content-length:";
static const char CODING_FIELD[] = "transfer-encoding:";

static bool starts_with(const char *line, size_t length, const char *prefix)
{
    size_t prefix_length = strlen(prefix);
    return length >= prefix_length && strncasecmp(line, prefix, prefix_length) == 0;
}

/* Parses the digits of a field value that ends with the line; -1 when it is anything
 * else. */
static int64_t parse_length(const char *value, size_t length)
{
    size_t i = 0;
    while (i < length && (value[i] == ' ' || value[i] == '\t'))
        i++;
    if (i == length || value[i] < '0' || value[i] > '9')
        return -1;
    int64_t number = 0;
    for (; i < length && value[i] >= '0' && value[i] <= '9'; i++) {
        if (number > (INT64_MAX - 9) / 10)
            return -1;
        number = number * 10 + (value[i] - '0');
    }
    while (i < length && strchr(" \t\r\n", value[i]))
        i++;
    return i == length ? number : -1;
}

/* The first line of a head, whatever libcurl takes for one: Lua looks at it. What follows
 * a whole head may be its trailers, but not when it was an interim one. */
static bool begins_head(const struct transfer *transfer, const char *line, size_t length)
{
    if (transfer->head.length == 0 || (transfer->head_complete && transfer->is_interim))
        return true;
    return transfer->head_complete && starts_with(line, length, "HTTP/");
}

/* From 7.83 to 8.1.0 a handle remembers the last field of its transfer before, whose
 * memory it has freed; when the first field of a head begins like the continuation of
 * another, it writes there (curl issue 11101). With the option HEADER, on_write is asked
 * about each line before libcurl looks at it, and can refuse such a one. */
bool header_needs_guard(void)
{
    unsigned int version = curl_version_info(CURLVERSION_NOW)->version_num;
    return version >= 0x075300 && version < 0x080101;
}

bool header_guard(struct transfer *transfer, const char *bytes, size_t length, bool *fine)
{
    if (!transfer->is_guarded || (transfer->head_complete && !transfer->is_interim))
        return false;
    bool is_first =
        transfer->head_complete || transfer->head.length <= transfer->status_line;
    bool begins = transfer->guarded == 0; /* long lines come in several pieces */
    transfer->guarded += length;
    *fine = !is_first || !begins || (bytes[0] != ' ' && bytes[0] != '\t');
    if (!*fine)
        transfer->verdict = VERDICT_BAD_HEAD;
    return true;
}

static void begin_head(struct transfer *transfer, const char *line, size_t length)
{
    const char *space = memchr(line, ' ', length);
    bool is_http1 = starts_with(line, length, "HTTP/1");
    transfer->status_line = length;
    transfer->is_interim = space && space + 1 < line + length && space[1] == '1';
    transfer->head.length = 0;
    transfer->trailers.length = 0;
    transfer->head_complete = false;
    transfer->content_length = -1;
    transfer->until_close = is_http1;
}

static void end_head(struct transfer *transfer)
{
    transfer->head_complete = true;
#ifdef CURLEW_OPENSSL
    if (transfer->until_close)
        tls_watch_end(transfer);
#endif
    if (transfer->streamed)
        client_note(transfer);
}

/* RFC 9112 section 6.3: a message with several differing lengths is to be taken for an
 * attack. */
static bool note_length(struct transfer *transfer, const char *line, size_t length)
{
    size_t name_length = sizeof LENGTH_FIELD - 1;
    int64_t announced = parse_length(line + name_length, length - name_length);
    bool agrees = announced >= 0 &&
                  (transfer->content_length < 0 || transfer->content_length == announced);
    transfer->content_length = announced;
    return agrees;
}

size_t on_header(char *line, size_t size, size_t count, void *pointer)
{
    struct transfer *transfer = pointer;
    size_t length = size * count;
    transfer->progress_at = client_now();
    transfer->guarded = 0;
    if (begins_head(transfer, line, length))
        begin_head(transfer, line, length);
    bool in_trailers = transfer->head_complete;
    struct buffer *block = in_trailers ? &transfer->trailers : &transfer->head;
    bool is_length = !in_trailers && starts_with(line, length, LENGTH_FIELD);
    if (is_length && !note_length(transfer, line, length)) {
        transfer->verdict = VERDICT_BAD_LENGTH;
        return 0;
    }
    if (is_length || (!in_trailers && starts_with(line, length, CODING_FIELD)))
        transfer->until_close = false;
    if (length > MAX_HEAD - block->length) {
        transfer->verdict = VERDICT_HEADERS_TOO_LARGE;
        return 0;
    }
    if (!buffer_append(block, line, length)) {
        transfer->verdict = VERDICT_NO_MEMORY;
        return 0;
    }
    if (length > 0 && (line[0] == '\r' || line[0] == '\n')) /* as libcurl sees it */
        end_head(transfer);
    return length;
}
