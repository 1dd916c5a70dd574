/* The root task's capability space and what is made in it. */
#ifndef NINEDOOR_CSPACE_H
#define NINEDOOR_CSPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "errors.h"

enum object_type {
    OBJECT_UNTYPED = 0,
    OBJECT_TCB = 1,
    OBJECT_ENDPOINT = 2,
    OBJECT_NOTIFICATION = 3,
    OBJECT_CNODE = 4,
    OBJECT_VSPACE = 6,
    OBJECT_PAGE = 7,
    OBJECT_PAGE_TABLE = 9,
};

enum rights { RIGHTS_WRITE = 1, RIGHTS_READ = 2, RIGHTS_GRANT = 4, RIGHTS_GRANT_REPLY = 8 };

/* Where objects come from: untyped memory, and empty slots to put their capabilities into. */
struct pool {
    uint64_t untyped;        /* 0: the root pool, which takes the next piece of memory when one is used up */
    uint64_t slot, slot_end; /* the next free slot, and the end of the run */
};

/* Take over the slots and the memory of the bootinfo, and learn the labels of the kernel. */
status cspace_start(void);

/* The pool of the root task: all that is not set aside for others. */
extern struct pool root_pool;

/* Set aside `slots` slots and an untyped of 2^size_bits bytes for `pool`. */
status pool_set_aside(struct pool *pool, unsigned slots, unsigned size_bits);

/* An empty slot. ENOSPC: none left in the pool. */
status slot_take(struct pool *pool, uint64_t *slot);

/* Make an object; size_bits counts for OBJECT_UNTYPED (bytes) and OBJECT_CNODE (slots) only. */
status object_create(struct pool *pool, enum object_type type, unsigned size_bits, uint64_t *slot);

/* The only call of Untyped_Retype: one object, into an empty slot of the root CNode. */
status retype_checked(uint64_t untyped, enum object_type type, unsigned size_bits, uint64_t slot);

/* A copy of capability `origin` with fewer rights and a badge (or a CNode's guard), in slot `slot` of `cnode`, whose
 * depth is `depth` bits. */
status cap_mint(uint64_t cnode, uint64_t slot, unsigned depth, uint64_t origin, unsigned rights, uint64_t badge);

/* Destroy everything made from the capability in `slot`; it stays. */
status cap_revoke(uint64_t slot);

void cspace_usage(unsigned *slots_used, unsigned *slots_total, uint64_t *memory_used, uint64_t *memory_total);

#endif
