/* The clock over models of timer and RTC, for each of what a kernel may leave to the guest. */
#include "check.h"
#include "drivers/clock.h"
#include "drivers/rtc.h"
#include "drivers/timer.h"
#include "hal.h"
#include "platform.h"

#define SECOND 1000000000ull
#define FREQUENCY 62500000ull

static uint64_t count, alarm_counts;
static uint64_t frequency = FREQUENCY;
static bool timer_armed;
static uint32_t second, alarm_second;
static bool rtc_armed;
static unsigned interrupt;

uint64_t timer_count(void)
{
    return count;
}

uint64_t timer_frequency(void)
{
    return frequency;
}

void timer_alarm(uint64_t counts)
{
    CHECK(counts > 0 && counts < 1u << 31);
    alarm_counts = counts;
    timer_armed = true;
}

void timer_quiet(void)
{
    timer_armed = false;
}

status rtc_start(void)
{
    return status_ok();
}

uint32_t rtc_seconds(void)
{
    return second;
}

void rtc_alarm(uint32_t at)
{
    alarm_second = at;
    rtc_armed = true;
}

void rtc_quiet(void)
{
    rtc_armed = false;
}

status hal_interrupt(unsigned intid, enum source source)
{
    EQUAL(source, SOURCE_TIMER);
    interrupt = intid;
    return status_ok();
}

static void begin(bool counter, bool timer)
{
    count = 12345;
    second = 1700000000;
    timer_armed = rtc_armed = false;
    RESULT(clock_start((struct clock_rights){.counter = counter, .timer = timer}), 0);
}

TEST(test_counter_gives_time_to_the_nanosecond_and_for_centuries)
{
    begin(true, true);
    EQUAL(time_now_ns(), 0);
    EQUAL(time_step_ns(), 16);
    count += 1;
    EQUAL(time_now_ns(), 16);
    count += FREQUENCY * 60 * 60 * 24 * 365 * 100;
    EQUAL(time_now_ns(), 16 + 100ull * 365 * 24 * 60 * 60 * SECOND);
    EQUAL(time_unix_s(), 1700000000);
}

TEST(test_timer_wakes_when_asked)
{
    begin(true, true);
    EQUAL(interrupt, TIMER_INTERRUPT);
    EQUAL(time_wake_ns(), 0);
    CHECK(!rtc_armed);
    clock_wake_at(SECOND / 2);
    CHECK(timer_armed);
    EQUAL(alarm_counts, FREQUENCY / 2 + 1); /* not before */
    clock_wake_at(0);
    CHECK(!timer_armed);
    count += FREQUENCY;
    clock_wake_at(SECOND / 2); /* already over */
    CHECK(timer_armed);
    EQUAL(alarm_counts, 1);
    clock_quiet();
    CHECK(!timer_armed);
}

TEST(test_long_sleep_is_cut_to_what_the_timer_can_count)
{
    begin(true, true);
    clock_wake_at(3600 * SECOND);
    EQUAL(alarm_counts, 16 * FREQUENCY + 1);
}

TEST(test_fast_timer_is_not_asked_for_more_than_it_can_count)
{
    frequency = 1000000000; /* newer processors count nanoseconds */
    begin(true, true);
    clock_wake_at(3600 * SECOND);
    EQUAL(alarm_counts, (1u << 31) - 1);
    frequency = FREQUENCY;
}

TEST(test_alarm_of_the_rtc_runs_all_the_time)
{
    begin(true, false);
    EQUAL(interrupt, RTC_INTERRUPT);
    EQUAL(time_wake_ns(), SECOND);
    EQUAL(time_step_ns(), 16);
    CHECK(rtc_armed);
    EQUAL(alarm_second, 1700000001);
    clock_wake_at(SECOND / 2); /* comes when it comes */
    EQUAL(alarm_second, 1700000001);
    second += 1;
    clock_quiet();
    CHECK(rtc_armed);
    EQUAL(alarm_second, 1700000002);
}

TEST(test_time_without_counter_stands_still_between_alarms)
{
    begin(false, false);
    EQUAL(time_step_ns(), SECOND);
    second += 1;
    EQUAL(time_now_ns(), 0);
    clock_quiet();
    EQUAL(time_now_ns(), SECOND);
    second += 2; /* one was missed */
    clock_quiet();
    EQUAL(time_now_ns(), 3 * SECOND);
}
