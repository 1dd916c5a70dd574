/* The console on the serial line. */
#include "bytes.h"
#include "core/console.h"
#include "core/core.h"
#include "core/link.h"
#include "events.h"
#include "log.h"
#include "platform.h"
#include "root/describe.h"

enum { BYTES = 256 }; /* budget of a turn; a turn also ends with the line it carried out */

static struct console console;

static void put(void *context, const char *bytes, size_t count)
{
    (void)context;
    serial_write(bytes, count);
}

static const struct sink serial = {.put = put};

static void describe(const char *what, void (*line)(const char *text))
{
    root_describe(what, line);
    if (text_equal(what, "bi")) {
        link_describe(line);
    }
}

static void audit(const char *line)
{
    log_quiet("%s", line);
}

static uint64_t unix_ms(void)
{
    return time_unix_s() * 1000;
}

static const struct console_node node = {.describe = describe, .audit = audit, .unix_ms = unix_ms};

static bool take_input(void *self, unsigned budget)
{
    uint8_t byte;

    (void)self;
    while (budget-- > 0) {
        if (serial_read(&byte, 1) == 0) {
            return false;
        }
        if (console_take(&console, byte)) {
            break;
        }
    }
    return true;
}

static void interrupt(const char *line, size_t length)
{
    console_interrupt(&console, line, length);
}

void console_start(void)
{
    console_begin(&console, &hive_link.client, &hive_link.host, hive_link.export, &node, &serial, true);
    pump_add(SOURCE_CONSOLE, "console", take_input, 0, BYTES);
    log_plain("[NineDoor] Root console ready (type 'help' for commands)");
    console_prompt(&console);
    log_sink(interrupt);
}
