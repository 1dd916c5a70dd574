/* Time from whichever of the two clocks the kernel leaves to us. Implements the time calls of platform.h.
 *
 * | the kernel leaves us            | time goes in steps of | wake-ups      |
 * |---------------------------------|-----------------------|---------------|
 * | counter and timer (bare metal)  | 16 ns                 | when asked    |
 * | the counter alone               | 16 ns                 | once a second |
 * | neither                         | 1 s                   | once a second |
 */
#ifndef NINEDOOR_CLOCK_H
#define NINEDOOR_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "errors.h"

/* What an unprivileged program may use. */
struct clock_rights {
    bool counter; /* CNTVCT_EL0, CNTFRQ_EL0 */
    bool timer;   /* CNTP_*_EL0; of use only with the counter */
};

/* Precondition: rights are true only for registers that do not trap. */
status clock_start(struct clock_rights rights);
/* Interrupt at `deadline_ns` or soon after; 0: not at all. Where wake-ups come once a second: at the next of those. */
void clock_wake_at(uint64_t deadline_ns);
/* The interrupt has come: quiet the device until the next. */
void clock_quiet(void);

#endif
