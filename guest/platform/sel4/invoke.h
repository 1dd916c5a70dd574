/* Invocations: calls on kernel objects. The numbers of those that depend on the architecture differ between kernels;
 * labels_detect() finds out which this is. */
#ifndef NINEDOOR_INVOKE_H
#define NINEDOOR_INVOKE_H

#include <stdint.h>

#include "errors.h"

/* Labels that are the same in kernels 14, 15 and 16. */
enum label {
    UNTYPED_RETYPE = 1,
    TCB_WRITE_REGISTERS = 3,
    TCB_CONFIGURE = 5,
    TCB_SET_PRIORITY = 6,
    TCB_BIND_NOTIFICATION = 13,
    CNODE_REVOKE = 17,
    CNODE_DELETE = 18,
    CNODE_MINT = 21,
    IRQ_CONTROL_GET = 26,
    IRQ_ACKNOWLEDGE = 27,
    IRQ_SET_NOTIFICATION = 28,
    /* From here on as in kernel 14; later ones have two more labels before these. */
    ARCHITECTURE_LABELS = 31,
    PAGE_TABLE_MAP = 36,
    PAGE_MAP = 38,
    PAGE_UNMAP = 39,
    PAGE_GET_ADDRESS = 44,
    ASID_POOL_ASSIGN = 46,
};

/* One invocation: up to INVOKE_WORDS words and INVOKE_CAPS capabilities. */
enum { INVOKE_WORDS = 8, INVOKE_CAPS = 3 };
struct invocation {
    uint64_t object; /* the slot of what is invoked */
    enum label label;
    unsigned word_count, cap_count;
    uint64_t words[INVOKE_WORDS];
    uint64_t caps[INVOKE_CAPS];
};

/* The kernel's code, as seL4_Error; *result, if given, is the first word of the answer. */
uint16_t invoke(const struct invocation *invocation, uint64_t *result);

/* The same as a status: the errno that stands for the kernel's code, and the code itself. */
status invoke_status(const struct invocation *invocation);

/* Learn the numbering of this kernel. ENXIO: it is none of the known ones. To be called before any invocation of
 * ARCHITECTURE_LABELS or above. */
status labels_detect(void);
/* How much is added to those; for the boot log. */
unsigned labels_offset(void);

#endif
