/* Ticks keep to their grid whatever happens between them. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "events.h"
#include "log.h"
#include "platform.h"
#include "root/tick.h"

#define MS 1000000ull

static uint64_t now_ns, wake_ns, deadline_ns;
static source_turn *turn;
static char printed[256];

uint64_t time_now_ns(void)
{
    return now_ns;
}

uint64_t time_wake_ns(void)
{
    return wake_ns;
}

void pump_add(enum source source, const char *name, source_turn *added, void *self, unsigned budget)
{
    EQUAL(source, SOURCE_TIMER);
    EQUAL_TEXT(name, "timer");
    (void)self;
    (void)budget;
    turn = added;
}

void pump_deadline(enum source source, uint64_t deadline)
{
    EQUAL(source, SOURCE_TIMER);
    deadline_ns = deadline;
}

void log_plain(const char *format, ...)
{
    va_list arguments;
    size_t used = strlen(printed);

    va_start(arguments, format);
    vsnprintf(printed + used, sizeof printed - used, format, arguments);
    va_end(arguments);
    strcat(printed, ";");
}

/* Each test goes on from where the last one ended. */
static void begin(uint64_t wake)
{
    wake_ns = wake;
    if (turn == 0) {
        now_ns = 5 * MS;
        tick_start();
    }
    printed[0] = '\0';
}

static void wake_at(uint64_t ns)
{
    now_ns = ns;
    EQUAL(turn(0, 1), false);
}

TEST(test_tick_that_is_late_does_not_move_the_next)
{
    struct tick_counters counters;
    uint64_t first;

    begin(0);
    first = deadline_ns;
    EQUAL(first, 1005 * MS);
    wake_at(first + 100 * MS);
    EQUAL(deadline_ns, first + 1000 * MS);
    EQUAL_TEXT(printed, "tick 1;");
    tick_counters(&counters);
    EQUAL(counters.last_late_ns, 100 * MS);
    wake_at(deadline_ns + 1);
    EQUAL(deadline_ns, first + 2000 * MS);
    tick_counters(&counters);
    EQUAL(counters.ticks, 2);
    EQUAL(counters.last_late_ns, 1);
    EQUAL(counters.most_late_ns, 100 * MS);
}

TEST(test_coarse_wake_ups_move_the_grid_when_it_is_far_from_them)
{
    uint64_t wake;

    begin(1000 * MS);
    wake = deadline_ns + 400 * MS;
    wake_at(wake);
    EQUAL(deadline_ns, wake + 1000 * MS);
    wake_at(wake + 1007 * MS); /* close enough */
    EQUAL(deadline_ns, wake + 2000 * MS);
}
