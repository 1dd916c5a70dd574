/* Slots are handed out upwards and not taken back: what the root task makes it keeps. A component has slots and
 * memory set aside, and revoking its untyped empties them for its next start.
 *
 * Memory comes from pieces of at most 4 MiB: the first object made from a piece has the kernel clear all of it, which
 * for one of 256 MiB takes half a second. */
#include "platform/sel4/cspace.h"

#include "log.h"
#include "platform.h"
#include "platform/sel4/bootinfo.h"
#include "platform/sel4/invoke.h"

enum {
    PIECE_BITS_MOST = 22,
    PIECE_BITS_LEAST = 16,
    CNODE_DEPTH = 64, /* of the root CNode: its guard and radix make up a whole word */
};

struct pool root_pool;

static uint64_t piece;    /* untyped that objects of the root pool are made from; 0: none yet */
static unsigned piece_bits = PIECE_BITS_MOST; /* pieces above this size are used up or too large */
static uint64_t piece_index;
static uint64_t memory_taken;

static bool usable(uint64_t index)
{
    const struct untyped *untyped = &bootinfo->untypeds[index];

    return !untyped->is_device && untyped->size_bits == piece_bits;
}

/* The next piece in descending order of size, so that few are needed. */
static bool next_piece(void)
{
    uint64_t count = bootinfo->untyped.end - bootinfo->untyped.begin;

    if (piece != 0) {
        piece_index++;
    }
    for (; piece_bits >= PIECE_BITS_LEAST; piece_bits--, piece_index = 0) {
        for (; piece_index < count && piece_index < BOOTINFO_UNTYPEDS; piece_index++) {
            if (usable(piece_index)) {
                piece = bootinfo->untyped.begin + piece_index;
                memory_taken += 1ull << piece_bits;
                return true;
            }
        }
    }
    return false;
}

status slot_take(struct pool *pool, uint64_t *slot)
{
    if (pool->slot == pool->slot_end) {
        return status_error(ENOSPC);
    }
    *slot = pool->slot++;
    return status_ok();
}

status retype_checked(uint64_t untyped, enum object_type type, unsigned size_bits, uint64_t slot)
{
    /* The path to the slot: the root CNode itself, found with index 0 and depth 0, then the slot. What is outside the
     * window of empty slots would overwrite, or name, a capability that is none of ours to touch. */
    const struct invocation retype = {
        .object = untyped,
        .label = UNTYPED_RETYPE,
        .word_count = 6,
        .words = {type, size_bits, /* index */ 0, /* depth */ 0, slot, /* count */ 1},
        .cap_count = 1,
        .caps = {CAP_CNODE},
    };

    ASSERT(slot >= bootinfo->empty.begin && slot < bootinfo->empty.end);
    ASSERT(slot < 1ull << bootinfo->cnode_size_bits);
    return invoke_status(&retype);
}

status object_create(struct pool *pool, enum object_type type, unsigned size_bits, uint64_t *slot)
{
    status result = slot_take(pool, slot);

    if (failed(result)) {
        return result;
    }
    if (pool->untyped != 0) {
        return retype_checked(pool->untyped, type, size_bits, *slot);
    }
    do {
        if (piece != 0) {
            result = retype_checked(piece, type, size_bits, *slot);
            if (result.kernel != SEL4_NOT_ENOUGH_MEMORY) {
                return result;
            }
        }
    } while (next_piece());
    return status_kernel(ENOMEM, SEL4_NOT_ENOUGH_MEMORY);
}

status pool_set_aside(struct pool *pool, unsigned slots, unsigned size_bits)
{
    status result = object_create(&root_pool, OBJECT_UNTYPED, size_bits, &pool->untyped);

    if (failed(result)) {
        return result;
    }
    if (slots > root_pool.slot_end - root_pool.slot) {
        return status_error(ENOSPC);
    }
    pool->slot = root_pool.slot;
    pool->slot_end = root_pool.slot += slots;
    return status_ok();
}

status cap_mint(uint64_t cnode, uint64_t slot, unsigned depth, uint64_t origin, unsigned rights, uint64_t badge)
{
    const struct invocation mint = {
        .object = cnode,
        .label = CNODE_MINT,
        .word_count = 6,
        .words = {slot, depth, origin, CNODE_DEPTH, rights, badge},
        .cap_count = 1,
        .caps = {CAP_CNODE},
    };

    return invoke_status(&mint);
}

status cap_revoke(uint64_t slot)
{
    const struct invocation revoke = {
        .object = CAP_CNODE, .label = CNODE_REVOKE, .word_count = 2, .words = {slot, CNODE_DEPTH}};

    return invoke_status(&revoke);
}

status cspace_start(void)
{
    root_pool = (struct pool){.slot = bootinfo->empty.begin, .slot_end = bootinfo->empty.end};
    return labels_detect();
}

void cspace_usage(unsigned *slots_used, unsigned *slots_total, uint64_t *memory_used, uint64_t *memory_total)
{
    uint64_t count = bootinfo->untyped.end - bootinfo->untyped.begin;

    *slots_used = (unsigned)(root_pool.slot - bootinfo->empty.begin);
    *slots_total = (unsigned)(bootinfo->empty.end - bootinfo->empty.begin);
    *memory_used = memory_taken;
    *memory_total = 0;
    for (uint64_t i = 0; i < count && i < BOOTINFO_UNTYPEDS; i++) {
        if (!bootinfo->untypeds[i].is_device) {
            *memory_total += 1ull << bootinfo->untypeds[i].size_bits;
        }
    }
}
