/* The event pump over a machine that does what a test tells it to. */
#include <string.h>

#include "check.h"
#include "events.h"
#include "log.h"
#include "platform.h"
#include "root/pump.h"

static uint64_t now_ns, step_ns, wake_ns, asked_ns;
static unsigned sleeps, polls;
static void (*on_sleep)(void);
static char order[64];

uint64_t time_now_ns(void)
{
    return now_ns;
}

uint64_t time_wake_ns(void)
{
    return wake_ns;
}

void panic(const char *what)
{
    check_failed(__FILE__, __LINE__, what);
}

void log_audit(const char *format, ...)
{
    (void)format;
}

void machine_wake_at(uint64_t deadline_ns)
{
    asked_ns = deadline_ns;
}

bool machine_wait(bool sleep, struct message *message)
{
    (void)message;
    if (!sleep) {
        polls++;
        return false;
    }
    sleeps++;
    now_ns += step_ns;
    if (on_sleep != 0) {
        on_sleep();
    }
    return false;
}

static void begin(void)
{
    now_ns = 1000;
    step_ns = 10;
    wake_ns = asked_ns = 0;
    sleeps = polls = 0;
    on_sleep = 0;
    order[0] = '\0';
}

static void note(const char *who)
{
    strncat(order, who, sizeof order - strlen(order) - 1);
}

static bool done_at_once(void *self)
{
    (void)self;
    return true;
}

static bool never(void *self)
{
    (void)self;
    return false;
}

/* Sources are added once for all tests; what their turns do is set by each. */
static unsigned serial_left, console_left;
static void (*in_console)(void);

static bool timer_turn(void *self, unsigned budget)
{
    (void)self;
    (void)budget;
    note("t");
    return false;
}

static bool serial_turn(void *self, unsigned budget)
{
    (void)self;
    serial_left -= serial_left < budget ? serial_left : budget;
    note("s");
    return serial_left > 0;
}

static bool console_turn(void *self, unsigned budget)
{
    (void)self;
    (void)budget;
    note("c");
    if (in_console != 0) {
        in_console();
    }
    return console_left > 0 && --console_left > 0;
}

__attribute__((constructor)) static void add_sources(void)
{
    pump_add(SOURCE_SERIAL, "serial", serial_turn, 0, 4);
    pump_add(SOURCE_CONSOLE, "console", console_turn, 0, 1);
    pump_add(SOURCE_TIMER, "timer", timer_turn, 0, 1);
}

/* Turn until the time is `now_ns` + `turns` steps, at most. */
static void turn(unsigned turns)
{
    (void)pump_until(never, 0, now_ns + turns * step_ns);
}

TEST(test_ready_sources_run_in_the_order_of_their_priority)
{
    begin();
    pump_ready(SOURCE_CONSOLE);
    pump_ready(SOURCE_SERIAL);
    pump_ready(SOURCE_TIMER);
    turn(1);
    EQUAL_TEXT(order, "tsc");
}

TEST(test_machine_sleeps_when_nothing_is_ready)
{
    begin();
    turn(3);
    EQUAL_TEXT(order, "");
    EQUAL(sleeps, 3);
    EQUAL(polls, 0);
}

TEST(test_flood_does_not_starve_a_source_of_higher_or_lower_rank)
{
    begin();
    serial_left = 40; /* ten turns' worth */
    pump_ready(SOURCE_SERIAL);
    pump_ready(SOURCE_CONSOLE);
    pump_deadline(SOURCE_TIMER, now_ns);
    turn(1);
    EQUAL_TEXT(order, "tscsssssssss");
    EQUAL(serial_left, 0);
    CHECK(polls >= 9); /* between turns the machine was asked what else had happened, without sleep */
}

TEST(test_deadline_makes_its_source_ready_once)
{
    begin();
    pump_deadline(SOURCE_TIMER, now_ns + 25);
    turn(2);
    EQUAL_TEXT(order, "");
    EQUAL(asked_ns, 1020); /* the limit of pump_until() comes first */
    turn(6);
    EQUAL_TEXT(order, "t");
}

TEST(test_machine_is_asked_to_wake_at_the_earliest_deadline)
{
    begin();
    pump_deadline(SOURCE_TIMER, now_ns + 500);
    pump_deadline(SOURCE_CONSOLE, now_ns + 300);
    turn(1000);
    EQUAL_TEXT(order, "ct");
    EQUAL(asked_ns, 1000 + 10000);
}

TEST(test_wake_up_a_little_early_will_do_where_wake_ups_are_rare)
{
    begin();
    step_ns = 1000;
    wake_ns = 1000;
    pump_deadline(SOURCE_TIMER, now_ns + 1010);
    turn(1);
    EQUAL_TEXT(order, "t"); /* 10 early rather than 990 late */
    pump_deadline(SOURCE_TIMER, now_ns + 1100);
    turn(1);
    EQUAL_TEXT(order, "t");
    turn(1);
    EQUAL_TEXT(order, "tt");
}

static void wait_inside(void)
{
    pump_ready(SOURCE_CONSOLE); /* more input for the source that is waiting */
    pump_ready(SOURCE_TIMER);
    note("(");
    CHECK(!pump_until(never, 0, now_ns + 2 * step_ns));
    note(")");
    in_console = 0;
}

TEST(test_source_that_waits_lets_the_others_run_and_not_itself)
{
    begin();
    in_console = wait_inside;
    pump_ready(SOURCE_CONSOLE);
    turn(6);
    EQUAL_TEXT(order, "c(t)c");
}

static bool seen(void *self)
{
    return *(bool *)self;
}

static bool happened;

static void happen(void)
{
    happened = sleeps == 2;
}

TEST(test_waiting_ends_when_what_was_waited_for_has_happened)
{
    begin();
    on_sleep = happen;
    CHECK(pump_until(seen, &happened, now_ns + 1000));
    EQUAL(sleeps, 2);
    CHECK(pump_until(done_at_once, 0, 0));
}

TEST(test_counters_tell_turns_and_exhausted_budgets)
{
    struct source_counters before, after;

    begin();
    pump_counters(SOURCE_SERIAL, &before);
    serial_left = 9;
    pump_ready(SOURCE_SERIAL);
    turn(1);
    pump_counters(SOURCE_SERIAL, &after);
    EQUAL(after.wakeups - before.wakeups, 3);
    EQUAL(after.exhausted - before.exhausted, 2);
    EQUAL_TEXT(pump_name(SOURCE_SERIAL), "serial");
    EQUAL_TEXT(pump_name(SOURCE_VIRTIO), "");
}
