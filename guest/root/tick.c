/* Ticks keep to a grid laid down by the first: one that is late does not move those after it. Where the machine wakes
 * only once a second, the grid is moved to those wake-ups when it is too far from them. */
#include "root/tick.h"

#include <stdbool.h>

#include "events.h"
#include "log.h"
#include "platform.h"

#define TICK_NS (TICK_MS * 1000000ull)
#define FAR_NS (TICK_NS / 20)

static struct tick_counters counted;
static uint64_t due_ns;

static bool tick_turn(void *self, unsigned budget)
{
    uint64_t now = time_now_ns();

    (void)self;
    (void)budget;
    counted.last_late_ns = now > due_ns ? now - due_ns : 0;
    if (counted.last_late_ns > counted.most_late_ns) {
        counted.most_late_ns = counted.last_late_ns;
    }
    log_plain("tick %lu", ++counted.ticks);
    if (time_wake_ns() != 0 && counted.last_late_ns > FAR_NS) {
        due_ns = now;
    }
    due_ns += TICK_NS;
    pump_deadline(SOURCE_TIMER, due_ns);
    return false;
}

void tick_start(void)
{
    due_ns = time_now_ns() + TICK_NS;
    pump_add(SOURCE_TIMER, "timer", tick_turn, 0, 1);
    pump_deadline(SOURCE_TIMER, due_ns);
}

void tick_counters(struct tick_counters *counters)
{
    *counters = counted;
}
