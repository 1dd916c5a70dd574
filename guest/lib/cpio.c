/* cpio "newc": a header of 13 eight-digit hexadecimal fields after the magic, the name, the file, each padded to four
 * bytes; TRAILER!!! ends it. */
#include "cpio.h"

#include <stdbool.h>

#include "bytes.h"

enum {
    HEADER = 110,
    FIELD_FILE_SIZE = 6,
    FIELD_NAME_SIZE = 11,
};

static bool hexadecimal(const uint8_t *digits, uint32_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < 8; i++) {
        uint8_t digit = digits[i];

        if (digit >= '0' && digit <= '9') {
            digit = (uint8_t)(digit - '0');
        } else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f') {
            digit = (uint8_t)((digit | 0x20) - 'a' + 10);
        } else {
            return false;
        }
        *value = *value << 4 | digit;
    }
    return true;
}

static uint64_t padded(uint64_t offset)
{
    return (offset + 3) & ~(uint64_t)3;
}

status cpio_find(const void *archive, size_t size, const char *name, const uint8_t **bytes, size_t *length)
{
    const uint8_t *start = archive;
    uint64_t at = 0;

    while (at <= size && size - at >= HEADER) {
        const uint8_t *header = start + at;
        uint32_t name_size, file_size;
        uint64_t file, end;

        if (memcmp(header, "070701", 6) != 0 || !hexadecimal(header + 6 + 8 * FIELD_NAME_SIZE, &name_size) ||
            !hexadecimal(header + 6 + 8 * FIELD_FILE_SIZE, &file_size) || name_size == 0) {
            return status_error(EINVAL);
        }
        file = padded(at + HEADER + name_size);
        end = file + file_size;
        if (end > size || header[HEADER + name_size - 1] != '\0') {
            return status_error(EINVAL);
        }
        if (text_equal((const char *)header + HEADER, "TRAILER!!!")) {
            return status_error(ENOENT);
        }
        if (text_equal((const char *)header + HEADER, name)) {
            *bytes = start + file;
            *length = file_size;
            return status_ok();
        }
        at = padded(end);
    }
    return status_error(EINVAL);
}
