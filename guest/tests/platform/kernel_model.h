/* A model of the part of an seL4 kernel that the root task's layers use: untyped memory with its watermarks, slots,
 * page tables, interrupts. It refuses what the kernel refuses, with the kernel's codes. */
#ifndef NINEDOOR_KERNEL_MODEL_H
#define NINEDOOR_KERNEL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "platform/sel4/bootinfo.h"

enum { MODEL_SLOTS = 4096, MODEL_EMPTY = 100 };

struct model_cap {
    bool present;
    unsigned type;      /* enum object_type; of an untyped its size counts */
    unsigned size_bits; /* of an untyped */
    uint64_t physical;
    uint64_t watermark; /* bytes used up of an untyped */
    uint64_t mapped;    /* virtual address of a page, 0 for none */
    uint64_t badge;
    bool is_device;
};

struct model {
    struct model_cap caps[MODEL_SLOTS];
    struct bootinfo bootinfo;
    unsigned label_offset; /* of the kernel that is modelled: 0 or 2; anything else is an unknown one */
    unsigned page_tables;  /* mapped so far; a mapping needs three */
    char irq_calls[64];    /* g(et), s(et notification), a(ck), in order */
    uint16_t fail_with;    /* code for the next invocation of `fail_label`, once */
    unsigned fail_label;
};

extern struct model model;

/* A machine with a page-table-less address space, RAM untypeds of 2^28, 2^22, 2^20 and 2^16 bytes, and the device
 * untypeds of the board: 2^24 at 0x09000000 and 2^25 at 0x0a000000. */
void model_begin(unsigned label_offset);

#endif
