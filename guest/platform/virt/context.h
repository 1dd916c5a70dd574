/* The saved state of a component, as start.S stores it; included by assembler and C. */
#ifndef NINEDOOR_CONTEXT_H
#define NINEDOOR_CONTEXT_H

#define CONTEXT_INSTRUCTION 248
#define CONTEXT_STACK 256
#define CONTEXT_FLAGS 264

#define EXIT_EXCEPTION 1 /* its own doing: a system call or a fault; the syndrome register tells */
#define EXIT_INTERRUPT 2

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

struct context {
    uint64_t x[31];
    uint64_t instruction, stack, flags; /* ELR, SP_EL0, SPSR */
};

_Static_assert(offsetof(struct context, instruction) == CONTEXT_INSTRUCTION, "start.S");
_Static_assert(offsetof(struct context, stack) == CONTEXT_STACK, "start.S");
_Static_assert(offsetof(struct context, flags) == CONTEXT_FLAGS, "start.S");

unsigned component_enter(struct context *context);

#endif

#endif
