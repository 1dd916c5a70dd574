/* The generic timer of the ARM architecture: a counter that any level may be allowed to read, and the EL1 physical
 * timer, which a kernel may leave to us. No MMIO: these are system registers. */
#ifndef NINEDOOR_TIMER_H
#define NINEDOOR_TIMER_H

#include <stdint.h>

enum { TIMER_INTERRUPT = 30 };

#ifdef NINEDOOR_HOST_TEST /* a model of the timer answers */

uint64_t timer_count(void);
uint64_t timer_frequency(void);
void timer_alarm(uint64_t counts);
void timer_quiet(void);

#else

static inline uint64_t timer_count(void)
{
    uint64_t count;

    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(count)::"memory");
    return count;
}

/* Counts in a second. */
static inline uint64_t timer_frequency(void)
{
    uint64_t frequency;

    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
    return frequency;
}

/* Interrupt after `counts`, at most 2^31 - 1. */
static inline void timer_alarm(uint64_t counts)
{
    __asm__ volatile("msr cntp_tval_el0, %0\n\tmsr cntp_ctl_el0, %1\n\tisb" ::"r"(counts), "r"(1ul) : "memory");
}

/* No interrupt, and none left pending: its line follows the condition. */
static inline void timer_quiet(void)
{
    __asm__ volatile("msr cntp_ctl_el0, %0\n\tisb" ::"r"(0ul) : "memory");
}

#endif

#endif
