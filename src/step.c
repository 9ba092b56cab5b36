/* One step of a client: everything that is ready is served, and nothing is waited for. */
#include "core.h"

enum { ROUNDS = 16 }; /* batches of events, and wishes for 0 ms, that are served */

/* libcurl does not tell again of a timer that it has told of and that is not due yet: it
 * may have been called before, for one that was resumed. */
static void serve_timer(struct shard *shard)
{
    int running;
    long timeout = -1;
    shard->curl_due = -1;
    shard_check(shard,
                curl_multi_socket_action(shard->multi, CURL_SOCKET_TIMEOUT, 0, &running));
    if (shard->curl_due < 0 && shard->multi &&
        curl_multi_timeout(shard->multi, &timeout) == CURLM_OK)
        shard->curl_due = timeout < 0 ? -1 : client_now() + timeout;
}

/* Serves the timers that have rung; whether there was one. */
static bool serve_timers(struct client *client)
{
    bool any = false;
    int64_t now = client_now();
    for (int i = 0; i < client->shard_count; i++) {
        struct shard *shard = client->shards[i];
        if (shard->multi && shard->curl_due >= 0 && shard->curl_due <= now) {
            serve_timer(shard);
            any = true;
        }
    }
    return any;
}

/* Whether a head has come to its end that is no 1xx; or a 101, the last one there is. */
static bool has_head(const struct transfer *transfer)
{
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    return transfer->head_complete && (!transfer->is_interim || status == 101);
}

static void collect_messages(struct shard *shard)
{
    int left;
    CURLMsg *message;
    while (shard->multi && (message = curl_multi_info_read(shard->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode result = message->data.result; /* the message dies with the removal */
        struct transfer *transfer = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        if (transfer->is_misled) {
            client_restart(transfer);
            continue;
        }
        if (result == CURLE_OK && !has_head(transfer))
            result = CURLE_PARTIAL_FILE; /* libcurl takes half a head for a whole one */
        if (result == CURLE_OK && transfer->until_close && transfer->is_cut)
            transfer->verdict = VERDICT_CUT;
        client_end(transfer, result);
    }
}

/* Serves what is ready, and what becomes ready by that. */
static void serve(struct client *client)
{
    stream_resume(client);
    bool more = socket_serve(client);
    for (int round = 0; round < ROUNDS; round++) {
        stream_resume(client); /* those that this step has left without a socket */
        bool rang = serve_timers(client);
        if (more)
            more = socket_serve(client);
        if (!rang && !more)
            break;
    }
    for (int i = 0; i < client->shard_count; i++)
        collect_messages(client->shards[i]);
}

void client_step(struct client *client)
{
    serve(client);
    int64_t now = client_now();
    if (client->limit_due >= 0 && client->limit_due <= now)
        limit_enforce(client, now);
    if (client->to_resume > 0)
        serve(client);
}

int64_t client_alarm(struct client *client)
{
    int64_t due = client->limit_due;
    for (int i = 0; i < client->shard_count; i++) {
        int64_t curl_due = client->shards[i]->curl_due;
        if (curl_due >= 0 && (due < 0 || curl_due < due))
            due = curl_due;
    }
    if (client->running == 0 || due < 0 || (client->armed >= 0 && client->armed <= due))
        return -1;
    int64_t wait = due - client_now();
    client->armed = due;
    return wait > 1 ? wait : 1; /* never a timer of 0 ms, which starves luv's loop */
}
