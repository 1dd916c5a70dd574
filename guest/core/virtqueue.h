/* A split virtqueue (virtio 1.2, section 2.7) of fixed size, which believes nothing that the device writes.
 *
 * What the driver must know about its descriptors is kept in memory of its own; the shared table is only written. A
 * used entry is taken only if it names a chain that is with the device, and tells no more bytes written than that
 * chain had room for; otherwise the queue is broken, and stays so until it is begun anew. */
#ifndef NINEDOOR_CORE_VIRTQUEUE_H
#define NINEDOOR_CORE_VIRTQUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "errors.h"
#include "hal.h"

enum {
    VIRTQUEUE_SIZE = 8,           /* descriptors; a power of two */
    VIRTQUEUE_BYTES = 4096,       /* memory of one queue: a page */
    VIRTQUEUE_AVAILABLE = 0x200,  /* where in it the rings are; the descriptors come first */
    VIRTQUEUE_USED = 0x400,
    VIRTQUEUE_NOTHING = 0xffff,
};

/* A piece of memory that the device reads, or writes. */
struct virtqueue_buffer {
    uint64_t physical;
    uint32_t size;
    bool device_writes;
};

struct virtqueue {
    uint8_t *memory;
    uint64_t physical;
    uint16_t next[VIRTQUEUE_SIZE];    /* of a free descriptor: the next free one */
    uint16_t length[VIRTQUEUE_SIZE];  /* of a head: descriptors of its chain; 0 when it is not with the device */
    uint32_t room[VIRTQUEUE_SIZE];    /* of a head: bytes that the device may write */
    uint16_t first_free, free;        /* `free` descriptors, beginning with first_free */
    uint16_t outstanding;             /* chains with the device */
    uint16_t available, used;         /* indexes as far as we are */
    bool broken;
};

/* Begin with empty rings in the first VIRTQUEUE_BYTES of `memory`. Precondition: the device does not use them. */
void virtqueue_begin(struct virtqueue *queue, const struct dma *memory);

/* Offer a chain of `count` buffers, those the device reads before those it writes; `*head` then names it. ENOSPC: not
 * so many descriptors are free. The device is to be notified afterwards (virtio_mmio_notify). */
status virtqueue_add(struct virtqueue *queue, const struct virtqueue_buffer *buffers, unsigned count, uint16_t *head);

/* Take back a chain that the device is done with, and how many bytes it wrote; *head is VIRTQUEUE_NOTHING when there is
 * none. ENXIO: the device breaks the rules. */
status virtqueue_take(struct virtqueue *queue, uint16_t *head, uint32_t *written);

#endif
