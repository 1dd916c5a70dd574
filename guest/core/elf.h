/* Reads the program headers of an ELF64 file for AArch64, believing none of its numbers.
 *
 * Every offset and size is checked against the file before it is used: what elf_segment() describes lies inside the
 * file, does not wrap around the address space, and has memory_size >= file_size. Layouts: elf(5). */
#ifndef NINEDOOR_CORE_ELF_H
#define NINEDOOR_CORE_ELF_H

#include <stddef.h>
#include <stdint.h>

enum {
    ELF_SEGMENTS = 16, /* a kernel has 2, a root task 3 or 4; more is a file we do not know */
    ELF_LOAD = 1,      /* PT_LOAD */
};

enum elf_result {
    ELF_OK,
    ELF_SHORT,       /* smaller than its header, or a table or segment ends past the file */
    ELF_NOT_ELF64,   /* wrong magic, class, byte order or version */
    ELF_NOT_AARCH64, /* for another machine */
    ELF_HEADER_SIZE, /* program headers of a size that is not ELF64's */
    ELF_TOO_MANY,    /* more program headers than ELF_SEGMENTS, or none */
    ELF_BAD_SEGMENT, /* wraps around, or takes less memory than it has bytes */
};

struct elf_image {
    const uint8_t *bytes;
    size_t size;
    uint64_t entry;
    uint64_t headers; /* file offset of the program header table */
    unsigned count;   /* program headers of any type, 1..ELF_SEGMENTS */
};

struct elf_segment {
    uint32_t type; /* ELF_LOAD; the others need not be looked at */
    uint32_t flags;
    const uint8_t *bytes; /* file_size of them */
    uint64_t virtual_address;
    uint64_t physical_address;
    uint64_t file_size;
    uint64_t memory_size;
};

/* Check the header of the file in `bytes` and describe it in `image`, which then refers to `bytes`. */
enum elf_result elf_open(struct elf_image *image, const void *bytes, size_t size);

/* Describe program header `index`. Precondition: index < image->count. A segment that is not ELF_LOAD has only its
 * type set. */
enum elf_result elf_segment(const struct elf_image *image, unsigned index, struct elf_segment *segment);

/* The lowest virtual address and the end of the highest over all ELF_LOAD segments; ELF_BAD_SEGMENT when there is
 * none. */
enum elf_result elf_span(const struct elf_image *image, uint64_t *first, uint64_t *end);

/* `result` in words, for the one line that says why an image was refused. */
const char *elf_reason(enum elf_result result);

#endif
