/* bi: what was booted and how it fares. caps: what it may do. mem: what it has taken, all of it at boot. */
#include "root/describe.h"

#include "bytes.h"
#include "drivers/serial.h"
#include "events.h"
#include "format.h"
#include "generated/manifest.h"
#include "hal.h"
#include "log.h"
#include "platform.h"
#include "root/components.h"
#include "root/machine.h"
#include "root/tick.h"

enum { ROOM = 128 };

typedef void line_taker(const char *text);

static void describe_boot(line_taker *line)
{
    struct tick_counters tick;
    char text[ROOM];

    tick_counters(&tick);
    (void)text_format(text, sizeof text, "platform=%s manifest=%.*s uptime_ms=%lu unix_s=%lu", platform_name(), 12,
                      NINEDOOR_MANIFEST_SHA256, time_now_ns() / 1000000, time_unix_s());
    line(text);
    (void)text_format(text, sizeof text, "clock step_ns=%lu wake_ns=%lu", time_step_ns(), time_wake_ns());
    line(text);
    (void)text_format(text, sizeof text, "tick count=%lu last_late_us=%lu most_late_us=%lu", tick.ticks,
                      tick.last_late_ns / 1000, tick.most_late_ns / 1000);
    line(text);
    machine_describe("bi", line);
    components_describe(line);
    for (unsigned i = 0; i < SOURCES; i++) {
        struct source_counters counters;

        pump_counters((enum source)i, &counters);
        if (pump_name((enum source)i)[0] != '\0') {
            (void)text_format(text, sizeof text, "source %s wakeups=%lu exhausted=%lu", pump_name((enum source)i),
                              counters.wakeups, counters.exhausted);
            line(text);
        }
    }
}

static void describe_memory(line_taker *line)
{
    struct hal_usage usage;
    struct serial_counters serial;
    char text[ROOM];

    hal_usage(&usage);
    serial_counters(&serial);
    (void)text_format(text, sizeof text, "memory used=%lu total=%lu", usage.memory_used, usage.memory_total);
    line(text);
    (void)text_format(text, sizeof text, "device pages used=%u total=%u", usage.device_pages, HAL_DEVICE_PAGES);
    line(text);
    (void)text_format(text, sizeof text, "dma pages used=%u total=%u", usage.dma_pages, HAL_DMA_PAGES);
    line(text);
    (void)text_format(text, sizeof text, "serial rx=%lu tx=%lu held=%lu waits=%lu errors=%lu", serial.received,
                      serial.transmitted, serial.held, serial.waits, serial.errors);
    line(text);
    (void)text_format(text, sizeof text, "log queue=%u dropped=%lu", LOG_QUEUE, log_queue_dropped());
    line(text);
}

static void describe_capabilities(line_taker *line)
{
    struct hal_usage usage;
    char text[ROOM];

    hal_usage(&usage);
    (void)text_format(text, sizeof text, "slots used=%u total=%u interrupts=%u", usage.slots_used, usage.slots_total,
                      usage.interrupts);
    line(text);
    machine_describe("caps", line);
}

void root_describe(const char *verb, line_taker *line)
{
    if (text_equal(verb, "bi")) {
        describe_boot(line);
    } else if (text_equal(verb, "caps")) {
        describe_capabilities(line);
    } else if (text_equal(verb, "mem")) {
        describe_memory(line);
    }
}
