#include "virtio_model.h"

#include <string.h>

#include "bytes.h"
#include "check.h"
#include "mmio.h"

struct virtio_model model;
static _Alignas(HAL_PAGE) uint8_t memory[MODEL_PAGES * HAL_PAGE];
struct dma model_memory = {.address = memory, .physical = MODEL_PHYSICAL, .size = sizeof memory};

void model_begin(enum virtio_device kind)
{
    memset(memory, 0xa5, sizeof memory);
    model = (struct virtio_model){
        .magic = 0x74726976,
        .version = 2,
        .kind = kind,
        .offers = kind == VIRTIO_9P ? 0x130000001 : 0x130000000,
        .queue_most = 1024,
    };
    memcpy(model.config, "\x08\0ninedoor", 10);
}

static void reset(void)
{
    model.resets++;
    model.interrupt = 0;
    memset(model.queues, 0, sizeof model.queues);
    if (!model.reset_hangs) {
        model.status = 0;
    }
}

static struct model_queue *selected(void)
{
    CHECK(model.queue_select < MODEL_QUEUES);
    return &model.queues[model.queue_select];
}

uint32_t mmio_read32(uintptr_t address)
{
    switch (address - MODEL_REGISTERS) {
    case 0x000:
        return model.magic;
    case 0x004:
        return model.version;
    case 0x008:
        return model.kind;
    case 0x010:
        return (uint32_t)(model.offers >> (32 * model.feature_select));
    case 0x034:
        return model.queue_most;
    case 0x044:
        return selected()->ready;
    case 0x060:
        return model.interrupt;
    case 0x070:
        return model.status;
    default:
        check_failed(__FILE__, __LINE__, "a register that is not to be read");
    }
}

static void set_status(uint32_t value)
{
    if (value == 0) {
        reset();
        return;
    }
    /* virtio 1.2, 3.1.1: the steps in their order */
    CHECK((value & model.status) == (model.status & ~0x40u));
    if ((value & 8) != 0 && (model.status & 8) == 0) {
        CHECK((model.accepted >> 32 & 1) == 1);
        CHECK((model.accepted & ~model.offers) == 0);
        if (model.refuses_features) {
            value &= ~8u;
        }
    }
    model.status = value;
}

void mmio_write32(uintptr_t address, uint32_t value)
{
    uint64_t shifted = (uint64_t)value;

    switch (address - MODEL_REGISTERS) {
    case 0x014:
        model.feature_select = value;
        return;
    case 0x020:
        model.accepted |= shifted << (32 * model.driver_select);
        return;
    case 0x024:
        model.driver_select = value;
        return;
    case 0x030:
        model.queue_select = value;
        return;
    case 0x038:
        selected()->size = value;
        return;
    case 0x044:
        selected()->ready = value;
        return;
    case 0x050:
        CHECK((model.status & 4) != 0 && value < MODEL_QUEUES);
        model.queues[value].notified++;
        return;
    case 0x064:
        model.interrupt &= ~value;
        return;
    case 0x070:
        set_status(value);
        return;
    case 0x080:
        selected()->descriptors = shifted;
        return;
    case 0x090:
        selected()->available = shifted;
        return;
    case 0x0a0:
        selected()->used = shifted;
        return;
    case 0x084:
    case 0x094:
    case 0x0a4:
        EQUAL(value, 0);
        return;
    default:
        check_failed(__FILE__, __LINE__, "a register that is not to be written");
    }
}

uint8_t mmio_read8(uintptr_t address)
{
    CHECK(address - MODEL_REGISTERS >= 0x100 && address - MODEL_REGISTERS < 0x100 + sizeof model.config);
    return model.config[address - MODEL_REGISTERS - 0x100];
}

static uint8_t *at(uint64_t physical, size_t size)
{
    CHECK(physical >= MODEL_PHYSICAL && physical + size <= MODEL_PHYSICAL + sizeof memory);
    return memory + (physical - MODEL_PHYSICAL);
}

bool model_take(unsigned index, struct model_chain *chain)
{
    struct model_queue *queue = &model.queues[index];
    const uint8_t *available = at(queue->available, 4 + 2 * queue->size);
    uint16_t descriptor;
    unsigned steps = 0;

    CHECK(queue->ready == 1);
    if (load16(available + 2) == queue->taken) {
        return false;
    }
    descriptor = load16(available + 4 + 2 * (queue->taken++ % queue->size));
    *chain = (struct model_chain){.head = descriptor};
    for (;;) {
        CHECK(descriptor < queue->size && steps++ < queue->size);
        const uint8_t *entry = at(queue->descriptors + 16u * descriptor, 16);
        uint32_t size = load32(entry + 8);
        uint8_t *buffer = at(load64(entry), size);

        if ((load16(entry + 12) & 2) != 0) {
            CHECK(chain->writable == 0);
            chain->writable = buffer;
            chain->writable_size = size;
        } else {
            CHECK(chain->readable == 0 && chain->writable == 0); /* readable ones come first */
            chain->readable = buffer;
            chain->readable_size = size;
        }
        if ((load16(entry + 12) & 1) == 0) {
            return true;
        }
        descriptor = load16(entry + 14);
    }
}

void model_push(unsigned index, uint32_t head, uint32_t written)
{
    struct model_queue *queue = &model.queues[index];
    uint8_t *used = at(queue->used, 4 + 8 * queue->size);

    store32(used + 4 + 8 * (queue->pushed % queue->size), head);
    store32(used + 8 + 8 * (queue->pushed % queue->size), written);
    store16(used + 2, ++queue->pushed);
    model.interrupt |= 1;
}

void model_needs_reset(void)
{
    model.status |= 0x40;
    model.interrupt |= 2;
}
