#include "core/virtio_console.h"

#include "bytes.h"

enum queues {
    RECEIVE_QUEUE = 0,
    TRANSMIT_QUEUE = 1,
};

enum { NO_INPUT = VIRTIO_CONSOLE_INPUTS };

static struct virtio_console *of(struct p9_transport *transport)
{
    return (struct virtio_console *)transport;
}

/* The memory: two queues, the input buffers, the requests. */
static size_t input_offset(unsigned input)
{
    return 2 * VIRTQUEUE_BYTES + (size_t)input * HAL_PAGE;
}

static size_t output_offset(unsigned slot)
{
    return input_offset(VIRTIO_CONSOLE_INPUTS) + (size_t)slot * VIRTIO_CONSOLE_OUTPUT;
}

static uint8_t *request(struct p9_transport *transport, unsigned slot)
{
    return (uint8_t *)of(transport)->memory.address + output_offset(slot);
}

/* Take back the requests that the device has sent. */
static status reclaim(struct virtio_console *self)
{
    for (;;) {
        uint16_t head;
        uint32_t written;
        status taken = virtqueue_take(&self->output, &head, &written);

        if (failed(taken) || head == VIRTQUEUE_NOTHING) {
            return taken;
        }
        for (unsigned slot = 0; slot < P9_SLOTS; slot++) {
            if (self->output_heads[slot] == head) {
                self->output_heads[slot] = VIRTQUEUE_NOTHING;
            }
        }
    }
}

static status send(struct p9_transport *transport, unsigned slot, size_t size)
{
    struct virtio_console *self = of(transport);
    const struct virtqueue_buffer buffer = {
        .physical = self->memory.physical + output_offset(slot),
        .size = (uint32_t)size,
    };

    if (!self->running || failed(reclaim(self)) || self->output_heads[slot] != VIRTQUEUE_NOTHING
        || failed(virtqueue_add(&self->output, &buffer, 1, &self->output_heads[slot]))) {
        self->running = false;
        return status_error(ENXIO);
    }
    virtio_mmio_notify(&self->virtio, TRANSMIT_QUEUE);
    return status_ok();
}

/* Let the device fill input buffer `input`. */
static status offer(struct virtio_console *self, unsigned input)
{
    const struct virtqueue_buffer buffer = {
        .physical = self->memory.physical + input_offset(input),
        .size = HAL_PAGE,
        .device_writes = true,
    };
    uint16_t head;
    status added = virtqueue_add(&self->input, &buffer, 1, &head);

    if (!failed(added)) {
        self->input_of[head] = (uint16_t)input;
    }
    return added;
}

/* Have an input buffer in hand that is not read to its end; reading is NO_INPUT when nothing has come. */
static status next_input(struct virtio_console *self)
{
    while (self->reading == NO_INPUT || self->read == self->filled) {
        uint16_t head;
        uint32_t written;

        if (self->reading != NO_INPUT) {
            status offered = offer(self, self->reading);

            self->reading = NO_INPUT;
            if (failed(offered)) {
                return offered;
            }
            virtio_mmio_notify(&self->virtio, RECEIVE_QUEUE);
        }
        status taken = virtqueue_take(&self->input, &head, &written);
        if (failed(taken) || head == VIRTQUEUE_NOTHING) {
            return taken;
        }
        if (written == 0) { /* a device that gives back empty buffers could do so for ever */
            return status_error(ENXIO);
        }
        self->reading = self->input_of[head];
        self->read = 0;
        self->filled = written;
    }
    return status_ok();
}

static status receive(struct p9_transport *transport, const uint8_t **frame, size_t *size)
{
    struct virtio_console *self = of(transport);

    *frame = 0;
    for (;;) {
        size_t taken;

        if (!self->running || failed(next_input(self))) {
            self->running = false;
            return status_error(ENXIO);
        }
        if (self->reading == NO_INPUT) {
            return status_ok();
        }
        const uint8_t *bytes = (const uint8_t *)self->memory.address + input_offset(self->reading) + self->read;
        status cut = p9_stream_take(&self->stream, bytes, self->filled - self->read, &taken);
        self->read += taken;
        if (failed(cut)) {
            return cut;
        }
        if (self->stream.whole) {
            *frame = self->stream.frame;
            *size = self->stream.have;
            return status_ok();
        }
    }
}

static void interrupt(struct p9_transport *transport)
{
    if (!virtio_mmio_acknowledge(&of(transport)->virtio)) {
        of(transport)->running = false;
    }
}

static status bring_up(struct virtio_console *self)
{
    const struct dma output_queue = {
        .address = (uint8_t *)self->memory.address + VIRTQUEUE_BYTES,
        .physical = self->memory.physical + VIRTQUEUE_BYTES,
        .size = VIRTQUEUE_BYTES,
    };
    status result = virtio_mmio_reset(&self->virtio, VIRTIO_CONSOLE, 0);

    if (failed(result)) {
        return result;
    }
    virtqueue_begin(&self->input, &self->memory);
    virtqueue_begin(&self->output, &output_queue);
    result = virtio_mmio_queue(&self->virtio, RECEIVE_QUEUE, &self->input);
    if (!failed(result)) {
        result = virtio_mmio_queue(&self->virtio, TRANSMIT_QUEUE, &self->output);
    }
    for (unsigned input = 0; input < VIRTIO_CONSOLE_INPUTS && !failed(result); input++) {
        result = offer(self, input);
    }
    if (failed(result)) {
        return result;
    }
    for (unsigned slot = 0; slot < P9_SLOTS; slot++) {
        self->output_heads[slot] = VIRTQUEUE_NOTHING;
    }
    self->reading = NO_INPUT;
    virtio_mmio_run(&self->virtio);
    virtio_mmio_notify(&self->virtio, RECEIVE_QUEUE);
    self->running = true;
    return status_ok();
}

/* Drop all that has come in: it belongs to the conversation that is over. */
static void drain(struct virtio_console *self)
{
    do {
        self->read = self->filled;
        if (failed(next_input(self))) {
            self->running = false;
        }
    } while (self->running && self->reading != NO_INPUT);
}

static status restart(struct p9_transport *transport)
{
    struct virtio_console *self = of(transport);

    p9_stream_begin(&self->stream);
    if (self->running && (failed(reclaim(self)) || self->output.outstanding > 0)) {
        self->running = false;
    }
    if (self->running) {
        drain(self);
    }
    return self->running ? status_ok() : bring_up(self);
}

void virtio_console_begin(struct virtio_console *transport, uintptr_t registers, const struct dma *memory)
{
    *transport = (struct virtio_console){
        .transport = {
            .name = "console",
            .carries_identity = true,
            .patience_ms = VIRTIO_CONSOLE_PATIENCE_MS,
            .request = request,
            .send = send,
            .receive = receive,
            .interrupt = interrupt,
            .restart = restart,
        },
        .virtio = {.registers = registers},
        .memory = *memory,
        .reading = NO_INPUT,
    };
}
