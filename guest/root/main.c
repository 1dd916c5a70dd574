/* The root task: bring up one thing after the other, say so, and hand over to the event pump. The order is that of
 * docs/GUEST.md; each step needs the ones before it and nothing else. */
#include "core/core.h"
#include "drivers/settings.h"
#include "drivers/serial.h"
#include "log.h"
#include "platform.h"
#include "root/components.h"
#include "root/machine.h"
#include "root/manifest.h"
#include "root/pump.h"
#include "root/tick.h"

/* A step of the boot that everything after it needs. */
static void need(const char *what, status result)
{
    if (failed(result)) {
        log_line("boot: %s failed: %s seL4_Error=%u", what, error_name(result.error), result.kernel);
        panic("the boot cannot go on");
    }
}

void root_main(void) __attribute__((noreturn));
void root_main(void)
{
    need("machine", machine_start());
    log_line("NineDoor boot: root-task online");
    log_line("NineDoor v0 (AArch64/%s)", platform_name());
    machine_announce();
    manifest_announce();
    need("clock", machine_clock());
    log_line("[clock] step_ns=%lu wake_ns=%lu", time_step_ns(), time_wake_ns());
    need("settings", settings_start());
    need("serial", serial_listen());
    log_line("[uart] init OK");
    manifest_register_tickets();
    tick_start();
    components_handle();
    components_start();
    ninep_start();
    console_start();
    pump_run();
}
