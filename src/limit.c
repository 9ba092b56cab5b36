/* Limits that libcurl does not keep as curlew means them: of time without progress, of
 * time until there is a connection, and of speed; and of time in total, which it keeps at
 * the cost of a timer for each transfer. They are looked at when the earliest can be
 * reached, all together. */
#include "core.h"

#include <math.h>

static const double SLACK = 100; /* ms that a transfer may be late, and catch up */

void limit_note(struct client *client, int64_t limit, int64_t since)
{
    if (limit > 0 && (client->limit_due < 0 || since + limit < client->limit_due))
        client->limit_due = since + limit;
}

/* An upload from memory moves bytes without any callback. */
static bool has_uploaded(struct transfer *transfer)
{
    curl_off_t uploaded = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
    bool moved = uploaded != transfer->uploaded;
    transfer->uploaded = uploaded;
    return moved;
}

static bool is_idle(struct transfer *transfer, int64_t now)
{
    if (transfer->idle_limit == 0 || transfer->progress_at + transfer->idle_limit > now)
        return false;
    bool waits_for_lua = transfer->receiving_is_paused || transfer->sending_is_paused;
    if (!waits_for_lua && !has_uploaded(transfer))
        return true;
    transfer->progress_at = now;
    return false;
}

static bool is_over(const struct transfer *transfer, int64_t now)
{
    return transfer->total_limit > 0 &&
           transfer->started_at + transfer->total_limit <= now;
}

/* Whether there is no connection in time. libcurl's own limit does not count the wait for
 * another transfer's connection, which may turn out to be one that both can use. */
static bool is_late(struct transfer *transfer, int64_t now)
{
    if (transfer->connect_limit == 0 || transfer->is_connected ||
        transfer->started_at + transfer->connect_limit > now)
        return false;
    curl_off_t ready = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
    transfer->is_connected = ready > 0;
    return ready == 0;
}

/* libcurl 7.88 lets the first megabytes through at any speed, and forgets a transfer that
 * was paused at its last bytes. */
bool limit_holds(struct transfer *transfer)
{
    if (transfer->max_speed <= 0)
        return false;
    int64_t now = client_now();
    if (transfer->open_at <= (double)now)
        return false;
    transfer->is_held = true;
    limit_note(transfer->client, (int64_t)ceil(transfer->open_at) - now, now);
    return true;
}

void limit_charge(struct transfer *transfer, size_t length)
{
    if (transfer->max_speed <= 0)
        return;
    double from = fmax(transfer->open_at, (double)client_now() - SLACK);
    transfer->open_at = from + (double)length * 1000 / transfer->max_speed;
}

static void release(struct transfer *transfer, int64_t now)
{
    if (transfer->open_at <= (double)now) {
        transfer->is_held = false;
        stream_resume_soon(transfer);
    } else {
        limit_note(transfer->client, (int64_t)ceil(transfer->open_at) - now, now);
    }
}

void limit_enforce(struct client *client, int64_t now)
{
    client->limit_due = -1;
    for (int i = 0; i < client->slot_count; i++) {
        struct transfer *transfer = client->slots[i].transfer;
        if (!transfer || transfer->state != TRANSFER_RUNNING)
            continue;
        bool late = is_over(transfer, now) || is_late(transfer, now);
        if (late || is_idle(transfer, now)) {
            transfer->verdict = late ? VERDICT_NONE : VERDICT_IDLE;
            client_end(transfer, CURLE_OPERATION_TIMEDOUT);
            continue;
        }
        if (transfer->is_held)
            release(transfer, now);
        limit_note(client, transfer->idle_limit, transfer->progress_at);
        limit_note(client, transfer->total_limit, transfer->started_at);
        if (!transfer->is_connected)
            limit_note(client, transfer->connect_limit, transfer->started_at);
    }
}
