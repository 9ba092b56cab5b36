/* Bytes of bodies: libcurl's write callback. */
#include "core.h"

/* Bytes; so far a server that announces a length is believed before any has come. */
enum { TRUSTED_LENGTH = 1024 * 1024 };

/* The first bytes of a body: one allocation for all of it, when its length is known. */
static void size_body(struct transfer *transfer)
{
    int64_t expected = transfer->content_length;
    if (transfer->max_body >= 0 && expected > transfer->max_body)
        expected = transfer->max_body;
    if (expected > TRUSTED_LENGTH)
        expected = TRUSTED_LENGTH;
    if (expected > 0) /* a failure shows at the append */
        buffer_reserve(&transfer->body, (size_t)expected);
}

static void note_received(struct transfer *transfer, size_t length)
{
    transfer->received += (int64_t)length;
    limit_charge(transfer, length);
}

size_t on_write(char *bytes, size_t size, size_t count, void *pointer)
{
    struct transfer *transfer = pointer;
    size_t length = size * count;
    transfer->progress_at = client_now();
    bool fine;
    if (header_guard(transfer, bytes, length, &fine))
        return fine ? length : 0;
    if (transfer->discards)
        return length;
    if (transfer->max_body >= 0 &&
        (int64_t)length > transfer->max_body - transfer->received) {
        transfer->verdict = VERDICT_BODY_TOO_LARGE;
        return 0;
    }
    if (limit_holds(transfer)) {
        transfer->receiving_is_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (transfer->sink >= 0) {
        if (!stream_sink(transfer, bytes, length)) {
            transfer->verdict = VERDICT_SINK;
            return 0;
        }
        note_received(transfer, length);
        return length;
    }
    if (transfer->streamed) {
        size_t taken = stream_take(transfer, bytes, length);
        if (taken == length)
            note_received(transfer, length);
        return taken;
    }
    if (transfer->body.length == 0)
        size_body(transfer);
    if (!buffer_append(&transfer->body, bytes, length)) {
        transfer->verdict = VERDICT_NO_MEMORY;
        return 0;
    }
    note_received(transfer, length);
    return length;
}
