#include "core/link.h"

#include "bytes.h"
#include "core/virtio_9p.h"
#include "core/virtio_console.h"
#include "format.h"
#include "hal.h"
#include "log.h"
#include "platform.h"

enum { /* QEMU's virt board */
    SLOTS_PHYSICAL = 0x0a000000,
    SLOTS_PAGES = 4,
    SLOTS = 32,
    FIRST_INTERRUPT = 48,
};

struct link hive_link;

static union {
    struct virtio_9p nine;
    struct virtio_console console;
} device;
static char mount_tag[LINK_TEXT];

static void setting(const char *name, char *value, size_t room, const char *otherwise)
{
    if (failed(boot_setting(name, value, room)) || value[0] == '\0') {
        text_format(value, room, "%s", otherwise);
    }
}

/* The first slot whose device is the one wanted; SLOTS when there is none. */
static unsigned find_slot(uintptr_t registers, bool is_console)
{
    unsigned slot = 0;

    while (slot < SLOTS) {
        uintptr_t at = registers + slot * VIRTIO_SLOT_BYTES;

        if (is_console ? virtio_mmio_is(at, VIRTIO_CONSOLE) : virtio_9p_is(at, mount_tag)) {
            break;
        }
        slot++;
    }
    return slot;
}

static status take_device(uintptr_t registers, unsigned slot, bool is_console, struct p9_transport **transport)
{
    struct dma memory;
    status result = hal_dma(is_console ? VIRTIO_CONSOLE_PAGES : VIRTIO_9P_PAGES, &memory);

    if (failed(result)) {
        return result;
    }
    if (is_console) {
        virtio_console_begin(&device.console, registers, &memory);
        *transport = &device.console.transport;
    } else {
        virtio_9p_begin(&device.nine, registers, &memory, mount_tag);
        *transport = &device.nine.transport;
    }
    (*transport)->interrupt(*transport); /* quiet, before its interrupt is let in */
    return hal_interrupt(FIRST_INTERRUPT + slot, SOURCE_VIRTIO);
}

status link_find(struct p9_transport **transport)
{
    char name[LINK_TEXT];
    uintptr_t registers;

    setting("transport", name, sizeof name, "virtio-9p");
    setting("mount-tag", mount_tag, sizeof mount_tag, "ninedoor");
    setting("export", hive_link.export, sizeof hive_link.export, "");
    setting("uname", hive_link.uname, sizeof hive_link.uname, "queen");
    setting("ticket", hive_link.ticket, sizeof hive_link.ticket, "");
    bool is_console = text_equal(name, "console");
    if (!is_console && !text_equal(name, "virtio-9p")) {
        log_line("ninep: transport %s is none: virtio-9p or console", name);
        return status_error(EINVAL);
    }
    status mapped = hal_device(SLOTS_PHYSICAL, SLOTS_PAGES, &registers);
    if (failed(mapped)) {
        return mapped;
    }
    unsigned slot = find_slot(registers, is_console);
    if (slot == SLOTS) {
        return status_error(ENODEV);
    }
    return take_device(registers + slot * VIRTIO_SLOT_BYTES, slot, is_console, transport);
}

void link_describe(void (*line)(const char *text))
{
    static const char *const states[] = {"down", "negotiating", "attaching", "ready"};
    const struct p9_client *client = &hive_link.client;
    const struct p9_counters *counters = &client->counters;
    char text[LOG_LINE];

    if (client->transport == 0) {
        line("ninep transport=none");
        return;
    }
    text_format(text, sizeof text, "ninep transport=%s state=%s error=%s uname=%s export=%s", client->transport->name,
                states[client->state], failed(client->down_because) ? error_name(client->down_because.error) : "none",
                hive_link.uname, hive_link.export[0] != '\0' ? hive_link.export : "/");
    line(text);
    text_format(text, sizeof text, "ninep sessions=%lu requests=%lu replies=%lu timeouts=%lu late=%lu malformed=%lu",
                (unsigned long)counters->sessions, (unsigned long)counters->requests, (unsigned long)counters->replies,
                (unsigned long)counters->timeouts, (unsigned long)counters->late, (unsigned long)counters->malformed);
    line(text);
}
