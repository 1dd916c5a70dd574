/* The archive reader finds what guest/tools/rootfs.py writes, and believes no number of what it did not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cpio.h"

enum { ROOM = 1024 };

struct archive {
    char bytes[ROOM];
    size_t size;
};

static void pad(struct archive *archive)
{
    while (archive->size % 4 != 0) {
        archive->bytes[archive->size++] = '\0';
    }
}

static void add(struct archive *archive, const char *name, const char *content)
{
    archive->size += (size_t)sprintf(archive->bytes + archive->size,
                                     "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s", 1u, 0100755u, 0u,
                                     0u, 1u, 0u, (unsigned)strlen(content), 0u, 0u, 0u, 0u, (unsigned)strlen(name) + 1,
                                     0u, name) + 1;
    pad(archive);
    memcpy(archive->bytes + archive->size, content, strlen(content));
    archive->size += strlen(content);
    pad(archive);
}

static void make(struct archive *archive)
{
    memset(archive, 0, sizeof *archive);
    add(archive, "first", "one");
    add(archive, "second", "twenty-two");
    add(archive, "TRAILER!!!", "");
}

/* Look in a copy that is exactly as large, so that the sanitizer sees a byte read past its end. */
static status find(const struct archive *archive, size_t size, const char *name, size_t *length)
{
    char *copy = malloc(size == 0 ? 1 : size);
    const uint8_t *bytes;
    status result;

    memcpy(copy, archive->bytes, size);
    result = cpio_find(copy, size, name, &bytes, length);
    if (!failed(result) && *length > 0) {
        volatile uint8_t last = bytes[*length - 1];

        (void)last;
    }
    free(copy);
    return result;
}

TEST(test_files_are_found_by_their_whole_name)
{
    struct archive archive;
    const uint8_t *bytes;
    size_t length;

    make(&archive);
    RESULT(cpio_find(archive.bytes, archive.size, "second", &bytes, &length), 0);
    EQUAL_BYTES((const char *)bytes, length, "twenty-two");
    RESULT(cpio_find(archive.bytes, archive.size, "first", &bytes, &length), 0);
    EQUAL_BYTES((const char *)bytes, length, "one");
    RESULT(cpio_find(archive.bytes, archive.size, "firs", &bytes, &length), ENOENT);
    RESULT(cpio_find(archive.bytes, archive.size, "TRAILER!!", &bytes, &length), ENOENT);
}

TEST(test_archive_cut_anywhere_is_refused)
{
    struct archive archive;
    size_t length;

    make(&archive);
    for (size_t size = 0; size < archive.size; size++) {
        status result = find(&archive, size, "none", &length);

        CHECK(result.error == EINVAL || (result.error == ENOENT && size + 4 > archive.size));
    }
}

TEST(test_no_changed_byte_leads_outside_the_archive)
{
    struct archive archive;
    size_t length;

    for (size_t at = 0; at < 2 * 128; at++) {
        for (unsigned change = 1; change < 256; change++) {
            make(&archive);
            archive.bytes[at] = (char)(archive.bytes[at] ^ (char)change);
            (void)find(&archive, archive.size, "second", &length);
        }
    }
}
