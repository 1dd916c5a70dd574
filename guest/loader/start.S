/* From QEMU's first instruction to C with the MMU on, and from C into the kernel. Before the kernel is entered, the
 * addresses it is linked at must mean the memory it lies in; it makes its own tables at once, but it keeps the memory
 * attributes (MAIR) it finds. */

#define DEVICE (1 << 10 | 0 << 2 | 1)          /* a block: valid, accessed, MAIR index 0 */
#define MEMORY (1 << 10 | 3 << 8 | 4 << 2 | 1) /* inner shareable, MAIR index 4 */
#define TABLE 3

    .section .text.start, "ax"
    .global _start
_start:
    msr daifset, #0xf
    mrs x0, currentel
    cmp x0, #(2 << 2)
    b.ne at_el1
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
    /* 0 nGnRnE, 1 nGnRE, 2 GRE, 3 not cached, 4 write-back, 5 write-through: the order the kernel counts on */
    ldr x0, =0x0000aaff440c0400
    msr mair_el1, x0
    mrs x0, id_aa64mmfr0_el1
    and x0, x0, #7              /* the physical addresses this processor has */
    lsl x0, x0, #32
    /* TCR: 48-bit addresses in both halves, 4 KiB pages, cached walks, 16-bit ASIDs */
    ldr x1, =((1 << 36) | (2 << 30) | (3 << 28) | (1 << 26) | (1 << 24) | (16 << 16) | (3 << 12) | (1 << 10) | (1 << 8) | 16)
    orr x0, x0, x1
    msr tcr_el1, x0
    adrp x0, low_level_0
    msr ttbr0_el1, x0
    adrp x0, high_level_0
    msr ttbr1_el1, x0
    dsb sy
    tlbi vmalle1
    ic iallu
    dsb sy
    isb
    mrs x0, sctlr_el1
    ldr x1, =((1 << 12) | (1 << 2) | 1)
    orr x0, x0, x1
    bic x0, x0, #2
    msr sctlr_el1, x0
    isb
    adrp x0, stack_end
    mov sp, x0
    bl loader_main              /* returns the address of a struct handover */
    ldp x6, x1, [x0, #8]        /* kernel entry, user end */
    ldp x2, x3, [x0, #24]       /* offset, user entry */
    ldr x0, [x0]                /* user begin */
    mov x4, xzr                 /* no device tree: the kernel's own is compiled in */
    mov x5, xzr
    dsb sy
    ic iallu
    dsb sy
    isb
    br x6

    .section .data.tables, "aw"
    .balign 4096
low_level_0:
    .quad low_level_1 + TABLE
    .fill 511, 8, 0
low_level_1:
    .quad 0x00000000 + DEVICE
    .quad 0x40000000 + MEMORY
    .fill 510, 8, 0
high_level_0:
    .fill 511, 8, 0
    .quad high_level_1 + TABLE
high_level_1:                   /* 0xffffff8000000000 and 1 GiB above it, where the kernel is linked */
    .quad 0
    .quad 0x40000000 + MEMORY
    .fill 510, 8, 0
