/* Components on the bare machine: programs at EL0 in pages of their own, which answer to nobody but the root task.
 * What an seL4 kernel would do for them is done here, as far as one call and its faults need it. */
#include "bytes.h"
#include "component/abi.h"
#include "drivers/serial.h"
#include "format.h"
#include "hal.h"
#include "platform.h"
#include "platform/virt/context.h"
#include "platform/virt/machine.h"
#include "root/load.h"

enum {
    WINDOW_BLOCK = COMPONENT_BASE >> 21, /* the level 2 entry that components lie under */
    TABLE = 3,
    PAGE_VALID = 3,
    BY_COMPONENTS = 1 << 6,
    READ_ONLY = 1 << 7,
    SHAREABLE = 3 << 8,
    ACCESSED = 1 << 10,
    NORMAL = 1 << 2,
    SYSTEM_CALL = 0x15, /* exception classes, ESR_EL1 bits 31 … 26 */
    FETCH_ABORT = 0x20,
    DATA_ABORT = 0x24,
    SPSR_EL0 = 0, /* nothing masked */
};
#define NOT_BY_ROOT (1ull << 53)
#define NOT_EXECUTABLE (1ull << 54)
#define SYSCALL_CALL ((uint64_t)-1)

_Static_assert(COMPONENT_BASE % (1 << 21) == 0, "the window begins where its block does");

enum state { ABSENT, RUNNABLE, WAITING };

struct component {
    uint64_t table[512] __attribute__((aligned(HAL_PAGE)));
    uint8_t pages[COMPONENT_PAGES][HAL_PAGE] __attribute__((aligned(HAL_PAGE)));
    unsigned pages_used;
    enum state state;
    struct context context;
};

extern uint64_t level_2_devices[512];

static struct component components[COMPONENTS];
static unsigned caller = COMPONENTS;  /* whose call is to be answered */
static unsigned in_window = COMPONENTS; /* whose table the window shows */

static void flush_translations(void)
{
    __asm__ volatile("dsb ish\n\ttlbi vmalle1\n\tdsb ish\n\tic iallu\n\tdsb ish\n\tisb" ::: "memory");
}

static void clean_for_execution(const uint8_t *page)
{
    for (unsigned line = 0; line < HAL_PAGE; line += 16) { /* no cache has shorter lines */
        __asm__ volatile("dc cvau, %0" ::"r"(page + line) : "memory");
    }
}

static status take_page(void *self, const struct load_page *page)
{
    struct component *component = self;
    uint8_t *memory = component->pages[component->pages_used];
    uint64_t entry = (uintptr_t)memory | PAGE_VALID | BY_COMPONENTS | SHAREABLE | ACCESSED | NORMAL | NOT_BY_ROOT;

    if (component->pages_used == COMPONENT_PAGES) {
        return status_error(ENOSPC);
    }
    component->pages_used++;
    memset(memory, 0, HAL_PAGE);
    memcpy(memory + page->offset, page->bytes, page->count);
    if (!page->writable) {
        entry |= READ_ONLY;
    }
    if (page->executable) {
        clean_for_execution(memory);
    } else {
        entry |= NOT_EXECUTABLE;
    }
    component->table[page->virtual_address / HAL_PAGE % 512] = entry;
    return status_ok();
}

status component_start(unsigned number, const void *image, size_t size, uint64_t argument)
{
    struct component *component;
    uint64_t entry;
    status result;

    if (number >= COMPONENTS) {
        return status_error(EINVAL);
    }
    component = &components[number];
    if (component->state != ABSENT) {
        return status_error(EBUSY);
    }
    result = load_component(image, size, take_page, component, &entry);
    if (failed(result)) {
        (void)component_destroy(number);
        return result;
    }
    component->context = (struct context){.instruction = entry, .stack = COMPONENT_STACK_TOP, .flags = SPSR_EL0};
    component->context.x[0] = argument;
    component->state = RUNNABLE;
    return status_ok();
}

status component_destroy(unsigned number)
{
    struct component *component;

    if (number >= COMPONENTS) {
        return status_error(EINVAL);
    }
    component = &components[number];
    memset(component->table, 0, sizeof component->table);
    component->pages_used = 0;
    component->state = ABSENT;
    if (in_window == number) {
        in_window = COMPONENTS;
        level_2_devices[WINDOW_BLOCK] = 0;
        flush_translations();
    }
    if (caller == number) {
        caller = COMPONENTS;
    }
    return status_ok();
}

void machine_reply(uint64_t label, const uint64_t words[MESSAGE_WORDS])
{
    struct component *component;

    if (caller == COMPONENTS) {
        return;
    }
    component = &components[caller];
    component->context.x[1] = label << 12 | MESSAGE_WORDS;
    for (unsigned i = 0; i < MESSAGE_WORDS; i++) {
        component->context.x[2 + i] = words[i];
    }
    component->state = RUNNABLE;
    caller = COMPONENTS;
}

static void describe_call(struct component *component, struct message *message)
{
    const uint64_t *x = component->context.x;

    if (x[7] != SYSCALL_CALL) {
        message->fault = FAULT_SYSCALL;
        message->address = x[7];
    } else if (x[0] != SLOT_ENDPOINT) {
        message->fault = FAULT_CAPABILITY;
        message->address = x[0];
    } else {
        message->label = x[1] >> 12;
        memcpy(message->words, &x[2], sizeof message->words);
        caller = message->component;
    }
}

/* Why it came to a stop, from the syndrome of its exception. */
static void describe_stop(struct component *component, struct message *message)
{
    uint64_t syndrome, address;

    __asm__ volatile("mrs %0, esr_el1" : "=r"(syndrome));
    __asm__ volatile("mrs %0, far_el1" : "=r"(address));
    message->instruction = component->context.instruction;
    switch (syndrome >> 26 & 0x3f) {
    case SYSTEM_CALL:
        describe_call(component, message);
        break;
    case FETCH_ABORT:
    case DATA_ABORT:
        message->fault = FAULT_MEMORY;
        message->address = address;
        break;
    default:
        message->fault = FAULT_EXCEPTION;
        message->address = syndrome;
        break;
    }
}

static void show(unsigned number)
{
    if (in_window != number) {
        in_window = number;
        level_2_devices[WINDOW_BLOCK] = (uintptr_t)components[number].table | TABLE;
        flush_translations();
    }
}

bool components_run(struct message *message, bool *ran)
{
    for (unsigned number = 0; number < COMPONENTS; number++) {
        struct component *component = &components[number];

        if (component->state != RUNNABLE) {
            continue;
        }
        *ran = true;
        show(number);
        if (component_enter(&component->context) == EXIT_INTERRUPT) {
            return false;
        }
        component->state = WAITING;
        *message = (struct message){.component = number};
        describe_stop(component, message);
        return true;
    }
    *ran = false;
    return false;
}
