#include "core/virtio_mmio.h"

#include "mmio.h"

enum registers {
    MAGIC_VALUE = 0x000,
    VERSION = 0x004,
    DEVICE_ID = 0x008,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SELECT = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SELECT = 0x024,
    QUEUE_SELECT = 0x030,
    QUEUE_SIZE_MOST = 0x034,
    QUEUE_SIZE = 0x038,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACKNOWLEDGE = 0x064,
    STATUS = 0x070,
    QUEUE_DESCRIPTORS = 0x080,
    QUEUE_AVAILABLE = 0x090,
    QUEUE_USED = 0x0a0,
    CONFIG = 0x100,
};

enum status_bits {
    ACKNOWLEDGE = 1,
    DRIVER = 2,
    DRIVER_OK = 4,
    FEATURES_OK = 8,
    NEEDS_RESET = 0x40,
};

enum {
    MAGIC = 0x74726976, /* "virt" */
    MODERN = 2,
    HIGH_VERSION_1 = 1, /* feature 32, in the upper half */
};

static uint32_t get(const struct virtio *virtio, enum registers offset)
{
    return mmio_read32(virtio->registers + offset);
}

static void set(const struct virtio *virtio, enum registers offset, uint32_t value)
{
    mmio_write32(virtio->registers + offset, value);
}

static void set_address(const struct virtio *virtio, enum registers offset, uint64_t physical)
{
    set(virtio, offset, (uint32_t)physical);
    mmio_write32(virtio->registers + offset + 4, (uint32_t)(physical >> 32));
}

bool virtio_mmio_is(uintptr_t registers, enum virtio_device kind)
{
    const struct virtio virtio = {.registers = registers};

    return get(&virtio, MAGIC_VALUE) == MAGIC && get(&virtio, VERSION) == MODERN && get(&virtio, DEVICE_ID) == kind;
}

/* Virtio 1.2, 4.2.2.2: a reset is over when the status reads 0. */
static bool resets(struct virtio *virtio)
{
    set(virtio, STATUS, 0);
    for (unsigned i = 0; i < VIRTIO_RESET_READS; i++) {
        if (get(virtio, STATUS) == 0) {
            return true;
        }
    }
    return false;
}

static bool takes_features(struct virtio *virtio, uint32_t features)
{
    set(virtio, DEVICE_FEATURES_SELECT, 0);
    if ((get(virtio, DEVICE_FEATURES) & features) != features) {
        return false;
    }
    set(virtio, DEVICE_FEATURES_SELECT, 1);
    if ((get(virtio, DEVICE_FEATURES) & HIGH_VERSION_1) == 0) {
        return false;
    }
    set(virtio, DRIVER_FEATURES_SELECT, 0);
    set(virtio, DRIVER_FEATURES, features);
    set(virtio, DRIVER_FEATURES_SELECT, 1);
    set(virtio, DRIVER_FEATURES, HIGH_VERSION_1);
    set(virtio, STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    return (get(virtio, STATUS) & FEATURES_OK) != 0;
}

status virtio_mmio_reset(struct virtio *virtio, enum virtio_device kind, uint32_t features)
{
    if (!virtio_mmio_is(virtio->registers, kind)) {
        return status_error(ENODEV);
    }
    if (!resets(virtio)) {
        return status_error(ENXIO);
    }
    set(virtio, STATUS, ACKNOWLEDGE);
    set(virtio, STATUS, ACKNOWLEDGE | DRIVER);
    return takes_features(virtio, features) ? status_ok() : status_error(ENXIO);
}

status virtio_mmio_queue(struct virtio *virtio, unsigned index, const struct virtqueue *queue)
{
    set(virtio, QUEUE_SELECT, index);
    if (get(virtio, QUEUE_READY) != 0 || get(virtio, QUEUE_SIZE_MOST) < VIRTQUEUE_SIZE) {
        return status_error(ENXIO);
    }
    set(virtio, QUEUE_SIZE, VIRTQUEUE_SIZE);
    set_address(virtio, QUEUE_DESCRIPTORS, queue->physical);
    set_address(virtio, QUEUE_AVAILABLE, queue->physical + VIRTQUEUE_AVAILABLE);
    set_address(virtio, QUEUE_USED, queue->physical + VIRTQUEUE_USED);
    set(virtio, QUEUE_READY, 1);
    return status_ok();
}

void virtio_mmio_run(struct virtio *virtio)
{
    set(virtio, STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
}

void virtio_mmio_notify(struct virtio *virtio, unsigned index)
{
    set(virtio, QUEUE_NOTIFY, index);
}

bool virtio_mmio_acknowledge(struct virtio *virtio)
{
    uint32_t pending = get(virtio, INTERRUPT_STATUS);

    set(virtio, INTERRUPT_ACKNOWLEDGE, pending);
    return (get(virtio, STATUS) & NEEDS_RESET) == 0;
}

uint8_t virtio_mmio_config8(const struct virtio *virtio, unsigned offset)
{
    return mmio_read8(virtio->registers + CONFIG + offset);
}
