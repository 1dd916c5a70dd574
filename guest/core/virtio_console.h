/* 9P over virtio-console: the host's end of the console is the hive's own socket, and frames are bytes on a stream.
 *
 * Names and tickets of an attach reach the hive. Whether anybody listens is not told to a console without
 * multiport: what is written meanwhile is lost, which the client finds out by its time limits. */
#ifndef NINEDOOR_CORE_VIRTIO_CONSOLE_H
#define NINEDOOR_CORE_VIRTIO_CONSOLE_H

#include "core/p9_stream.h"
#include "core/p9_transport.h"
#include "core/virtio_mmio.h"

enum {
    VIRTIO_CONSOLE_INPUTS = 4, /* buffers for what comes in, a page each */
    VIRTIO_CONSOLE_OUTPUT = (P9_MSIZE + HAL_PAGE - 1) / HAL_PAGE * HAL_PAGE,
    VIRTIO_CONSOLE_PAGES = 2 + VIRTIO_CONSOLE_INPUTS + P9_SLOTS * VIRTIO_CONSOLE_OUTPUT / HAL_PAGE,
    VIRTIO_CONSOLE_PATIENCE_MS = 4000,
};

struct virtio_console {
    struct p9_transport transport; /* first: a pointer to it is one to the whole */
    struct virtio virtio;
    struct virtqueue input, output;
    struct dma memory;
    uint16_t input_of[VIRTQUEUE_SIZE]; /* chain → which input buffer it is */
    uint16_t output_heads[P9_SLOTS];   /* chain of the slot's request, VIRTQUEUE_NOTHING when it was sent */
    unsigned reading;                  /* input buffer in hand, VIRTIO_CONSOLE_INPUTS when none is */
    size_t read, filled;               /* of it: bytes taken, bytes there are */
    struct p9_stream stream;
    bool running;
};

/* Use the device at `registers` and VIRTIO_CONSOLE_PAGES of memory. It is brought up by the first restart(). */
void virtio_console_begin(struct virtio_console *transport, uintptr_t registers, const struct dma *memory);

#endif
