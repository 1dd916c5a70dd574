/* The machine under an seL4 kernel: the root task sleeps in one Receive, which a component's message and a bound
 * notification both end. */
#include "platform/sel4/machine.h"

#include "bytes.h"
#include "component/abi.h"
#include "drivers/clock.h"
#include "drivers/serial.h"
#include "format.h"
#include "hal.h"
#include "log.h"
#include "platform.h"
#include "platform/sel4/bootinfo.h"
#include "platform/sel4/cspace.h"
#include "platform/sel4/invoke.h"
#include "platform/sel4/syscall.h"
#include "root/components.h"

/* Labels of fault messages: seL4 reference manual, "Faults". */
enum {
    KERNEL_CAP_FAULT = 1,
    KERNEL_UNKNOWN_SYSCALL = 2,
    KERNEL_USER_EXCEPTION = 3,
    KERNEL_VM_FAULT = 5,
    UNKNOWN_SYSCALL_INSTRUCTION = 8, /* words of that message */
    UNKNOWN_SYSCALL_NUMBER = 12,
};

const struct bootinfo *bootinfo;
struct ipc_buffer *ipc_buffer;

static uint64_t endpoint, notification;

const char *platform_name(void)
{
    return "sel4";
}

uint64_t machine_endpoint(void)
{
    return endpoint;
}

uint64_t machine_notification(void)
{
    return notification;
}

status machine_start(void)
{
    status result;

    ipc_buffer = (struct ipc_buffer *)bootinfo->ipc_buffer;
    result = cspace_start();
    if (!failed(result)) {
        result = object_create(&root_pool, OBJECT_ENDPOINT, 0, &endpoint);
    }
    if (!failed(result)) {
        result = object_create(&root_pool, OBJECT_NOTIFICATION, 0, &notification);
    }
    if (!failed(result)) {
        const struct invocation bind = {
            .object = CAP_TCB, .label = TCB_BIND_NOTIFICATION, .cap_count = 1, .caps = {notification}};

        result = invoke_status(&bind);
    }
    if (!failed(result)) {
        result = serial_start();
    }
    return result;
}

void machine_announce(void)
{
    uint64_t first_slot = bootinfo->empty.begin;

    log_line("[rt-fix] cspace window [0x%04lx..0x%04lx), initBits=%lu, initCNode=0x%04x", first_slot,
             bootinfo->empty.end, bootinfo->cnode_size_bits, CAP_CNODE);
    log_line("[probe] dest path OK at slot=0x%04lx", first_slot); /* machine_start() made the endpoint there */
    log_line("[kernel] labels=+%u untypeds=%lu", labels_offset(), bootinfo->untyped.end - bootinfo->untyped.begin);
}

void machine_describe(const char *what, void (*line)(const char *text))
{
    char text[LOG_LINE];

    if (text_equal(what, "bi")) {
        (void)text_format(text, sizeof text, "kernel seL4 labels=+%u initBits=%lu ipcBuffer=0x%lx", labels_offset(),
                          bootinfo->cnode_size_bits, bootinfo->ipc_buffer);
        line(text);
        (void)text_format(text, sizeof text, "untypeds [0x%04lx..0x%04lx) empty [0x%04lx..0x%04lx)",
                          bootinfo->untyped.begin, bootinfo->untyped.end, bootinfo->empty.begin, bootinfo->empty.end);
    } else {
        (void)text_format(text, sizeof text, "tcb=%u cnode=%u vspace=%u irqControl=%u asidPool=%u endpoint=0x%04lx "
                          "notification=0x%04lx", CAP_TCB, CAP_CNODE, CAP_VSPACE, CAP_IRQ_CONTROL, CAP_ASID_POOL,
                          endpoint, notification);
    }
    line(text);
}

status machine_clock(void)
{
    struct clock_rights rights;

    rights.counter = components_probe(RUN_READ_COUNTER);
    rights.timer = rights.counter && components_probe(RUN_READ_TIMER);
    return clock_start(rights);
}

void machine_wake_at(uint64_t deadline_ns)
{
    clock_wake_at(deadline_ns);
}

static void take_interrupts(uint64_t sources)
{
    for (unsigned i = 0; i < SOURCES; i++) {
        if ((sources >> i & 1) == 0) {
            continue;
        }
        if (i == SOURCE_TIMER) {
            clock_quiet();
            hal_interrupt_done(SOURCE_TIMER);
        } else {
            pump_ready((enum source)i);
        }
    }
}

static uint64_t word(const struct registers *registers, unsigned index)
{
    return index < REGISTER_WORDS ? registers->words[index] : ipc_buffer->words[index];
}

static void describe_fault(const struct registers *registers, struct message *message)
{
    message->instruction = word(registers, 0);
    message->address = word(registers, 1);
    switch (message_label(registers->info)) {
    case KERNEL_CAP_FAULT:
        message->fault = FAULT_CAPABILITY;
        break;
    case KERNEL_VM_FAULT:
        message->fault = FAULT_MEMORY;
        break;
    case KERNEL_UNKNOWN_SYSCALL:
        message->fault = FAULT_SYSCALL;
        message->instruction = word(registers, UNKNOWN_SYSCALL_INSTRUCTION);
        message->address = word(registers, UNKNOWN_SYSCALL_NUMBER);
        break;
    default: /* KERNEL_USER_EXCEPTION: words are instruction, stack, flags, syndrome */
        message->fault = FAULT_EXCEPTION;
        message->address = word(registers, 3);
        break;
    }
}

bool machine_wait(bool sleep, struct message *message)
{
    struct registers registers = {.capability = endpoint};
    uint64_t badge;

    system_call(sleep ? SYSCALL_RECEIVE : SYSCALL_RECEIVE_NONBLOCKING, &registers);
    badge = registers.capability;
    if ((badge & (BADGE_CALL | BADGE_FAULT)) == 0) {
        take_interrupts(badge);
        return false;
    }
    *message = (struct message){.component = (unsigned)(badge & BADGE_NUMBER)};
    if ((badge & BADGE_FAULT) != 0) {
        describe_fault(&registers, message);
    } else {
        message->label = message_label(registers.info);
        memcpy(message->words, registers.words, sizeof message->words);
    }
    return true;
}

void machine_reply(uint64_t label, const uint64_t words[MESSAGE_WORDS])
{
    struct registers registers = {.info = message_info(label, 0, MESSAGE_WORDS)};

    memcpy(registers.words, words, sizeof registers.words);
    system_call(SYSCALL_REPLY, &registers);
}

void platform_stop(void)
{
    struct registers registers;

    for (;;) { /* an interrupt ends the wait, but nobody acknowledges it: each comes once more at most */
        registers = (struct registers){.capability = notification};
        system_call(SYSCALL_RECEIVE, &registers);
    }
}

void panic(const char *what)
{
    log_sink(0);
    log_line("PANIC %s", what);
    platform_stop();
}
