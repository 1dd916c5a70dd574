/* Settings are read from a model of QEMU's fw_cfg, and are bounded whatever that says. */
#include <string.h>

#include "check.h"
#include "drivers/settings.h"
#include "hal.h"
#include "mmio.h"
#include "platform.h"

enum { BASE = 0x2000 };

static struct entry {
    const char *name;
    const char *value;
} entries[] = {
    {"etc/system-states", "123456"},
    {"opt/ninedoor/transport", "console"},
    {"opt/ninedoor/ticket", "line\r\n"},
    {"opt/ninedoor/empty", ""},
};
static uint32_t told_count = sizeof entries / sizeof entries[0];
static bool there = true;
static uint16_t key;
static size_t at;

uint32_t mmio_read32(uintptr_t address)
{
    (void)address;
    return 0;
}

void mmio_write16(uintptr_t address, uint16_t value)
{
    EQUAL(address, BASE + 8);
    key = (uint16_t)(value << 8 | value >> 8);
    at = 0;
}

static uint8_t directory(size_t offset)
{
    const struct entry *entry;
    size_t within;

    if (offset < 4) {
        return (uint8_t)(told_count >> (24 - 8 * offset));
    }
    entry = &entries[(offset - 4) / 64 % (sizeof entries / sizeof entries[0])];
    within = (offset - 4) % 64;
    if (within < 4) {
        return (uint8_t)(strlen(entry->value) >> (24 - 8 * within));
    }
    if (within < 8) {
        return within == 5 ? (uint8_t)(0x20 + (entry - entries)) : 0;
    }
    return within - 8 <= strlen(entry->name) ? (uint8_t)entry->name[within - 8] : 0;
}

uint8_t mmio_read8(uintptr_t address)
{
    EQUAL(address, BASE);
    if (!there) {
        return 0;
    }
    if (key == 0) {
        return (uint8_t)"QEMU"[at++ % 4];
    }
    if (key == 0x19) {
        return directory(at++);
    }
    return (uint8_t)entries[key - 0x20].value[at++];
}

status hal_device(uint64_t physical, unsigned pages, uintptr_t *address)
{
    EQUAL(physical, 0x09020000);
    EQUAL(pages, 1);
    *address = BASE;
    return status_ok();
}

static void begin(bool present)
{
    there = present;
    told_count = sizeof entries / sizeof entries[0];
    RESULT(settings_start(), 0);
}

TEST(test_setting_is_found_by_its_name)
{
    char value[16];

    begin(true);
    RESULT(boot_setting("transport", value, sizeof value), 0);
    EQUAL_TEXT(value, "console");
    RESULT(boot_setting("empty", value, sizeof value), 0);
    EQUAL_TEXT(value, "");
    RESULT(boot_setting("transpor", value, sizeof value), ENOENT);
    EQUAL_TEXT(value, "");
}

TEST(test_line_end_of_a_file_is_no_part_of_its_value)
{
    char value[16];

    begin(true);
    RESULT(boot_setting("ticket", value, sizeof value), 0);
    EQUAL_TEXT(value, "line");
}

TEST(test_long_value_is_cut)
{
    char value[4] = "zzz";

    begin(true);
    RESULT(boot_setting("transport", value, sizeof value), 0);
    EQUAL_TEXT(value, "con");
}

TEST(test_machine_without_the_device_has_no_settings)
{
    char value[16];

    begin(false);
    RESULT(boot_setting("transport", value, sizeof value), ENOENT);
}

TEST(test_directory_without_end_is_left)
{
    char value[16];

    begin(true);
    told_count = 0xffffffff;
    RESULT(boot_setting("nothing", value, sizeof value), ENOENT);
}
