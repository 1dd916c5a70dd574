/* From an ELF program to pages. */
#include "root/load.h"

#include "component/abi.h"
#include "core/elf.h"

enum {
    PAGE = 4096,
    FLAG_EXECUTE = 1,
    FLAG_WRITE = 2,
};

static status load_segment(const struct elf_segment *segment, load_page_taker *take, void *self)
{
    uint64_t end = segment->virtual_address + segment->memory_size;
    uint64_t file_end = segment->virtual_address + segment->file_size;

    for (uint64_t at = segment->virtual_address & ~(uint64_t)(PAGE - 1); at < end; at += PAGE) {
        uint64_t from = at > segment->virtual_address ? at : segment->virtual_address;
        uint64_t to = at + PAGE < file_end ? at + PAGE : file_end;
        struct load_page page = {
            .virtual_address = at,
            .writable = (segment->flags & FLAG_WRITE) != 0,
            .executable = (segment->flags & FLAG_EXECUTE) != 0,
            .bytes = segment->bytes + (from < to ? from - segment->virtual_address : 0),
            .offset = from - at,
            .count = from < to ? to - from : 0,
        };
        status result = take(self, &page);

        if (failed(result)) {
            return result;
        }
    }
    return status_ok();
}

/* Whether a segment keeps to the place of components, begins in a page at or after *free, and is not both writable
 * and executable. */
static bool fits(const struct elf_segment *segment, uint64_t *free)
{
    uint64_t end = segment->virtual_address + segment->memory_size;

    if ((segment->virtual_address & ~(uint64_t)(PAGE - 1)) < *free ||
        end > COMPONENT_STACK_TOP - LOAD_STACK_PAGES * PAGE ||
        (segment->flags & (FLAG_WRITE | FLAG_EXECUTE)) == (FLAG_WRITE | FLAG_EXECUTE)) {
        return false;
    }
    *free = (end + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    return true;
}

static status load_segments(const struct elf_image *elf, load_page_taker *take, void *self)
{
    uint64_t free = COMPONENT_BASE;

    for (unsigned i = 0; i < elf->count; i++) {
        struct elf_segment segment;
        status result;

        if (elf_segment(elf, i, &segment) != ELF_OK) {
            return status_error(EINVAL);
        }
        if (segment.type != ELF_LOAD || segment.memory_size == 0) {
            continue;
        }
        if (!fits(&segment, &free)) {
            return status_error(EINVAL);
        }
        result = load_segment(&segment, take, self);
        if (failed(result)) {
            return result;
        }
    }
    return status_ok();
}

status load_component(const void *image, size_t size, load_page_taker *take, void *self, uint64_t *entry)
{
    struct elf_image elf;
    status result;

    if (elf_open(&elf, image, size) != ELF_OK) {
        return status_error(EINVAL);
    }
    result = load_segments(&elf, take, self);
    for (unsigned i = LOAD_STACK_PAGES; i > 0 && !failed(result); i--) {
        struct load_page page = {.virtual_address = COMPONENT_STACK_TOP - i * PAGE, .writable = true};

        result = take(self, &page);
    }
    *entry = elf.entry;
    return result;
}
