/* The stack is set by the root task; the argument is in x0. */
    .section .text.start, "ax"
    .global _start
_start:
    mov x29, xzr
    mov x30, xzr
    bl component_main
    udf #0
