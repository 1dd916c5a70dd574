/* The seL4 layer over a model of its kernel: where objects go, what the slots are checked against, and that the
 * kernel's codes reach whoever asked. */
#include <setjmp.h>
#include <string.h>

#include "check.h"
#include "hal.h"
#include "kernel_model.h"
#include "platform.h"
#include "platform/sel4/cspace.h"
#include "platform/sel4/invoke.h"
#include "platform/sel4/machine.h"
#include "platform/sel4/memory.h"

static jmp_buf panicked;
static const char *panic_text;

void panic(const char *what)
{
    panic_text = what;
    longjmp(panicked, 1);
}

uint64_t machine_notification(void)
{
    return 15;
}

/* The layers keep state from boot on, so all tests but those of the labels go on from one boot, in the order of this
 * file. */
static void boot(void)
{
    static bool booted;

    if (!booted) {
        model_begin(0);
        RESULT(cspace_start(), 0);
        booted = true;
    }
    model.fail_with = 0;
}

TEST(test_labels_of_each_known_kernel_are_found_and_of_no_other)
{
    static const unsigned known[] = {2, 0};

    for (unsigned i = 0; i < 2; i++) {
        model_begin(known[i]);
        RESULT(labels_detect(), 0);
        EQUAL(labels_offset(), known[i]);
    }
    model_begin(7);
    RESULT(labels_detect(), ENXIO);
    model_begin(0);
    RESULT(labels_detect(), 0);
}

TEST(test_objects_come_from_small_pieces_and_the_first_empty_slots)
{
    uint64_t slot;

    boot();
    RESULT(object_create(&root_pool, OBJECT_ENDPOINT, 0, &slot), 0);
    EQUAL(slot, MODEL_EMPTY);
    EQUAL(model.caps[20].watermark, 0); /* 256 MiB would take the kernel half a second to clear */
    EQUAL(model.caps[21].watermark, 16);
    RESULT(object_create(&root_pool, OBJECT_PAGE, 0, &slot), 0);
    EQUAL(slot, MODEL_EMPTY + 1);
    EQUAL(model.caps[slot].physical, 0x60001000);
}

TEST(test_slot_outside_the_empty_window_is_never_retyped_into)
{
    const uint64_t wrong[] = {0, CAP_CNODE, MODEL_EMPTY - 1, MODEL_SLOTS, ~0ull};
    volatile unsigned refused = 0;

    boot();
    for (volatile unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (setjmp(panicked) == 0) {
            (void)retype_checked(21, OBJECT_ENDPOINT, 0, wrong[i]);
            CHECK(!"it was retyped");
        }
        refused++;
    }
    EQUAL(refused, 5);
    CHECK(strstr(panic_text, "slot") != 0);
}

TEST(test_code_of_the_kernel_comes_back)
{
    status result;
    uint64_t slot;

    boot();
    model.fail_label = UNTYPED_RETYPE;
    model.fail_with = SEL4_RANGE_ERROR;
    result = object_create(&root_pool, OBJECT_ENDPOINT, 0, &slot);
    EQUAL(result.error, ERANGE);
    EQUAL(result.kernel, SEL4_RANGE_ERROR);
    model.fail_label = PAGE_GET_ADDRESS;
    model.fail_with = SEL4_INVALID_CAPABILITY;
    result = page_physical(MODEL_EMPTY + 1, &slot);
    EQUAL(result.error, EIO);
    EQUAL(result.kernel, SEL4_INVALID_CAPABILITY);
}

TEST(test_missing_page_tables_are_made_and_the_mapping_tried_again)
{
    uint64_t frame;

    boot();
    EQUAL(model.page_tables, 0);
    RESULT(object_create(&root_pool, OBJECT_PAGE, 0, &frame), 0);
    RESULT(page_map(&root_pool, CAP_VSPACE, frame, WINDOW_SCRATCH, RIGHTS_READ, ATTRIBUTES_DATA), 0);
    EQUAL(model.page_tables, 3);
    EQUAL(model.caps[frame].mapped, WINDOW_SCRATCH);
    EQUAL(page_map(&root_pool, CAP_VSPACE, frame, WINDOW_SCRATCH, RIGHTS_READ, ATTRIBUTES_DATA).kernel,
          SEL4_INVALID_CAPABILITY);
    RESULT(page_unmap(frame), 0);
    RESULT(page_map(&root_pool, CAP_VSPACE, frame, WINDOW_SCRATCH, RIGHTS_READ, ATTRIBUTES_DATA), 0);
}

/* The physical address of the page that is mapped at `address`. */
static uint64_t behind(uintptr_t address)
{
    for (unsigned slot = MODEL_EMPTY; slot < MODEL_SLOTS; slot++) {
        if (model.caps[slot].mapped == address) {
            return model.caps[slot].physical;
        }
    }
    return 0;
}

TEST(test_device_pages_are_those_asked_for)
{
    uintptr_t uart, clock, virtio, again;

    boot();
    RESULT(hal_device(0x09000000, 1, &uart), 0);
    RESULT(hal_device(0x09010000, 1, &clock), 0);
    RESULT(hal_device(0x0a000000, 4, &virtio), 0);
    EQUAL(behind(uart), 0x09000000);
    EQUAL(behind(clock), 0x09010000);
    for (unsigned i = 0; i < 4; i++) {
        EQUAL(behind(virtio + i * HAL_PAGE), 0x0a000000 + i * HAL_PAGE);
    }
    RESULT(hal_device(0x09010000, 1, &again), 0);
    EQUAL(again, clock);
    RESULT(hal_device(0x0a001000, 2, &again), 0);
    EQUAL(again, virtio + HAL_PAGE);
}

TEST(test_device_page_that_cannot_be_had_is_refused)
{
    uintptr_t address;

    boot();
    RESULT(hal_device(0x09000800, 1, &address), EINVAL);
    RESULT(hal_device(0x09020000, 0, &address), EINVAL);
    RESULT(hal_device(0x09008000, 1, &address), EBUSY); /* the watermark is past it */
    RESULT(hal_device(0x08000000, 1, &address), ENODEV);
    RESULT(hal_device(0x50000000, 1, &address), ENODEV); /* memory, not a device */
    RESULT(hal_device(0x09030000, HAL_DEVICE_PAGES, &address), ENOSPC);
}

TEST(test_dma_memory_is_contiguous)
{
    struct dma first, second;

    boot();
    RESULT(hal_dma(3, &first), 0);
    RESULT(hal_dma(5, &second), 0);
    for (unsigned i = 0; i < 3; i++) {
        EQUAL(behind((uintptr_t)first.address + i * HAL_PAGE), first.physical + i * HAL_PAGE);
    }
    EQUAL(second.physical, first.physical + 3 * HAL_PAGE);
    EQUAL((uintptr_t)second.address, (uintptr_t)first.address + 3 * HAL_PAGE);
    EQUAL(second.size, 5 * HAL_PAGE);
    RESULT(hal_dma(0, &first), EINVAL);
    RESULT(hal_dma(HAL_DMA_PAGES - 8 + 1, &first), ENOSPC);
    RESULT(hal_dma(HAL_DMA_PAGES - 8, &first), 0);
    RESULT(hal_dma(1, &first), ENOSPC);
}

TEST(test_interrupt_is_set_up_in_the_order_that_loses_none)
{
    boot();
    model.irq_calls[0] = '\0';
    memset(model.irq_calls, 0, sizeof model.irq_calls);
    RESULT(hal_interrupt(33, SOURCE_SERIAL), 0);
    EQUAL_TEXT(model.irq_calls, "gsa");
    RESULT(hal_interrupt(34, SOURCE_SERIAL), EBUSY);
    RESULT(hal_interrupt(34, SOURCES), EINVAL);
    hal_interrupt_done(SOURCE_SERIAL);
    hal_interrupt_done(SOURCE_VIRTIO); /* has none */
    EQUAL_TEXT(model.irq_calls, "gsaa");
}

TEST(test_usage_tells_what_was_taken)
{
    struct hal_usage usage;

    boot();
    hal_usage(&usage);
    EQUAL(usage.device_pages, 6);
    EQUAL(usage.dma_pages, HAL_DMA_PAGES);
    EQUAL(usage.interrupts, 1);
    CHECK(usage.slots_used > 70 && usage.slots_used < 150);
    EQUAL(usage.slots_total, MODEL_SLOTS - MODEL_EMPTY);
    EQUAL(usage.memory_used, 1 << 22);
    EQUAL(usage.memory_total, (1 << 28) + (1 << 22) + (1 << 20) + (1 << 16));
}

TEST(test_component_pool_is_set_aside_and_ends_where_it_ends)
{
    struct pool pool = {0};
    uint64_t slot, first;

    boot();
    RESULT(pool_set_aside(&pool, 3, 14), 0);
    RESULT(object_create(&pool, OBJECT_PAGE, 0, &first), 0);
    RESULT(object_create(&root_pool, OBJECT_ENDPOINT, 0, &slot), 0);
    CHECK(slot >= first + 3); /* its slots are its own */
    RESULT(object_create(&pool, OBJECT_PAGE, 0, &slot), 0);
    EQUAL(slot, first + 1);
    RESULT(object_create(&pool, OBJECT_PAGE, 0, &slot), 0);
    RESULT(object_create(&pool, OBJECT_PAGE, 0, &slot), ENOSPC);
}

TEST(test_memory_that_runs_out_is_told_with_its_code)
{
    struct pool pool = {0};
    status result = status_ok();
    uint64_t slot;
    unsigned pages = 0;

    boot();
    for (; !failed(result) && pages < MODEL_SLOTS; pages++) {
        result = object_create(&root_pool, OBJECT_UNTYPED, 16, &slot);
    }
    EQUAL(result.error, ENOMEM);
    EQUAL(result.kernel, SEL4_NOT_ENOUGH_MEMORY);
    CHECK(pages > 50 && pages < 100); /* 5 MiB and a bit */
    EQUAL(model.caps[20].watermark, 0);
    EQUAL(pool_set_aside(&pool, 3, 16).kernel, SEL4_NOT_ENOUGH_MEMORY);
}
