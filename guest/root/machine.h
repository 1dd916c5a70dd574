/* What the root task asks of the machine under it: sleeping, the next wake-up, and components in protection domains
 * of their own. Implemented by platform/sel4/ with capabilities and by platform/virt/ with exception levels. */
#ifndef NINEDOOR_MACHINE_H
#define NINEDOOR_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "errors.h"

enum {
    COMPONENTS = 2,     /* slots for components: the user component and the one that misbehaves on purpose */
    MESSAGE_WORDS = 4,  /* words that travel in registers */
};

/* Why a component stopped. */
enum fault {
    FAULT_NONE,       /* no fault: a call that waits for its answer */
    FAULT_MEMORY,     /* touched memory it has no right to: address = where */
    FAULT_CAPABILITY, /* invoked a capability it does not have: address = the slot */
    FAULT_SYSCALL,    /* asked for something no kernel offers: address = the number */
    FAULT_EXCEPTION,  /* an instruction it may not execute: address = the syndrome (ESR) */
};

/* From a component to the root task: a call, or the news that it stopped. */
struct message {
    unsigned component;
    enum fault fault;
    uint64_t label;
    uint64_t words[MESSAGE_WORDS];
    uint64_t instruction, address; /* of a fault */
};

/* Take over memory, capabilities and the serial line: from here on there is a log. */
status machine_start(void);
/* What machine_start() found, for the boot log. */
void machine_announce(void);

/* Start the clock with what the machine lets the root task use. Precondition: machine_start() succeeded. */
status machine_clock(void);

/* Mark ready what has happened. Sleeps until something has if `sleep`. True: a component's message came with it; a
 * call is to be answered with machine_reply() before the next wait, or its caller stays where it is for good. */
bool machine_wait(bool sleep, struct message *message);
void machine_reply(uint64_t label, const uint64_t words[MESSAGE_WORDS]);

/* Have machine_wait() return at `deadline_ns`, or at the next time after it that the machine can wake at, if nothing
 * else makes it return before; 0: not at all. Later calls replace earlier ones. */
void machine_wake_at(uint64_t deadline_ns);

/* Start the ELF program `image` as component `number` with `argument` in its first register. It has its own address
 * space, a capability space with one badged endpoint to the root task, and nothing else. EBUSY: it runs already. */
status component_start(unsigned number, const void *image, size_t size, uint64_t argument);
/* Take all of it back: threads, address space, memory. It can be started again. */
status component_destroy(unsigned number);

/* Lines of what only the machine knows, for `what` = "bi" or "caps". */
void machine_describe(const char *what, void (*line)(const char *text));

#endif
