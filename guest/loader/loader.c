/* Puts an unmodified seL4 kernel and the root task where the kernel's boot protocol wants them, and says where that
 * is. QEMU has laid the two ELF files into memory as they are (scripts/qemu-run.sh); this runs once, in between. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "core/elf.h"
#include "loader/loader.h"
#include "mmio.h"

#define UART_DATA 0x09000000ul

enum { PAGE = 4096 };

static struct handover handover;

static void __attribute__((noreturn)) stop(const char *what, const char *why)
{
    const char *const parts[] = {"loader: ", what, ": ", why, "\r\n"};

    for (unsigned part = 0; part < ARRAY_LENGTH(parts); part++) {
        for (const char *at = parts[part]; *at != '\0'; at++) {
            mmio_write32(UART_DATA, (uint8_t)*at);
        }
    }
    for (;;) {
        __asm__ volatile("wfi");
    }
}

static void open(const char *what, uintptr_t file, struct elf_image *elf)
{
    enum elf_result result = elf_open(elf, (const void *)file, FILE_ROOM);

    if (result != ELF_OK) {
        stop(what, elf_reason(result));
    }
}

/* Copy a segment to `physical` and let the processor fetch instructions from there. */
static void place(const struct elf_segment *segment, uint64_t physical)
{
    uint8_t *memory = (uint8_t *)physical;

    memcpy(memory, segment->bytes, segment->file_size);
    memset(memory + segment->file_size, 0, segment->memory_size - segment->file_size);
    for (uint64_t line = 0; line < segment->memory_size; line += 16) { /* no cache has shorter lines */
        __asm__ volatile("dc cvau, %0" ::"r"(memory + line) : "memory");
    }
}

static bool inside(uint64_t begin, uint64_t size)
{
    return begin >= TARGET_BEGIN && begin <= TARGET_END && size <= TARGET_END - begin;
}

/* The kernel says itself where it wants to lie. Returns its end. */
static uint64_t place_kernel(const struct elf_image *elf)
{
    struct elf_segment segment;
    uint64_t end = 0;

    for (unsigned i = 0; i < elf->count; i++) {
        enum elf_result result = elf_segment(elf, i, &segment);

        if (result != ELF_OK) {
            stop("kernel", elf_reason(result));
        }
        if (segment.type != ELF_LOAD || segment.memory_size == 0) {
            continue;
        }
        if (!inside(segment.physical_address, segment.memory_size)) {
            stop("kernel", "not built for this board's memory");
        }
        place(&segment, segment.physical_address);
        if (segment.physical_address + segment.memory_size > end) {
            end = segment.physical_address + segment.memory_size;
        }
    }
    return end;
}

/* The root task becomes one block behind the kernel, in the order of its virtual addresses. */
static void place_root_task(const struct elf_image *elf, uint64_t begin)
{
    struct elf_segment segment;
    uint64_t low, high;
    enum elf_result result = elf_span(elf, &low, &high);

    if (result != ELF_OK) {
        stop("root task", elf_reason(result));
    }
    low &= ~(uint64_t)(PAGE - 1);
    high = (high + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    if (!inside(begin, high - low)) {
        stop("root task", "too large");
    }
    memset((void *)begin, 0, high - low);
    for (unsigned i = 0; i < elf->count; i++) {
        (void)elf_segment(elf, i, &segment); /* elf_span() has read them all */
        if (segment.type == ELF_LOAD && segment.memory_size > 0) {
            place(&segment, begin + (segment.virtual_address - low));
        }
    }
    handover.user_begin = begin;
    handover.user_end = begin + (high - low);
    handover.user_offset = begin - low; /* wraps below zero where the root task is linked higher than it lies */
    handover.user_entry = elf->entry;
}

const struct handover *loader_main(void)
{
    struct elf_image kernel, root_task;
    uint64_t kernel_end;

    open("kernel", FILE_KERNEL, &kernel);
    open("root task", FILE_ROOT_TASK, &root_task);
    kernel_end = place_kernel(&kernel);
    place_root_task(&root_task, (kernel_end + PAGE - 1) & ~(uint64_t)(PAGE - 1));
    handover.kernel_entry = kernel.entry;
    return &handover;
}
