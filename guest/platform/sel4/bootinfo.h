/* What the kernel tells the root task at its start: see the seL4 reference manual, "Initial thread's environment".
 * The layout is that of non-MCS kernels 14 to 16, which differ in nothing here. */
#ifndef NINEDOOR_BOOTINFO_H
#define NINEDOOR_BOOTINFO_H

#include <stdint.h>

/* Slots of the first capabilities. */
enum {
    CAP_TCB = 1,
    CAP_CNODE = 2,
    CAP_VSPACE = 3,
    CAP_IRQ_CONTROL = 4,
    CAP_ASID_POOL = 6,
    CAP_BOOTINFO_FRAME = 9,
};

enum { BOOTINFO_UNTYPEDS = 230 };

struct slot_range {
    uint64_t begin, end;
};

struct untyped {
    uint64_t physical;
    uint8_t size_bits, is_device;
    uint8_t padding[6];
};

struct bootinfo {
    uint64_t extra_length, node, nodes, io_page_table_levels;
    uint64_t ipc_buffer;
    struct slot_range empty, shared_frames, image_frames, image_tables, io_space, extra_pages;
    uint64_t cnode_size_bits, domain;
    struct slot_range untyped;
    struct untyped untypeds[BOOTINFO_UNTYPEDS];
};

_Static_assert(__builtin_offsetof(struct bootinfo, cnode_size_bits) == 17 * 8, "as the kernel lays it out");
_Static_assert(__builtin_offsetof(struct bootinfo, untypeds) == 21 * 8, "as the kernel lays it out");

/* Set by start.S before anything else runs. */
extern const struct bootinfo *bootinfo;

#endif
