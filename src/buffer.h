/* A growing block of bytes. */
#ifndef CURLEW_BUFFER_H
#define CURLEW_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *data; /* owned */
    size_t length;
    size_t capacity;
};

/* Makes room for `more` bytes; false when memory is out, with the buffer unchanged. */
bool buffer_reserve(struct buffer *buffer, size_t more);
bool buffer_append(struct buffer *buffer, const void *bytes, size_t length);
/* Empties the buffer; memory beyond `keep` bytes is given back. */
void buffer_reset(struct buffer *buffer, size_t keep);

#endif
