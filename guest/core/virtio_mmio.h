/* A virtio device behind memory-mapped registers: finding it, bringing it up, and starting it over.
 *
 * virtio 1.2, section 4.2, version 2 ("modern") only: QEMU offers it with `-global virtio-mmio.force-legacy=off`.
 *
 * | offset | register            | used for                                         |
 * |--------|---------------------|--------------------------------------------------|
 * | 0x000  | MagicValue          | "virt"                                           |
 * | 0x004  | Version             | 2                                                |
 * | 0x008  | DeviceID            | 3 console, 9 9P; 0 is an empty slot              |
 * | 0x010  | DeviceFeatures      | 32 of them, chosen by 0x014                      |
 * | 0x020  | DriverFeatures      | 32 of them, chosen by 0x024                      |
 * | 0x030  | QueueSel            | which queue the next five are about              |
 * | 0x034  | QueueNumMax         | largest size; 0 is no such queue                 |
 * | 0x038  | QueueNum            | VIRTQUEUE_SIZE                                   |
 * | 0x044  | QueueReady          |                                                  |
 * | 0x050  | QueueNotify         |                                                  |
 * | 0x060  | InterruptStatus     | 1 used buffers, 2 configuration                  |
 * | 0x064  | InterruptACK        |                                                  |
 * | 0x070  | Status              | 1, 2, 8, 4 on the way up; 0x40 broken; 0 resets  |
 * | 0x080  | QueueDesc           | physical address of the descriptors, 64 bits     |
 * | 0x090  | QueueDriver         | … of the available ring                          |
 * | 0x0a0  | QueueDevice         | … of the used ring                               |
 * | 0x100  | Config              | the device's own                                 |
 */
#ifndef NINEDOOR_CORE_VIRTIO_MMIO_H
#define NINEDOOR_CORE_VIRTIO_MMIO_H

#include <stdbool.h>
#include <stdint.h>

#include "core/virtqueue.h"
#include "errors.h"

enum virtio_device {
    VIRTIO_CONSOLE = 3,
    VIRTIO_9P = 9,
};

enum {
    VIRTIO_SLOT_BYTES = 0x200, /* between the registers of two devices on QEMU's virt board */
    VIRTIO_RESET_READS = 1000, /* looks at the status register until a reset is believed to have failed */
};

struct virtio {
    uintptr_t registers;
};

/* Whether a version 2 device of this kind is at `registers`. */
bool virtio_mmio_is(uintptr_t registers, enum virtio_device kind);

/* Reset the device and agree on features: `features` of the low 32 bits, which it must offer, and VERSION_1. The queues
 * are to be set up next, and then virtio_mmio_run(). ENODEV: it is no such device. ENXIO: it does not reset, or does
 * not take the features. */
status virtio_mmio_reset(struct virtio *virtio, enum virtio_device kind, uint32_t features);

/* Hand `queue`, just begun, to the device as its queue `index`. ENXIO: it has none, or a smaller one. */
status virtio_mmio_queue(struct virtio *virtio, unsigned index, const struct virtqueue *queue);

void virtio_mmio_run(struct virtio *virtio);

/* Queue `index` has something new. */
void virtio_mmio_notify(struct virtio *virtio, unsigned index);

/* Quiet the interrupt. Returns whether the device is still well: false when it asks to be reset. */
bool virtio_mmio_acknowledge(struct virtio *virtio);

uint8_t virtio_mmio_config8(const struct virtio *virtio, unsigned offset);

#endif
