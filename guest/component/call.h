/* The one system call of a component: Call on an endpoint, seL4's non-MCS ABI for AArch64. */
#ifndef NINEDOOR_CALL_H
#define NINEDOOR_CALL_H

#include <stdint.h>

/* Send (label, word), wait for the answer, return its first word. The kernel keeps all other registers. */
static inline uint64_t call(uint64_t slot, uint64_t label, uint64_t word)
{
    register uint64_t x0 __asm__("x0") = slot;
    register uint64_t x1 __asm__("x1") = label << 12 | 1; /* message info: label, one word */
    register uint64_t x2 __asm__("x2") = word;
    register uint64_t x3 __asm__("x3") = 0;
    register uint64_t x4 __asm__("x4") = 0;
    register uint64_t x5 __asm__("x5") = 0;
    register uint64_t x7 __asm__("x7") = (uint64_t)-1; /* SysCall */

    __asm__ volatile("svc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5) : "r"(x7) : "memory");
    return x2;
}

#endif
