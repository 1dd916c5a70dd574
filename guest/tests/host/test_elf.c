/* The ELF reader accepts what a linker makes and refuses every number that lies. */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "check.h"
#include "core/elf.h"

enum {
    HEADER = 64,
    PROGRAM_HEADER = 56,
    FILE_BYTES = HEADER + 2 * PROGRAM_HEADER + 100,
};

/* A file with a PT_LOAD of 100 bytes at 0x400000 that takes 0x200, and a PT_NOTE. Exactly as large as the allocation,
 * so that the sanitizer sees a byte read past its end. */
static uint8_t *make_file(void)
{
    uint8_t *file = calloc(1, FILE_BYTES);
    uint8_t *load = file + HEADER + PROGRAM_HEADER;

    memcpy(file, "\x7f"
                 "ELF\x02\x01\x01",
           7);
    store16(file + 18, 183);
    store64(file + 24, 0x400010);
    store64(file + 32, HEADER);
    store16(file + 54, PROGRAM_HEADER);
    store16(file + 56, 2);
    store32(file + HEADER, 4);
    store32(load, ELF_LOAD);
    store32(load + 4, 5);
    store64(load + 8, FILE_BYTES - 100);
    store64(load + 16, 0x400000);
    store64(load + 24, 0x40200000);
    store64(load + 32, 100);
    store64(load + 40, 0x200);
    return file;
}

static enum elf_result open_changed(size_t at, unsigned bytes, uint64_t value)
{
    uint8_t *file = make_file();
    struct elf_image image;
    uint64_t first, end;

    for (unsigned i = 0; i < bytes; i++) {
        file[at + i] = (uint8_t)(value >> (8 * i));
    }
    enum elf_result result = elf_open(&image, file, FILE_BYTES);
    if (result == ELF_OK) {
        result = elf_span(&image, &first, &end);
    }
    free(file);
    return result;
}

TEST(test_segments_are_described)
{
    uint8_t *file = make_file();
    struct elf_image image;
    struct elf_segment segment;
    uint64_t first, end;

    EQUAL(elf_open(&image, file, FILE_BYTES), ELF_OK);
    EQUAL(image.entry, 0x400010);
    EQUAL(image.count, 2);
    EQUAL(elf_segment(&image, 0, &segment), ELF_OK);
    EQUAL(segment.type, 4);
    EQUAL(elf_segment(&image, 1, &segment), ELF_OK);
    CHECK(segment.bytes == file + FILE_BYTES - 100);
    EQUAL(segment.physical_address, 0x40200000);
    EQUAL(segment.file_size, 100);
    EQUAL(segment.memory_size, 0x200);
    EQUAL(elf_span(&image, &first, &end), ELF_OK);
    EQUAL(first, 0x400000);
    EQUAL(end, 0x400200);
    free(file);
}

TEST(test_every_truncation_is_refused)
{
    uint8_t *file = make_file();

    for (size_t size = 0; size < FILE_BYTES; size++) {
        uint8_t *part = malloc(size + 1);
        struct elf_image image;
        uint64_t first, end;

        memcpy(part, file, size);
        part = realloc(part, size > 0 ? size : 1);
        enum elf_result result = elf_open(&image, part, size);
        CHECK(result == ELF_SHORT || elf_span(&image, &first, &end) == ELF_SHORT);
        free(part);
    }
    free(file);
}

TEST(test_lies_are_refused)
{
    size_t load = HEADER + PROGRAM_HEADER;

    EQUAL(open_changed(4, 1, 1), ELF_NOT_ELF64);
    EQUAL(open_changed(5, 1, 2), ELF_NOT_ELF64);
    EQUAL(open_changed(18, 2, 62), ELF_NOT_AARCH64);
    EQUAL(open_changed(54, 2, 32), ELF_HEADER_SIZE);
    EQUAL(open_changed(56, 2, 0), ELF_TOO_MANY);
    EQUAL(open_changed(56, 2, 17), ELF_TOO_MANY);
    EQUAL(open_changed(56, 2, 16), ELF_SHORT);
    EQUAL(open_changed(32, 8, UINT64_MAX), ELF_SHORT);
    EQUAL(open_changed(32, 8, FILE_BYTES - 1), ELF_SHORT);
    EQUAL(open_changed(load + 8, 8, FILE_BYTES - 99), ELF_SHORT);
    EQUAL(open_changed(load + 8, 8, UINT64_MAX - 10), ELF_SHORT);
    EQUAL(open_changed(load + 32, 8, UINT64_MAX), ELF_SHORT);
    EQUAL(open_changed(load + 40, 8, 99), ELF_BAD_SEGMENT);
    EQUAL(open_changed(load + 16, 8, UINT64_MAX - 0x100), ELF_BAD_SEGMENT);
    EQUAL(open_changed(load + 24, 8, UINT64_MAX - 0x100), ELF_BAD_SEGMENT);
    EQUAL(open_changed(load, 4, 0), ELF_BAD_SEGMENT);
}

TEST(test_every_refusal_has_a_reason)
{
    for (int result = ELF_OK; result <= ELF_BAD_SEGMENT; result++) {
        CHECK(strcmp(elf_reason((enum elf_result)result), "unknown error") != 0);
    }
}
