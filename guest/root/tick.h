/* The tick: a line a second, which shows from outside that the root task gets its turn in time. */
#ifndef NINEDOOR_TICK_H
#define NINEDOOR_TICK_H

#include <stdint.h>

enum { TICK_MS = 1000 };

struct tick_counters {
    uint64_t ticks;
    uint64_t last_late_ns, most_late_ns; /* how long after its time a tick was printed */
};

void tick_start(void);
void tick_counters(struct tick_counters *counters);

#endif
