/* The client: the transfers that run, and those that are kept for the next requests. */
#include "core.h"

#include <stdlib.h>
#include <time.h>

enum {
    KEPT =
        1024, /* ended transfers that are kept for the next requests, about 10 KB each */
    STOUT = 64,     /* of these, that may hold a receive buffer of libcurl's as well */
    SEARCHED = 16,  /* of these, for one of the right setup */
    SLOT_BITS = 20, /* of an id; the bits above are the generation of the slot */
    MAX_SLOTS = 1 << SLOT_BITS,
    MAX_GENERATION = (1 << (31 - SLOT_BITS)) - 1,
};

int64_t client_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- the life of transfers --- */

/* A free slot, or -1 when memory or numbers are out. */
static int take_slot(struct client *client)
{
    int slot = client->free_slot;
    if (slot >= 0) {
        client->free_slot = client->slots[slot].next_free;
        return slot;
    }
    if (client->slot_count == client->slot_capacity) {
        int capacity = client->slot_capacity ? client->slot_capacity * 2 : 16;
        if (capacity > MAX_SLOTS)
            return -1;
        struct slot *slots = realloc(client->slots, (size_t)capacity * sizeof *slots);
        if (!slots)
            return -1;
        client->slots = slots;
        client->slot_capacity = capacity;
    }
    slot = client->slot_count++;
    client->slots[slot] = (struct slot){.generation = 1};
    return slot;
}

static void release_slot(struct client *client, int number)
{
    struct slot *slot = &client->slots[number];
    slot->transfer = NULL;
    slot->generation = slot->generation % MAX_GENERATION + 1;
    slot->next_free = client->free_slot;
    client->free_slot = number;
}

/* One of the kept transfers, which is not kept any more then: with that setup, or else
 * ready for another; NULL when there is none. */
static struct transfer *take_kept(struct client *client, int64_t setup)
{
    struct transfer **link = &client->kept, *transfer = *link;
    for (int i = 0; i < SEARCHED && transfer && transfer->setup != setup; i++) {
        link = &transfer->next;
        transfer = *link;
    }
    if (!transfer) {
        link = &client->kept;
        transfer = *link;
    }
    if (!transfer)
        return NULL;
    *link = transfer->next;
    client->kept_count--;
    if (transfer->setup == setup || transfer->setup == 0 || transfer_reset(transfer))
        return transfer;
    transfer_free(transfer);
    return NULL;
}

struct transfer *client_take(struct client *client, int64_t setup)
{
    int slot = take_slot(client);
    if (slot < 0)
        return NULL;
    struct transfer *transfer = take_kept(client, setup);
    if (!transfer)
        transfer = transfer_new(client);
    if (!transfer) {
        release_slot(client, slot);
        return NULL;
    }
    transfer->id = client->slots[slot].generation << SLOT_BITS | slot;
    client->slots[slot].transfer = transfer;
    return transfer;
}

struct transfer *client_find(struct client *client, int id)
{
    int slot = id & (MAX_SLOTS - 1);
    if (slot >= client->slot_count)
        return NULL;
    struct transfer *transfer = client->slots[slot].transfer;
    return transfer && transfer->id == id ? transfer : NULL;
}

CURLMcode client_start(struct transfer *transfer, int shard)
{
    struct client *client = transfer->client;
    transfer->shard = shard_open(client, shard);
    if (!transfer->shard)
        return CURLM_OUT_OF_MEMORY;
    CURLMcode code = curl_multi_add_handle(transfer->shard->multi, transfer->easy);
    if (code != CURLM_OK)
        return code;
    transfer->state = TRANSFER_RUNNING;
    client->running++;
    transfer->started_at = transfer->progress_at = client_now();
    limit_note(client, transfer->idle_limit, transfer->progress_at);
    limit_note(client, transfer->connect_limit, transfer->started_at);
    limit_note(client, transfer->total_limit, transfer->started_at);
    return CURLM_OK;
}

void client_restart(struct transfer *transfer)
{
    CURLM *multi = transfer->shard->multi;
    transfer->is_misled = false;
    transfer->altered = true;
    curl_multi_remove_handle(multi, transfer->easy);
    curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 1L);
    if (curl_multi_add_handle(multi, transfer->easy) != CURLM_OK)
        client_end(transfer, CURLE_OUT_OF_MEMORY);
}

void client_note(struct transfer *transfer)
{
    struct client *client = transfer->client;
    if (transfer->in_news || transfer->state == TRANSFER_FREE)
        return;
    transfer->in_news = true;
    transfer->next = NULL;
    if (client->news_last)
        client->news_last->next = transfer;
    else
        client->news_first = transfer;
    client->news_last = transfer;
}

void client_end(struct transfer *transfer, CURLcode result)
{
    struct client *client = transfer->client;
    curl_multi_remove_handle(transfer->shard->multi, transfer->easy);
    client->running--;
    transfer->state = TRANSFER_ENDED;
    transfer->result = result;
    client_note(transfer);
}

static void forget_news(struct client *client, struct transfer *transfer)
{
    if (!transfer->in_news)
        return;
    transfer->in_news = false;
    struct transfer **link = &client->news_first, *before = NULL;
    while (*link && *link != transfer) {
        before = *link;
        link = &before->next;
    }
    if (!*link)
        return;
    *link = transfer->next;
    if (client->news_last == transfer)
        client->news_last = before;
}

/* Makes a transfer fit for the next request; false when it is not to serve another. One
 * of the same setup can do without a reset when this one has left nothing behind. */
static bool recycle(struct transfer *transfer)
{
    if (transfer->single_use)
        return false;
    if (transfer->client->kept_count >= STOUT && !transfer_is_slim(transfer))
        return false;
    if (transfer->setup && !transfer->altered && transfer->state == TRANSFER_ENDED &&
        transfer->result == CURLE_OK) {
        transfer_clear(transfer);
        return true;
    }
    long os_error = 0; /* is not forgotten in a reset */
    curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &os_error);
    return os_error == 0 && transfer_reset(transfer);
}

void client_release(struct transfer *transfer)
{
    struct client *client = transfer->client;
    if (client->unstarted == transfer)
        client->unstarted = NULL;
    if (transfer->state == TRANSFER_RUNNING) {
        stream_discard(transfer);
        curl_multi_remove_handle(transfer->shard->multi, transfer->easy);
        client->running--;
    }
    forget_news(client, transfer);
    client->to_resume -= transfer->to_resume;
    transfer->to_resume = false;
    release_slot(client, transfer->id & (MAX_SLOTS - 1));
    if (client->kept_count == KEPT || !recycle(transfer)) {
        transfer_free(transfer);
        return;
    }
    transfer->next = client->kept;
    client->kept = transfer;
    client->kept_count++;
}

/* --- the client --- */

bool client_open(struct client *client)
{
    process_enter(client);
    return pollset_open(&client->set) == 0 && shard_open(client, 0) && share_open(client);
}

void client_end_all(struct client *client, const struct shard *shard, CURLcode result)
{
    for (int i = 0; i < client->slot_count; i++) {
        struct transfer *transfer = client->slots[i].transfer;
        if (transfer && transfer->state == TRANSFER_RUNNING &&
            (!shard || transfer->shard == shard))
            client_end(transfer, result);
    }
}

/* libcurl would say good-bye on the connections of an inherited one, so it is not told,
 * and what it holds goes with the process. */
void client_close(struct client *client)
{
    process_leave(client);
    if (client->is_inherited) {
        *client = (struct client){.set.fd = -1, .free_slot = -1, .is_inherited = true};
        return;
    }
    client_end_all(client, NULL, CURLE_ABORTED_BY_CALLBACK);
    for (int i = 0; i < client->shard_count; i++)
        shard_close(client->shards[i]);
    for (int i = 0; i < client->slot_count; i++)
        if (client->slots[i].transfer)
            transfer_free(client->slots[i].transfer);
    while (client->kept) {
        struct transfer *transfer = client->kept;
        client->kept = transfer->next;
        transfer_free(transfer);
    }
    share_close(client);
    pollset_close(&client->set);
    free(client->slots);
    free(client->watches);
    *client = (struct client){.set.fd = -1,
                              .free_slot = -1,
                              .received = client->received,
                              .sent = client->sent};
}
