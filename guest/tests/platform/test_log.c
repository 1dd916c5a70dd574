/* Lines reach the serial line at once and the queen's log when it can be written. */
#include <string.h>

#include "check.h"
#include "events.h"
#include "log.h"
#include "platform.h"

static char printed[4 * LOG_LINE];
static unsigned told;

void serial_write(const char *bytes, size_t count)
{
    strncat(printed, bytes, count);
}

void pump_ready(enum source source)
{
    told += source == SOURCE_NINEP;
}

static void begin(void)
{
    unsigned long number;
    char line[LOG_LINE];

    printed[0] = '\0';
    told = 0;
    log_sink(0);
    while (log_queue_copy(line, &number)) {
        log_queue_done(number);
    }
}

TEST(test_kinds_of_lines_have_their_prefixes)
{
    begin();
    log_line("a %u", 1u);
    log_audit("b");
    log_plain("tick %u", 2u);
    EQUAL_TEXT(printed, "[ninedoor:root-task] a 1\n[INFO audit] b\ntick 2\n");
    EQUAL(told, 0);
}

TEST(test_event_is_printed_and_queued_without_prefix)
{
    char line[LOG_LINE];
    unsigned long number;

    begin();
    log_event("gone");
    log_quiet("denied");
    EQUAL_TEXT(printed, "[ninedoor:root-task] gone\n");
    EQUAL(told, 2);
    CHECK(log_queue_copy(line, &number));
    EQUAL_TEXT(line, "gone");
    CHECK(log_queue_copy(line, &number)); /* until it is done, it is still there */
    EQUAL_TEXT(line, "gone");
    log_queue_done(number);
    CHECK(log_queue_copy(line, &number));
    EQUAL_TEXT(line, "denied");
    log_queue_done(number);
    CHECK(!log_queue_copy(line, &number));
}

TEST(test_full_queue_drops_the_oldest_and_counts)
{
    char line[LOG_LINE];
    unsigned long number, first, before = log_queue_dropped();

    begin();
    log_quiet("0");
    CHECK(log_queue_copy(line, &first));
    for (unsigned i = 1; i <= LOG_QUEUE; i++) {
        log_quiet("%u", i);
    }
    EQUAL(log_queue_dropped() - before, 1);
    log_queue_done(first); /* it is gone already: nothing else goes with it */
    CHECK(log_queue_copy(line, &number));
    EQUAL_TEXT(line, "1");
}

TEST(test_long_line_is_cut)
{
    char line[LOG_LINE], words[2 * LOG_LINE];
    unsigned long number;

    begin();
    memset(words, 'x', sizeof words);
    log_event("%.*s", (int)sizeof words, words);
    EQUAL(strlen(printed), LOG_LINE - 1 + 1);
    CHECK(log_queue_copy(line, &number));
    CHECK(strlen(line) < LOG_LINE);
}

static char sunk[LOG_LINE];

static void sink(const char *line, size_t length)
{
    memcpy(sunk, line, length);
    sunk[length] = '\0';
}

TEST(test_sink_gets_lines_instead_of_the_serial_line)
{
    begin();
    log_sink(sink);
    log_plain("tick");
    EQUAL_TEXT(sunk, "tick");
    EQUAL_TEXT(printed, "");
}
