/* The kernel says which part of a mapping is missing only by refusing: a page table is then put in at the same
 * address and the mapping tried again, at most once for each level below the root. */
#include "platform/sel4/memory.h"

#include "platform/sel4/invoke.h"

enum { LEVELS = 3 };

status page_map(struct pool *pool, uint64_t vspace, uint64_t frame, uint64_t address, unsigned rights,
                unsigned attributes)
{
    const struct invocation map = {
        .object = frame,
        .label = PAGE_MAP,
        .word_count = 3,
        .words = {address, rights, attributes},
        .cap_count = 1,
        .caps = {vspace},
    };
    status result = invoke_status(&map);

    for (unsigned level = 0; level < LEVELS && result.kernel == SEL4_FAILED_LOOKUP; level++) {
        struct invocation map_table = {
            .label = PAGE_TABLE_MAP,
            .word_count = 2,
            .words = {address, ATTRIBUTE_CACHED},
            .cap_count = 1,
            .caps = {vspace},
        };

        result = object_create(pool, OBJECT_PAGE_TABLE, 0, &map_table.object);
        if (!failed(result)) {
            result = invoke_status(&map_table);
        }
        if (failed(result)) {
            return result;
        }
        result = invoke_status(&map);
    }
    return result;
}

status page_unmap(uint64_t frame)
{
    const struct invocation unmap = {.object = frame, .label = PAGE_UNMAP};

    return invoke_status(&unmap);
}

status page_physical(uint64_t frame, uint64_t *physical)
{
    const struct invocation get_address = {.object = frame, .label = PAGE_GET_ADDRESS};
    uint16_t code = invoke(&get_address, physical);

    return code == SEL4_NO_ERROR ? status_ok() : status_kernel(EIO, code);
}
