/* Mapping frames into address spaces, and where the root task's own space has room. */
#ifndef NINEDOOR_MEMORY_H
#define NINEDOOR_MEMORY_H

#include <stdint.h>

#include "errors.h"
#include "platform/sel4/cspace.h"

/* Windows of the root task's address space, behind its image (platform/sel4/link.ld). */
#define WINDOW_DEVICES 0x60000000ul /* root task under seL4: device registers */
#define WINDOW_DMA 0x60200000ul     /* … DMA memory */
#define WINDOW_SCRATCH 0x60400000ul /* … the page of a component that is being filled */

enum attributes {
    ATTRIBUTE_CACHED = 1,
    ATTRIBUTE_NEVER_EXECUTE = 4,
    ATTRIBUTES_DEVICE = ATTRIBUTE_NEVER_EXECUTE,
    ATTRIBUTES_DATA = ATTRIBUTE_CACHED | ATTRIBUTE_NEVER_EXECUTE,
    ATTRIBUTES_CODE = ATTRIBUTE_CACHED,
};

/* Map `frame` at `address` of `vspace`. Page tables that are missing are made from `pool`. */
status page_map(struct pool *pool, uint64_t vspace, uint64_t frame, uint64_t address, unsigned rights,
                unsigned attributes);
status page_unmap(uint64_t frame);
status page_physical(uint64_t frame, uint64_t *physical);

#endif
