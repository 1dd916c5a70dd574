/* Settings given at boot, from QEMU's fw_cfg device: a directory of named files, chosen by writing a key and read a
 * byte at a time. A machine without the device has no settings, which is as good as none given. */
#include <stdbool.h>

#include "bytes.h"
#include "drivers/settings.h"
#include "format.h"
#include "hal.h"
#include "mmio.h"
#include "platform.h"

#define FW_CFG_BASE 0x09020000ul

enum {
    DATA = 0,
    SELECTOR = 8,
    KEY_SIGNATURE = 0x0000,
    KEY_DIRECTORY = 0x0019,
    NAME_SIZE = 56,
    DIRECTORY_MOST = 128, /* entries looked at; QEMU's own are about 20 */
};

static uintptr_t registers;
static bool present;

static void select(uint16_t key)
{
    mmio_write16(registers + SELECTOR, (uint16_t)(key << 8 | key >> 8)); /* the selector is big-endian */
}

static uint32_t read_big_endian(unsigned bytes)
{
    uint32_t value = 0;

    while (bytes-- > 0) {
        value = value << 8 | mmio_read8(registers + DATA);
    }
    return value;
}

status settings_start(void)
{
    status result = hal_device(FW_CFG_BASE, 1, &registers);

    if (failed(result)) {
        return result;
    }
    select(KEY_SIGNATURE);
    present = read_big_endian(4) == 0x51454d55; /* "QEMU" */
    return status_ok();
}

static bool find(const char *wanted, uint16_t *key, uint32_t *size)
{
    uint32_t count;

    select(KEY_DIRECTORY);
    count = read_big_endian(4);
    for (uint32_t entry = 0; entry < count && entry < DIRECTORY_MOST; entry++) {
        char name[NAME_SIZE];

        *size = read_big_endian(4);
        *key = (uint16_t)read_big_endian(2);
        (void)read_big_endian(2);
        for (unsigned i = 0; i < NAME_SIZE; i++) {
            name[i] = (char)mmio_read8(registers + DATA);
        }
        name[NAME_SIZE - 1] = '\0';
        if (text_equal(name, wanted)) {
            return true;
        }
    }
    return false;
}

status boot_setting(const char *name, char *value, size_t room)
{
    char path[NAME_SIZE];
    size_t used = 0;
    uint16_t key;
    uint32_t size;

    value[0] = '\0';
    (void)text_format(path, sizeof path, "opt/ninedoor/%s", name);
    if (!present || !find(path, &key, &size)) {
        return status_error(ENOENT);
    }
    select(key);
    while (used < size && used < room - 1) {
        value[used++] = (char)mmio_read8(registers + DATA);
    }
    while (used > 0 && (value[used - 1] == '\n' || value[used - 1] == '\r')) {
        used--;
    }
    value[used] = '\0';
    return status_ok();
}
