/* The choice between generic timer and RTC is made once, at the start. The RTC's alarm runs all the time, from one
 * second to the next: where it is the only clock, time is its count at the last alarm, so that nothing is due between
 * two of them, whether the guest is asleep or busy. */
#include "drivers/clock.h"

#include "drivers/rtc.h"
#include "drivers/timer.h"
#include "events.h"
#include "hal.h"
#include "platform.h"

#define SECOND_NS 1000000000ull

enum { LONGEST_SLEEP_S = 16 }; /* so that what follows from it fits into 64 bits */
#define MOST_COUNTS 0x7fffffffull /* that the timer counts down from: 34 s at 62.5 MHz, 2 s at 1 GHz */

static struct clock_rights usable;
static uint64_t frequency, first_count;
static uint32_t first_second, last_second; /* of the RTC: at the start, and at the last alarm */

status clock_start(struct clock_rights rights)
{
    status result = rtc_start();

    if (failed(result)) {
        return result;
    }
    usable = rights;
    first_second = last_second = rtc_seconds();
    if (usable.counter) {
        frequency = timer_frequency();
        first_count = timer_count();
    }
    clock_quiet(); /* from here on the alarm runs, if that is what is used */
    return hal_interrupt(usable.timer ? TIMER_INTERRUPT : RTC_INTERRUPT, SOURCE_TIMER);
}

uint64_t time_now_ns(void)
{
    uint64_t count;

    if (!usable.counter) {
        return (uint64_t)(last_second - first_second) * SECOND_NS;
    }
    if (frequency == 0) {
        return 0; /* before clock_start() */
    }
    count = timer_count() - first_count;
    return count / frequency * SECOND_NS + count % frequency * SECOND_NS / frequency;
}

uint64_t time_step_ns(void)
{
    return usable.counter ? SECOND_NS / frequency : SECOND_NS;
}

uint64_t time_wake_ns(void)
{
    return usable.timer ? 0 : SECOND_NS;
}

uint64_t time_unix_s(void)
{
    return rtc_seconds();
}

void clock_wake_at(uint64_t deadline_ns)
{
    uint64_t now = time_now_ns();
    uint64_t delay = deadline_ns > now ? deadline_ns - now : 0;
    uint64_t counts;

    if (!usable.timer) {
        return; /* the next alarm comes by itself */
    }
    if (deadline_ns == 0) {
        timer_quiet();
        return;
    }
    if (delay > LONGEST_SLEEP_S * SECOND_NS) {
        delay = LONGEST_SLEEP_S * SECOND_NS; /* woken early, the pump asks again */
    }
    counts = delay * frequency / SECOND_NS + 1;
    timer_alarm(counts < MOST_COUNTS ? counts : MOST_COUNTS);
}

void clock_quiet(void)
{
    if (usable.timer) {
        timer_quiet();
        return;
    }
    rtc_quiet();
    last_second = rtc_seconds();
    rtc_alarm(last_second + 1);
}
