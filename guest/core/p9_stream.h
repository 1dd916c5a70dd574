/* Cuts a stream of bytes into 9P frames, for transports that do not keep them apart. */
#ifndef NINEDOOR_CORE_P9_STREAM_H
#define NINEDOOR_CORE_P9_STREAM_H

#include "core/p9_wire.h"
#include "errors.h"

struct p9_stream {
    uint8_t frame[P9_MSIZE];
    size_t have; /* bytes of it; the frame is whole when its size[4] says so */
    bool whole;
};

/* Drop what is half received. */
void p9_stream_begin(struct p9_stream *stream);

/* Take bytes of `bytes` up to the end of a frame, and say in `*taken` how many; stream->whole tells whether the frame
 * is complete, and it is then stream->frame, stream->have bytes, until the next call. EPROTO: the bytes cannot begin a
 * frame, and nothing that follows can be believed. */
status p9_stream_take(struct p9_stream *stream, const uint8_t *bytes, size_t count, size_t *taken);

#endif
