/* 9P over virtio-9p: QEMU is the server and serves a directory of the host, in which the hive is mounted.
 *
 * A request is one chain: a buffer that the device reads, then one that it writes. Names and tickets of an attach do
 * not reach the hive; who the guest is, the mount decides. The device is reset only when it is broken:
 * QEMU finishes a reset only after the requests it has begun, and the whole machine stands still meanwhile. */
#ifndef NINEDOOR_CORE_VIRTIO_9P_H
#define NINEDOOR_CORE_VIRTIO_9P_H

#include "core/p9_transport.h"
#include "core/virtio_mmio.h"

enum {
    VIRTIO_9P_BUFFER = (P9_MSIZE + HAL_PAGE - 1) / HAL_PAGE * HAL_PAGE,
    VIRTIO_9P_PAGES = 1 + P9_SLOTS * 2 * VIRTIO_9P_BUFFER / HAL_PAGE, /* the queue; request and reply of each slot */
    VIRTIO_9P_TAG = 32,                                               /* bytes of a mount tag */
    VIRTIO_9P_PATIENCE_MS = 30000,
};

struct virtio_9p {
    struct p9_transport transport; /* first: a pointer to it is one to the whole */
    const char *mount_tag;
    struct virtio virtio;
    struct virtqueue queue;
    struct dma memory;
    uint16_t heads[P9_SLOTS]; /* chain of the slot's request, VIRTQUEUE_NOTHING when it is not with the device */
    bool running;
};

/* Whether the device at `registers` is one with this mount tag. */
bool virtio_9p_is(uintptr_t registers, const char *mount_tag);

/* Use the device at `registers` and VIRTIO_9P_PAGES of memory. It is brought up by the first restart(), which answers
 * ENODEV when the device is none or has another mount tag. */
void virtio_9p_begin(struct virtio_9p *transport, uintptr_t registers, const struct dma *memory, const char *mount_tag);

#endif
