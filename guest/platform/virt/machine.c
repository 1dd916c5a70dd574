/* The bare machine: no kernel below, EL1 for the root task, EL0 for components. */
#include "platform/virt/machine.h"

#include "bytes.h"
#include "drivers/clock.h"
#include "drivers/serial.h"
#include "hal.h"
#include "log.h"
#include "platform.h"
#include "platform/virt/gic.h"

const char *platform_name(void)
{
    return "virt";
}

status machine_start(void)
{
    gic_start();
    return serial_start();
}

void machine_announce(void)
{
    log_line("[machine] bare: EL1, components at EL0; no kernel, so no capability but what root/ keeps to itself");
}

void machine_describe(const char *what, void (*line)(const char *text))
{
    if (text_equal(what, "bi")) {
        line("kernel none (bare machine, EL1)");
    } else {
        line("capabilities none: components reach the root task by one call and nothing else");
    }
}

status machine_clock(void)
{
    /* At EL1 nothing traps the counter or the physical timer. */
    return clock_start((struct clock_rights){.counter = true, .timer = true});
}

void machine_wake_at(uint64_t deadline_ns)
{
    clock_wake_at(deadline_ns);
}

static bool take_interrupts(void)
{
    bool taken = false;
    unsigned intid;
    enum source source;

    while ((intid = gic_take()) != GIC_NONE) {
        taken = true;
        if (!interrupt_source(intid, &source)) {
            continue; /* nobody asked for it: it stays disabled */
        }
        if (source == SOURCE_TIMER) {
            clock_quiet();
            hal_interrupt_done(SOURCE_TIMER);
        } else {
            pump_ready(source);
        }
    }
    return taken;
}

bool machine_wait(bool sleep, struct message *message)
{
    bool ran;

    do {
        if (take_interrupts()) {
            return false;
        }
        if (sleep) {
            if (components_run(message, &ran)) {
                return true;
            }
            if (!ran) {
                __asm__ volatile("dsb sy\n\twfi" ::: "memory");
            }
        }
    } while (sleep);
    return false;
}

void platform_stop(void)
{
    for (;;) {
        __asm__ volatile("msr daifset, #0xf\n\twfi");
    }
}

void panic(const char *what)
{
    log_sink(0);
    log_line("PANIC %s", what);
    platform_stop();
}

/* Called by start.S: the root task itself did something it may not. */
void exception_of_root(uint64_t syndrome, uint64_t instruction, uint64_t address);
void exception_of_root(uint64_t syndrome, uint64_t instruction, uint64_t address)
{
    static bool telling;

    if (telling) {
        platform_stop(); /* telling is at fault, too */
    }
    telling = true;
    log_sink(0);
    log_line("PANIC fault in root task: esr=0x%lx pc=0x%lx address=0x%lx", syndrome, instruction, address);
    platform_stop();
}
