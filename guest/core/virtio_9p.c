#include "core/virtio_9p.h"

#include "bytes.h"

enum {
    QUEUE = 0,
    FEATURE_MOUNT_TAG = 1 << 0,
};

static struct virtio_9p *of(struct p9_transport *transport)
{
    return (struct virtio_9p *)transport;
}

/* Where in the memory the request (half 0) and the reply (half 1) of a slot are. */
static size_t offset_of(unsigned slot, unsigned half)
{
    return VIRTQUEUE_BYTES + (2 * (size_t)slot + half) * VIRTIO_9P_BUFFER;
}

static uint8_t *request(struct p9_transport *transport, unsigned slot)
{
    return (uint8_t *)of(transport)->memory.address + offset_of(slot, 0);
}

static status send(struct p9_transport *transport, unsigned slot, size_t size)
{
    struct virtio_9p *self = of(transport);
    const struct virtqueue_buffer chain[] = {
        {.physical = self->memory.physical + offset_of(slot, 0), .size = (uint32_t)size},
        {.physical = self->memory.physical + offset_of(slot, 1), .size = P9_MSIZE, .device_writes = true},
    };

    if (!self->running || self->heads[slot] != VIRTQUEUE_NOTHING
        || failed(virtqueue_add(&self->queue, chain, ARRAY_LENGTH(chain), &self->heads[slot]))) {
        return status_error(ENXIO);
    }
    virtio_mmio_notify(&self->virtio, QUEUE);
    return status_ok();
}

static status receive(struct p9_transport *transport, const uint8_t **frame, size_t *size)
{
    struct virtio_9p *self = of(transport);
    uint16_t head;
    uint32_t written;

    *frame = 0;
    if (!self->running || failed(virtqueue_take(&self->queue, &head, &written))) {
        self->running = false;
        return status_error(ENXIO);
    }
    for (unsigned slot = 0; slot < P9_SLOTS && head != VIRTQUEUE_NOTHING; slot++) {
        if (self->heads[slot] == head) {
            self->heads[slot] = VIRTQUEUE_NOTHING;
            *frame = (const uint8_t *)self->memory.address + offset_of(slot, 1);
            *size = written;
        }
    }
    return status_ok();
}

static void interrupt(struct p9_transport *transport)
{
    if (!virtio_mmio_acknowledge(&of(transport)->virtio)) {
        of(transport)->running = false;
    }
}

bool virtio_9p_is(uintptr_t registers, const char *mount_tag)
{
    const struct virtio virtio = {.registers = registers};
    size_t length = strlen(mount_tag);

    if (!virtio_mmio_is(registers, VIRTIO_9P) || virtio_mmio_config8(&virtio, 0) != length
        || virtio_mmio_config8(&virtio, 1) != 0) {
        return false;
    }
    for (unsigned i = 0; i < length; i++) {
        if (virtio_mmio_config8(&virtio, 2 + i) != (uint8_t)mount_tag[i]) {
            return false;
        }
    }
    return true;
}

static status bring_up(struct virtio_9p *self)
{
    if (!virtio_9p_is(self->virtio.registers, self->mount_tag)) {
        return status_error(ENODEV);
    }
    status result = virtio_mmio_reset(&self->virtio, VIRTIO_9P, FEATURE_MOUNT_TAG);
    if (failed(result)) {
        return result;
    }
    virtqueue_begin(&self->queue, &self->memory);
    result = virtio_mmio_queue(&self->virtio, QUEUE, &self->queue);
    if (failed(result)) {
        return result;
    }
    for (unsigned slot = 0; slot < P9_SLOTS; slot++) {
        self->heads[slot] = VIRTQUEUE_NOTHING;
    }
    virtio_mmio_run(&self->virtio);
    self->running = true;
    return status_ok();
}

/* A device that has everything back and is well needs no reset: the client's Tversion is enough. One that is well and
 * still has a request is left alone (EAGAIN): its reply will come, and a reset would stop the machine until then. */
static status restart(struct p9_transport *transport)
{
    struct virtio_9p *self = of(transport);

    while (self->running && self->queue.outstanding > 0) {
        const uint8_t *late;
        size_t size;

        if (failed(receive(transport, &late, &size))) {
            self->running = false;
        } else if (late == 0) {
            return status_error(EAGAIN);
        }
    }
    return self->running ? status_ok() : bring_up(self);
}

void virtio_9p_begin(struct virtio_9p *transport, uintptr_t registers, const struct dma *memory, const char *mount_tag)
{
    *transport = (struct virtio_9p){
        .transport = {
            .name = "virtio-9p",
            .carries_identity = false,
            .patience_ms = VIRTIO_9P_PATIENCE_MS,
            .request = request,
            .send = send,
            .receive = receive,
            .interrupt = interrupt,
            .restart = restart,
        },
        .mount_tag = mount_tag,
        .virtio = {.registers = registers},
        .memory = *memory,
    };
}
