/* ELF files: a segment that the reader describes lies inside the file, and in memory it does not wrap around. */
#include "core/elf.h"
#include "fuzz.h"

static const uint8_t file[64 + 2 * 56 + 40] = {
    0x7f, 'E', 'L', 'F', 2, 1, 1, [16] = 2, [18] = 183, [20] = 1, [24] = 0x10, [26] = 0x40, [32] = 64, [52] = 64,
    [54] = 56, [56] = 2,
    /* PT_LOAD: offset 176, at 0x400000, 40 bytes in 0x200 */
    [64] = 1, [68] = 5, [72] = 176, [82] = 0x40, [90] = 0x40, [96] = 40, [105] = 2,
    /* PT_LOAD: offset 0, at 0x500000, nothing in 0x1000 */
    [120] = 1, [138] = 0x50, [146] = 0x50, [161] = 0x10,
};

const struct fuzz_seed fuzz_seeds[] = {{file, sizeof file}, {0, 0}};

void fuzz_one(const uint8_t *input, size_t size)
{
    struct elf_image image;
    uint64_t first, end;

    if (elf_open(&image, input, size) != ELF_OK) {
        return;
    }
    elf_span(&image, &first, &end);
    for (unsigned i = 0; i < image.count; i++) {
        struct elf_segment segment;

        if (elf_segment(&image, i, &segment) == ELF_OK && segment.type == ELF_LOAD) {
            INVARIANT(segment.bytes >= input && segment.bytes + segment.file_size <= input + size);
            INVARIANT(segment.memory_size >= segment.file_size);
            INVARIANT(segment.virtual_address + segment.memory_size >= segment.virtual_address);
        }
    }
}
