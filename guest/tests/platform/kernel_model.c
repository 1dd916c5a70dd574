#include "kernel_model.h"

#include <string.h>

#include "check.h"
#include "errors.h"
#include "platform/sel4/cspace.h"
#include "platform/sel4/invoke.h"
#include "platform/sel4/syscall.h"

struct model model;
const struct bootinfo *bootinfo = &model.bootinfo;

static struct ipc_buffer buffer;
struct ipc_buffer *ipc_buffer = &buffer;

static void add_untyped(unsigned index, uint64_t physical, unsigned bits, bool is_device)
{
    uint64_t slot = model.bootinfo.untyped.begin + index;

    model.bootinfo.untypeds[index] =
        (struct untyped){.physical = physical, .size_bits = (uint8_t)bits, .is_device = is_device};
    model.bootinfo.untyped.end = slot + 1;
    model.caps[slot] = (struct model_cap){
        .present = true, .type = OBJECT_UNTYPED, .size_bits = bits, .physical = physical, .is_device = is_device};
}

void model_begin(unsigned label_offset)
{
    memset(&model, 0, sizeof model);
    memset(&buffer, 0, sizeof buffer);
    model.label_offset = label_offset;
    model.bootinfo.cnode_size_bits = 12;
    model.bootinfo.untyped.begin = 20;
    model.bootinfo.empty = (struct slot_range){MODEL_EMPTY, MODEL_SLOTS};
    add_untyped(0, 0x50000000, 28, false);
    add_untyped(1, 0x60000000, 22, false);
    add_untyped(2, 0x60400000, 20, false);
    add_untyped(3, 0x60500000, 16, false);
    add_untyped(4, 0x09000000, 24, true);
    add_untyped(5, 0x0a000000, 25, true);
    model.caps[CAP_BOOTINFO_FRAME] = (struct model_cap){.present = true, .type = OBJECT_PAGE, .physical = 0x40300000};
}

static unsigned bits_of(unsigned type, uint64_t size_bits)
{
    switch (type) {
    case OBJECT_UNTYPED:
        return (unsigned)size_bits;
    case OBJECT_TCB:
        return 11;
    case OBJECT_ENDPOINT:
        return 4;
    case OBJECT_NOTIFICATION:
        return 5;
    case OBJECT_CNODE:
        return 5 + (unsigned)size_bits;
    default:
        return 12;
    }
}

static uint16_t retype(struct model_cap *untyped, const uint64_t *words)
{
    unsigned bits = bits_of((unsigned)words[0], words[1]);
    uint64_t at = (untyped->watermark + (1ull << bits) - 1) & ~((1ull << bits) - 1);
    struct model_cap *made;

    EQUAL(words[2], 0);
    EQUAL(words[3], 0);
    EQUAL(words[5], 1);
    EQUAL(buffer.caps_or_badges[0], CAP_CNODE);
    if (words[4] >= MODEL_SLOTS) {
        return SEL4_RANGE_ERROR;
    }
    made = &model.caps[words[4]];
    if (made->present) {
        return SEL4_DELETE_FIRST;
    }
    if (untyped->is_device && words[0] != OBJECT_UNTYPED && words[0] != OBJECT_PAGE) {
        return SEL4_INVALID_ARGUMENT;
    }
    if (at + (1ull << bits) > 1ull << untyped->size_bits) {
        return SEL4_NOT_ENOUGH_MEMORY;
    }
    untyped->watermark = at + (1ull << bits);
    *made = (struct model_cap){.present = true,
                               .type = (unsigned)words[0],
                               .size_bits = bits,
                               .physical = untyped->physical + at,
                               .is_device = untyped->is_device};
    return SEL4_NO_ERROR;
}

static uint16_t interrupt(uint64_t label, const uint64_t *words)
{
    char *at = model.irq_calls + strlen(model.irq_calls);

    if (label == IRQ_CONTROL_GET) {
        CHECK(!model.caps[words[1]].present);
        model.caps[words[1]].present = true;
    } else if (label == IRQ_SET_NOTIFICATION) {
        CHECK(model.caps[buffer.caps_or_badges[0]].present);
    }
    *at = label == IRQ_CONTROL_GET ? 'g' : label == IRQ_SET_NOTIFICATION ? 's' : 'a';
    return SEL4_NO_ERROR;
}

static uint16_t page(struct model_cap *cap, uint64_t label, const uint64_t *words, uint64_t *answer)
{
    if (label == PAGE_GET_ADDRESS) {
        *answer = cap->physical;
        return SEL4_NO_ERROR;
    }
    if (label == PAGE_UNMAP) {
        cap->mapped = 0;
        return SEL4_NO_ERROR;
    }
    if (cap->mapped != 0) {
        return SEL4_INVALID_CAPABILITY;
    }
    if (model.page_tables < 3) {
        return SEL4_FAILED_LOOKUP;
    }
    cap->mapped = words[0];
    return SEL4_NO_ERROR;
}

static uint16_t answer_call(uint64_t object, uint64_t label, const uint64_t *words, uint64_t *answer)
{
    struct model_cap *cap = &model.caps[object];

    switch (label) {
    case UNTYPED_RETYPE:
        return cap->present ? retype(cap, words) : SEL4_INVALID_CAPABILITY;
    case CNODE_MINT:
        CHECK(!model.caps[words[0]].present);
        model.caps[words[0]] = (struct model_cap){.present = true, .badge = words[5]};
        return SEL4_NO_ERROR;
    case CNODE_REVOKE:
        return SEL4_NO_ERROR;
    case IRQ_CONTROL_GET:
    case IRQ_SET_NOTIFICATION:
    case IRQ_ACKNOWLEDGE:
        return interrupt(label, words);
    case PAGE_TABLE_MAP:
        model.page_tables++;
        return SEL4_NO_ERROR;
    case PAGE_MAP:
    case PAGE_UNMAP:
    case PAGE_GET_ADDRESS:
        return page(cap, label, words, answer);
    default:
        return SEL4_TRUNCATED_MESSAGE;
    }
}

void system_call(int64_t number, struct registers *registers)
{
    uint64_t label = message_label(registers->info);
    uint64_t words[120];
    uint16_t code;

    EQUAL(number, SYSCALL_CALL);
    memcpy(words, registers->words, sizeof registers->words);
    memcpy(words + REGISTER_WORDS, buffer.words + REGISTER_WORDS, sizeof words - sizeof registers->words);
    if (label >= ARCHITECTURE_LABELS) {
        label = label >= ARCHITECTURE_LABELS + model.label_offset ? label - model.label_offset : 0;
    }
    if (model.fail_with != 0 && label == model.fail_label) {
        code = model.fail_with;
        model.fail_with = 0;
    } else {
        code = answer_call(registers->capability, label, words, &registers->words[0]);
    }
    registers->info = message_info(code, 0, 0);
}
