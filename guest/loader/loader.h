/* Where the loader finds and puts things, and what it tells the kernel. scripts/qemu-run.sh has the same addresses. */
#ifndef NINEDOOR_LOADER_H
#define NINEDOOR_LOADER_H

#include <stdint.h>

#define FILE_KERNEL 0x70000000ul    /* loader: QEMU puts kernel.elf here, as it is */
#define FILE_ROOT_TASK 0x78000000ul /* … and the root task's ELF file here */
#define FILE_ROOM 0x08000000ul      /* … of which each may fill this much */
#define TARGET_BEGIN 0x40000000ul   /* … where both go in the end */
#define TARGET_END 0x60000000ul     /* … up to here, where the loader itself lies */

/* The arguments of the kernel's entry; start.S knows the order. */
struct handover {
    uint64_t user_begin;
    uint64_t kernel_entry;
    uint64_t user_end;
    uint64_t user_offset; /* physical less virtual address */
    uint64_t user_entry;
};

const struct handover *loader_main(void);

#endif
