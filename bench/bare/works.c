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
    uv_fs_open(bench.loop, &saving->fs, path, O_WRONLY | O_CREAT | O_TRUNC, 0644,
               on_opened);
}

/* --- one big body to a file: while a thread writes one buffer, the other is filled --- */

enum { BUFFER_SIZE = 256 * 1024 };

static struct {
    uv_fs_t fs;
    int fd;
    bool writing, paused, ended;
    int64_t offset;
    size_t filled;
    int filling; /* which of the buffers */
    char buffers[2][BUFFER_SIZE];
} pouring = {.fd = -1};

static void on_poured(uv_fs_t *fs);

static void write_filled(struct request *request)
{
    uv_buf_t buffer =
        uv_buf_init(pouring.buffers[pouring.filling], (unsigned)pouring.filled);
    pouring.writing = true;
    pouring.fs.data = request;
    uv_fs_write(bench.loop, &pouring.fs, pouring.fd, &buffer, 1, pouring.offset,
                on_poured);
    pouring.offset += (int64_t)pouring.filled;
    pouring.filling = !pouring.filling;
    pouring.filled = 0;
}

static void end_if_written(struct request *request)
{
    if (pouring.ended && !pouring.writing) {
        uv_fs_close(bench.loop, &pouring.fs, pouring.fd, NULL);
        request_done(request, pouring.offset == request->received);
    }
}

static void on_poured(uv_fs_t *fs)
{
    struct request *request = fs->data;
    if (fs->result <= 0)
        fail("cannot write the file");
    uv_fs_req_cleanup(fs);
    pouring.writing = false;
    if (pouring.filled)
        write_filled(request);
    if (pouring.paused) {
        pouring.paused = false;
        curl_easy_pause(request->easy, CURLPAUSE_CONT);
    }
    end_if_written(request);
}

static size_t pour(struct request *request, char *bytes, size_t length)
{
    if (pouring.fd < 0) {
        char path[512];
        snprintf(path, sizeof path, "%s/body", bench.directory);
        pouring.fd = uv_fs_open(bench.loop, &pouring.fs, path,
                                O_WRONLY | O_CREAT | O_TRUNC, 0644, NULL);
        if (pouring.fd < 0)
            fail("cannot open the file");
    }
    if (pouring.filled + length > BUFFER_SIZE) {
        pouring.paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    memcpy(pouring.buffers[pouring.filling] + pouring.filled, bytes, length);
    pouring.filled += length;
    if (!pouring.writing)
        write_filled(request);
    return length;
}

static void end_pouring(struct request *request)
{
    pouring.ended = true;
    end_if_written(request);
}

const struct work works[] = {
    {.name = "get", .body_size = 1024, .take = keep},
    {.name = "connect", .body_size = 1024, .take = keep, .fresh = true},
    {.name = "bursts", .body_size = 1024, .take = keep, .bursts = 25},
    {.name = "files",
     .body_size = 100000,
     .take = keep,
     .numbered = true,
     .finish = save},
    {.name = "discard", .body_size = -1, .take = drop},
    {.name = "read", .body_size = -1, .take = drop},
    {.name = "file", .body_size = -1, .take = pour, .finish = end_pouring},
};
const int work_count = sizeof works / sizeof *works;
