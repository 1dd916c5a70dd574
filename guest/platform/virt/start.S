/* From QEMU's first instruction to C, and back and forth between the root task (EL1) and components (EL0). */

#include "platform/virt/context.h"

/* Attributes of a block or page: valid, accessed, inner shareable; 0 device (nGnRnE), 1 normal write-back memory. */
#define DEVICE   (1 << 10 | 0 << 2 | 1)
#define MEMORY   (1 << 10 | 3 << 8 | 1 << 2 | 1)
#define TABLE    3
#define NEVER    (3 << 53)   /* execute never, at either level */
#define READ_ONLY (1 << 7)
#define NOT_BY_COMPONENTS (1 << 54)

    .section .text.start, "ax"
    .global _start
_start:
    msr daifset, #0xf
    mrs x0, currentel
    cmp x0, #(2 << 2)
    b.ne at_el1
    /* Under -machine virtualization=on QEMU starts us at EL2: leave it, and let EL1 use the physical timer. */
    mov x0, #(1 << 31)          /* HCR.RW: EL1 is AArch64 */
    msr hcr_el2, x0
    mov x0, #3                  /* CNTHCTL: EL1 may use counter and timer */
    msr cnthctl_el2, x0
    msr cntvoff_el2, xzr
    mov x0, #0x3c5              /* EL1 with SP_EL1, all masked */
    msr spsr_el2, x0
    adr x0, at_el1
    msr elr_el2, x0
    eret
at_el1:
    ldr x0, =0xff00             /* MAIR: 0 device nGnRnE, 1 write-back */
    msr mair_el1, x0
    /* TCR: 39-bit addresses in the lower half, none in the upper, cached walks, 36-bit physical */
    ldr x0, =((1 << 32) | (1 << 23) | (3 << 12) | (1 << 10) | (1 << 8) | 25)
    msr tcr_el1, x0
    adrp x0, level_1
    msr ttbr0_el1, x0
    dsb sy
    tlbi vmalle1
    dsb sy
    isb
    mrs x0, sctlr_el1
    ldr x1, =((1 << 19) | (1 << 12) | (1 << 2) | 1) /* write implies execute-never, caches, MMU */
    orr x0, x0, x1
    bic x0, x0, #2              /* unaligned access is fine */
    msr sctlr_el1, x0
    isb
    adr x0, vectors
    msr vbar_el1, x0
    adrp x0, stack_end
    mov sp, x0
    ldr x0, =bss_start
    ldr x1, =bss_end
0:  cmp x0, x1
    b.hs 1f
    stp xzr, xzr, [x0], #16
    b 0b
1:  isb
    b root_main

/* Save one state of the root task and go on with the component's; its next exception comes back here as a return
 * value (enum exit_reason).
 *   unsigned component_enter(struct context *context) */
    .global component_enter
component_enter:
    stp x29, x30, [sp, #-96]!
    stp x19, x20, [sp, #16]
    stp x21, x22, [sp, #32]
    stp x23, x24, [sp, #48]
    stp x25, x26, [sp, #64]
    stp x27, x28, [sp, #80]
    msr tpidr_el1, x0
    ldr x1, [x0, #CONTEXT_INSTRUCTION]
    msr elr_el1, x1
    ldr x1, [x0, #CONTEXT_STACK]
    msr sp_el0, x1
    ldr x1, [x0, #CONTEXT_FLAGS]
    msr spsr_el1, x1
    ldp x2, x3, [x0, #16]
    ldp x4, x5, [x0, #32]
    ldp x6, x7, [x0, #48]
    ldp x8, x9, [x0, #64]
    ldp x10, x11, [x0, #80]
    ldp x12, x13, [x0, #96]
    ldp x14, x15, [x0, #112]
    ldp x16, x17, [x0, #128]
    ldp x18, x19, [x0, #144]
    ldp x20, x21, [x0, #160]
    ldp x22, x23, [x0, #176]
    ldp x24, x25, [x0, #192]
    ldp x26, x27, [x0, #208]
    ldp x28, x29, [x0, #224]
    ldr x30, [x0, #240]
    ldp x0, x1, [x0]
    eret

.macro leave_component reason
    stp x0, x1, [sp, #-16]!
    mrs x0, tpidr_el1
    mov x1, #\reason
    b component_left
.endm

component_left:
    stp x2, x3, [x0, #16]
    stp x4, x5, [x0, #32]
    stp x6, x7, [x0, #48]
    stp x8, x9, [x0, #64]
    stp x10, x11, [x0, #80]
    stp x12, x13, [x0, #96]
    stp x14, x15, [x0, #112]
    stp x16, x17, [x0, #128]
    stp x18, x19, [x0, #144]
    stp x20, x21, [x0, #160]
    stp x22, x23, [x0, #176]
    stp x24, x25, [x0, #192]
    stp x26, x27, [x0, #208]
    stp x28, x29, [x0, #224]
    str x30, [x0, #240]
    ldp x2, x3, [sp], #16
    stp x2, x3, [x0]
    mrs x2, elr_el1
    str x2, [x0, #CONTEXT_INSTRUCTION]
    mrs x2, sp_el0
    str x2, [x0, #CONTEXT_STACK]
    mrs x2, spsr_el1
    str x2, [x0, #CONTEXT_FLAGS]
    mov x0, x1
    ldp x19, x20, [sp, #16]
    ldp x21, x22, [sp, #32]
    ldp x23, x24, [sp, #48]
    ldp x25, x26, [sp, #64]
    ldp x27, x28, [sp, #80]
    ldp x29, x30, [sp], #96
    ret

/* An exception of the root task itself is a bug: it is told, and that is the end. Its stack is not gone back to, and may
 * be what is at fault: it begins anew. */
.macro own_exception
    .balign 0x80
    adrp x0, stack_end
    mov sp, x0
    mrs x0, esr_el1
    mrs x1, elr_el1
    mrs x2, far_el1
    b exception_of_root
.endm

    .balign 0x800
vectors:
    .rept 8                     /* at this level, with either stack pointer */
    own_exception
    .endr
    .balign 0x80
    leave_component EXIT_EXCEPTION
    .balign 0x80
    leave_component EXIT_INTERRUPT
    .balign 0x80
    own_exception               /* fast interrupts and system errors are enabled nowhere */
    own_exception
    .rept 4                     /* nothing here is 32 bits */
    own_exception
    .endr

/* Translation tables: the devices at 0x08000000 … 0x0bffffff, the text of the image read-only, its data not
 * executable, what lies between and below not at all; page 0 faults. Level 2 entries are blocks of 2 MiB. */
    .section .data.tables, "aw"
    .balign 4096
level_1:
    .quad level_2_devices + TABLE
    .quad level_2_memory + TABLE
    .fill 510, 8, 0
    .global level_2_devices
level_2_devices:
    .fill 64, 8, 0              /* entry 2 is the window of components, see component.c */
    .set block, 0x08000000
    .rept 32
    .quad block | DEVICE | NEVER
    .set block, block + 0x200000
    .endr
    .fill 512 - 96, 8, 0
level_2_memory:
    .quad 0                     /* QEMU's device tree; not used */
    .quad 0x40200000 | MEMORY | READ_ONLY | NOT_BY_COMPONENTS
    .quad 0x40400000 | MEMORY | NEVER
    .fill 509, 8, 0
