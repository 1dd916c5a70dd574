/* The kernel starts the root task with the address of the bootinfo in x0 and nothing else set up. */
    .section .text.start, "ax"
    .global _start
_start:
    adrp x1, stack_end
    mov sp, x1
    adrp x1, bootinfo
    str x0, [x1, :lo12:bootinfo]
    mov x29, xzr
    mov x30, xzr
    b root_main
