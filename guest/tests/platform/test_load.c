/* A component's program becomes pages with the right content and rights, or is refused whole. */
#include <string.h>

#include "bytes.h"
#include "check.h"
#include "component/abi.h"
#include "root/load.h"

enum {
    PAGE = 4096,
    HEADER = 64,
    PROGRAM_HEADER = 56,
    FILE_BYTES = HEADER + 2 * PROGRAM_HEADER + 6000,
    TEXT_FLAGS = 5,
    DATA_FLAGS = 6,
    PAGES = 32,
};

static uint8_t file[FILE_BYTES];
static uint8_t memory[PAGES][PAGE];
static struct load_page pages[PAGES];
static unsigned count, room;

static void segment(unsigned number, unsigned flags, size_t offset, uint64_t address, uint64_t in_file, uint64_t in_memory)
{
    uint8_t *header = file + HEADER + number * PROGRAM_HEADER;

    store32(header, 1);
    store32(header + 4, flags);
    store64(header + 8, offset);
    store64(header + 16, address);
    store64(header + 24, address);
    store64(header + 32, in_file);
    store64(header + 40, in_memory);
}

/* 5000 bytes of text, then 100 of data with 3000 more that are zero. */
static void make(void)
{
    memset(file, 0, sizeof file);
    memcpy(file, "\177ELF\2\1\1", 7);
    store16(file + 16, 2);
    store16(file + 18, 183);
    store64(file + 24, COMPONENT_BASE + 8);
    store64(file + 32, HEADER);
    store16(file + 54, PROGRAM_HEADER);
    store16(file + 56, 2);
    for (size_t i = HEADER + 2 * PROGRAM_HEADER; i < sizeof file; i++) {
        file[i] = (uint8_t)(i % 251 + 1);
    }
    segment(0, TEXT_FLAGS, HEADER + 2 * PROGRAM_HEADER, COMPONENT_BASE, 5000, 5000);
    segment(1, DATA_FLAGS, HEADER + 2 * PROGRAM_HEADER + 5000, COMPONENT_BASE + 2 * PAGE + 16, 100, 3100);
    count = 0;
    room = PAGES;
}

static status take(void *self, const struct load_page *page)
{
    CHECK(self == &room);
    if (count == room) {
        return status_kernel(ENOMEM, SEL4_NOT_ENOUGH_MEMORY);
    }
    CHECK(page->offset + page->count <= PAGE);
    memset(memory[count], 0, PAGE);
    if (page->count > 0) {
        memcpy(memory[count] + page->offset, page->bytes, page->count);
    }
    pages[count++] = *page;
    return status_ok();
}

static status load(uint64_t *entry)
{
    return load_component(file, sizeof file, take, &room, entry);
}

static uint16_t refused(void)
{
    uint64_t entry;

    return load(&entry).error;
}

TEST(test_program_becomes_pages_with_its_stack_at_the_top)
{
    const uint8_t *text = file + HEADER + 2 * PROGRAM_HEADER;
    uint64_t entry;

    make();
    RESULT(load(&entry), 0);
    EQUAL(entry, COMPONENT_BASE + 8);
    EQUAL(count, 3 + LOAD_STACK_PAGES);
    for (unsigned i = 0; i < count; i++) {
        bool is_text = i < 2;

        EQUAL(pages[i].virtual_address,
              i < 3 ? COMPONENT_BASE + i * PAGE : COMPONENT_STACK_TOP - (count - i) * PAGE);
        EQUAL(pages[i].executable, is_text);
        EQUAL(pages[i].writable, !is_text);
    }
    CHECK(memcmp(memory[0], text, PAGE) == 0);
    CHECK(memcmp(memory[1], text + PAGE, 5000 - PAGE) == 0);
    EQUAL(memory[1][5000 - PAGE], 0);
    CHECK(memcmp(memory[2] + 16, text + 5000, 100) == 0);
    EQUAL(memory[2][15], 0);
    EQUAL(memory[2][116], 0);
}

TEST(test_memory_that_is_writable_and_executable_is_refused)
{
    make();
    segment(1, 7, HEADER + 2 * PROGRAM_HEADER, COMPONENT_BASE + 2 * PAGE, 100, 100);
    EQUAL(refused(), EINVAL);
}

TEST(test_program_outside_its_place_is_refused)
{
    static const uint64_t outside[] = {0, COMPONENT_BASE - PAGE, COMPONENT_STACK_TOP - LOAD_STACK_PAGES * PAGE,
                                       COMPONENT_STACK_TOP, COMPONENT_IPC_BUFFER, 0x40400000, ~0ul - 200};

    for (unsigned i = 0; i < ARRAY_LENGTH(outside); i++) {
        make();
        segment(1, DATA_FLAGS, HEADER + 2 * PROGRAM_HEADER, outside[i], 100, 100);
        EQUAL(refused(), EINVAL);
    }
}

TEST(test_two_segments_in_one_page_are_refused)
{
    make();
    segment(1, DATA_FLAGS, HEADER + 2 * PROGRAM_HEADER, COMPONENT_BASE + 5500, 100, 100);
    EQUAL(refused(), EINVAL);
}

TEST(test_what_is_no_program_is_refused)
{
    make();
    file[0] = 0;
    EQUAL(refused(), EINVAL);
    make();
    store64(file + HEADER + 32, FILE_BYTES); /* more bytes than the file has */
    EQUAL(refused(), EINVAL);
}

TEST(test_first_failure_to_take_a_page_ends_the_loading)
{
    uint64_t entry;

    for (unsigned most = 0; most < 3 + LOAD_STACK_PAGES; most++) {
        make();
        room = most;
        EQUAL(load(&entry).kernel, SEL4_NOT_ENOUGH_MEMORY);
        EQUAL(count, most);
    }
}
