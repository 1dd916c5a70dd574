#include "core/p9_stream.h"

#include "bytes.h"

enum { SIZE_BYTES = 4 };

void p9_stream_begin(struct p9_stream *stream)
{
    stream->have = 0;
    stream->whole = false;
}

/* Take bytes until the frame has `end` of them, or there are no more. Returns how many. */
static size_t fill(struct p9_stream *stream, const uint8_t *bytes, size_t count, size_t end)
{
    size_t missing = end - stream->have;
    size_t taken = count < missing ? count : missing;

    memcpy(stream->frame + stream->have, bytes, taken);
    stream->have += taken;
    return taken;
}

status p9_stream_take(struct p9_stream *stream, const uint8_t *bytes, size_t count, size_t *taken)
{
    *taken = 0;
    if (stream->whole) {
        p9_stream_begin(stream);
    }
    if (stream->have < SIZE_BYTES) {
        *taken = fill(stream, bytes, count, SIZE_BYTES);
    }
    if (stream->have < SIZE_BYTES) {
        return status_ok();
    }
    uint32_t size = load32(stream->frame);
    if (size < P9_HEADER || size > P9_MSIZE) {
        return status_error(EPROTO);
    }
    *taken += fill(stream, bytes + *taken, count - *taken, size);
    stream->whole = stream->have == size;
    return status_ok();
}
