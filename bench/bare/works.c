/* What the yardstick does with bodies. Files are written by libuv's threads. */
#include "bare.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- bodies that are dropped --- */

static size_t drop(struct request *request, char *bytes, size_t length)
{
    (void)request;
    (void)bytes;
    return length;
}

/* --- a file for each small body, written when all of it is there --- */

struct saving {
    uv_fs_t fs;
    uv_buf_t buffer;
    int fd;
};

static void on_saved(uv_fs_t *fs)
{
    struct request *request = fs->data;
    bool fine = fs->result >= 0;
    uv_fs_req_cleanup(fs);
    request_done(request, fine);
}

static void on_written(uv_fs_t *fs)
{
    struct request *request = fs->data;
    struct saving *saving = request->own;
    bool fine = fs->result == request->received;
    uv_fs_req_cleanup(fs);
    if (!fine)
        fail("cannot write the file");
    uv_fs_close(bench.loop, fs, saving->fd, on_saved);
}

static void on_opened(uv_fs_t *fs)
{
    struct request *request = fs->data;
    struct saving *saving = request->own;
    saving->fd = (int)fs->result;
    uv_fs_req_cleanup(fs);
    if (saving->fd < 0)
        fail("cannot open the file");
    saving->buffer = uv_buf_init(request->body, (unsigned)request->received);
    uv_fs_write(bench.loop, fs, saving->fd, &saving->buffer, 1, 0, on_written);
}

static void save(struct request *request)
{
    if (!request->own)
        request->own = calloc(1, sizeof(struct saving));
    struct saving *saving = request->own;
    char path[512];
    snprintf(path, sizeof path, "%s/%ld", bench.directory, request->number);
    saving->fs.data = request;
    uv_fs_open(bench.loop, &saving->fs, path, O_WRONLY | O_CREAT | O_TRUNC, 0644, on_opened);
}

/* --- one big body to a file, piece by piece as it comes --- */

enum { MOST_WAITING = 16 }; /* pieces that wait for a thread before libcurl is paused */

struct piece {
    uv_fs_t fs;
    uv_buf_t buffer;
    char bytes[];
};

static struct {
    int fd;
    int waiting;
    bool paused, ended;
} pouring = {.fd = -1};

static void end_if_done(struct request *request)
{
    if (pouring.ended && pouring.waiting == 0) {
        uv_fs_t fs;
        uv_fs_close(bench.loop, &fs, pouring.fd, NULL);
        request_done(request, true);
    }
}

static void on_poured(uv_fs_t *fs)
{
    struct piece *piece = (struct piece *)fs;
    struct request *request = fs->data;
    if (fs->result != (ssize_t)piece->buffer.len)
        fail("cannot write the file");
    uv_fs_req_cleanup(fs);
    free(piece);
    pouring.waiting--;
    if (pouring.paused && pouring.waiting < MOST_WAITING / 2) {
        pouring.paused = false;
        curl_easy_pause(request->easy, CURLPAUSE_CONT);
    }
    end_if_done(request);
}

static size_t pour(struct request *request, char *bytes, size_t length)
{
    if (pouring.fd < 0) {
        char path[512];
        uv_fs_t fs;
        snprintf(path, sizeof path, "%s/body", bench.directory);
        pouring.fd = uv_fs_open(bench.loop, &fs, path, O_WRONLY | O_CREAT | O_TRUNC, 0644, NULL);
        if (pouring.fd < 0)
            fail("cannot open the file");
    }
    if (pouring.waiting == MOST_WAITING) {
        pouring.paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    struct piece *piece = malloc(sizeof *piece + length);
    if (!piece)
        fail("no memory");
    memcpy(piece->bytes, bytes, length);
    piece->buffer = uv_buf_init(piece->bytes, (unsigned)length);
    piece->fs.data = request;
    pouring.waiting++;
    uv_fs_write(bench.loop, &piece->fs, pouring.fd, &piece->buffer, 1, request->received,
                on_poured);
    return length;
}

static void end_pouring(struct request *request)
{
    pouring.ended = true;
    end_if_done(request);
}

const struct work works[] = {
    {.name = "get", .body_size = 1024, .take = keep},
    {.name = "connect", .body_size = 1024, .take = keep, .fresh = true},
    {.name = "files", .body_size = 100000, .take = keep, .numbered = true, .finish = save},
    {.name = "discard", .body_size = -1, .take = drop},
    {.name = "file", .body_size = -1, .take = pour, .finish = end_pouring},
};
const int work_count = sizeof works / sizeof *works;
