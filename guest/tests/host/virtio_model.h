/* The other side of virtio: a device as registers and rings, which does what the test says, right or wrong. */
#ifndef NINEDOOR_TESTS_VIRTIO_MODEL_H
#define NINEDOOR_TESTS_VIRTIO_MODEL_H

#include "core/virtio_mmio.h"

enum {
    MODEL_REGISTERS = 0x1000,
    MODEL_PHYSICAL = 0x48000000,
    MODEL_PAGES = 16,
    MODEL_QUEUES = 2,
};

struct model_queue {
    uint32_t size, ready;
    uint64_t descriptors, available, used;
    uint16_t taken, pushed; /* indexes */
    unsigned notified;
};

/* A chain that the driver offered: one buffer to read at most, and one to write at most. */
struct model_chain {
    uint16_t head;
    const uint8_t *readable;
    size_t readable_size;
    uint8_t *writable;
    size_t writable_size;
};

struct virtio_model {
    uint32_t magic, version, kind, status, interrupt;
    uint64_t offers, accepted; /* features */
    uint32_t feature_select, driver_select, queue_select, queue_most;
    uint8_t config[64];
    struct model_queue queues[MODEL_QUEUES];
    unsigned resets;
    /* Faults. */
    bool reset_hangs, refuses_features;
};

extern struct virtio_model model;
extern struct dma model_memory; /* MODEL_PAGES at MODEL_PHYSICAL */

/* A healthy device of this kind; the memory holds garbage. */
void model_begin(enum virtio_device kind);
/* Take the next chain of queue `index`; false when there is none. The test fails if the driver broke a rule. */
bool model_take(unsigned index, struct model_chain *chain);
/* Give a chain back. */
void model_push(unsigned index, uint32_t head, uint32_t written);
/* Break down, as QEMU does on what it cannot decode. */
void model_needs_reset(void);

#endif
