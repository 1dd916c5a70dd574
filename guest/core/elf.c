#include "core/elf.h"

#include <stdbool.h>

#include "bytes.h"

enum {
    HEADER = 64,         /* Elf64_Ehdr */
    PROGRAM_HEADER = 56, /* Elf64_Phdr */
    MACHINE_AARCH64 = 183,
};

static bool inside(size_t size, uint64_t offset, uint64_t length)
{
    return offset <= size && length <= size - offset;
}

enum elf_result elf_open(struct elf_image *image, const void *bytes, size_t size)
{
    static const uint8_t elf64_little_endian_version_1[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    const uint8_t *header = bytes;

    if (size < HEADER) {
        return ELF_SHORT;
    }
    if (memcmp(header, elf64_little_endian_version_1, sizeof elf64_little_endian_version_1) != 0) {
        return ELF_NOT_ELF64;
    }
    if (load16(header + 18) != MACHINE_AARCH64) {
        return ELF_NOT_AARCH64;
    }
    if (load16(header + 54) != PROGRAM_HEADER) {
        return ELF_HEADER_SIZE;
    }
    *image = (struct elf_image){
        .bytes = bytes,
        .size = size,
        .entry = load64(header + 24),
        .headers = load64(header + 32),
        .count = load16(header + 56),
    };
    if (image->count == 0 || image->count > ELF_SEGMENTS) {
        return ELF_TOO_MANY;
    }
    return inside(size, image->headers, (uint64_t)image->count * PROGRAM_HEADER) ? ELF_OK : ELF_SHORT;
}

enum elf_result elf_segment(const struct elf_image *image, unsigned index, struct elf_segment *segment)
{
    const uint8_t *header = image->bytes + image->headers + (size_t)index * PROGRAM_HEADER;

    *segment = (struct elf_segment){.type = load32(header)};
    if (segment->type != ELF_LOAD) {
        return ELF_OK;
    }
    uint64_t offset = load64(header + 8);
    segment->flags = load32(header + 4);
    segment->virtual_address = load64(header + 16);
    segment->physical_address = load64(header + 24);
    segment->file_size = load64(header + 32);
    segment->memory_size = load64(header + 40);
    if (!inside(image->size, offset, segment->file_size)) {
        return ELF_SHORT;
    }
    if (segment->memory_size < segment->file_size
        || segment->virtual_address + segment->memory_size < segment->virtual_address
        || segment->physical_address + segment->memory_size < segment->physical_address) {
        return ELF_BAD_SEGMENT;
    }
    segment->bytes = image->bytes + offset;
    return ELF_OK;
}

enum elf_result elf_span(const struct elf_image *image, uint64_t *first, uint64_t *end)
{
    *first = UINT64_MAX;
    *end = 0;
    for (unsigned i = 0; i < image->count; i++) {
        struct elf_segment segment;
        enum elf_result result = elf_segment(image, i, &segment);

        if (result != ELF_OK) {
            return result;
        }
        if (segment.type != ELF_LOAD) {
            continue;
        }
        if (segment.virtual_address < *first) {
            *first = segment.virtual_address;
        }
        if (segment.virtual_address + segment.memory_size > *end) {
            *end = segment.virtual_address + segment.memory_size;
        }
    }
    return *first < *end ? ELF_OK : ELF_BAD_SEGMENT;
}

const char *elf_reason(enum elf_result result)
{
    switch (result) {
    case ELF_OK:
        return "no error";
    case ELF_SHORT:
        return "file ends before what it describes";
    case ELF_NOT_ELF64:
        return "not a little-endian ELF64 file";
    case ELF_NOT_AARCH64:
        return "not for AArch64";
    case ELF_HEADER_SIZE:
        return "program headers of an unknown size";
    case ELF_TOO_MANY:
        return "no program headers, or more than 16";
    case ELF_BAD_SEGMENT:
        return "a segment that wraps around, or is larger than its memory";
    }
    return "unknown error";
}
