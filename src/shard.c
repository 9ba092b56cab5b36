/* Shards: the multi handles of a client, all behind its one poll set. For each request
 * libcurl walks over all connections to the host, so a host with very many requests at
 * once has them spread over several; which request goes where is curlew.pool's to say. */
#include "core.h"

#include <stdlib.h>

static int on_timer(CURLM *multi, long timeout, void *pointer)
{
    (void)multi;
    struct shard *shard = pointer;
    shard->curl_due = timeout < 0 ? -1 : client_now() + timeout;
    return 0;
}

static bool open_multi(struct shard *shard)
{
    int numbers[2];
    process_foresee(shard->client->set.fd, numbers);
    CURLM *multi = curl_multi_init();
    if (!multi)
        return false;
    process_seal(numbers[0]); /* with which libcurl could be woken from other threads */
    process_seal(numbers[1]);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, shard);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, shard);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    /* Fixed: the default follows the number of running transfers down in a burst. */
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, shard->client->cached_connections);
    shard->multi = multi;
    shard->curl_due = -1;
    return true;
}

struct shard *shard_open(struct client *client, int number)
{
    if (number < 0 || number >= MAX_SHARDS)
        number = MAX_SHARDS - 1;
    while (client->shard_count <= number) {
        struct shard *shard = calloc(1, sizeof *shard);
        if (!shard)
            return NULL;
        shard->client = client;
        client->shards[client->shard_count++] = shard;
    }
    struct shard *shard = client->shards[number];
    return shard->multi || open_multi(shard) ? shard : NULL;
}

void shard_close(struct shard *shard)
{
    if (shard->multi)
        curl_multi_cleanup(shard->multi);
    free(shard);
}

/* Once a multi handle has failed as a whole, no transfer of it reports any more: all are
 * ended, and a new handle takes the next ones. */
void shard_check(struct shard *shard, CURLMcode code)
{
    if (code == CURLM_OK || code == CURLM_CALL_MULTI_PERFORM || code == CURLM_BAD_SOCKET)
        return;
    client_end_all(shard->client, shard, CURLE_FAILED_INIT);
    curl_multi_cleanup(shard->multi);
    shard->multi = NULL;
    shard->curl_due = -1;
    open_multi(shard); /* or else when it is needed */
}
