/* hal.h with capabilities: device pages out of device untypeds, DMA memory out of one untyped of its own, interrupts
 * as badges of one notification. */
#include "hal.h"

#include <stdbool.h>

#include "bytes.h"
#include "platform.h"
#include "platform/sel4/bootinfo.h"
#include "platform/sel4/cspace.h"
#include "platform/sel4/invoke.h"
#include "platform/sel4/machine.h"
#include "platform/sel4/memory.h"

enum {
    DMA_BITS = 18, /* HAL_DMA_PAGES pages */
    CNODE_DEPTH = 64,
    SMALLEST_BITS = 4, /* of an untyped */
};
_Static_assert(HAL_DMA_PAGES * HAL_PAGE == 1 << DMA_BITS, "the pool of DMA memory is one untyped");

struct device_page {
    uint64_t physical;
    uintptr_t address;
};

static struct device_page devices[HAL_DEVICE_PAGES];
static unsigned devices_used;

/* How far each device untyped has been used up, as bytes from its beginning. */
static uint64_t watermarks[BOOTINFO_UNTYPEDS];

static struct pool dma_pool;
static unsigned dma_used;

static uint64_t handlers[SOURCES]; /* IRQ handler capabilities; 0 for none */
static unsigned interrupts_used;

static bool find_region(uint64_t physical, uint64_t *index)
{
    uint64_t count = bootinfo->untyped.end - bootinfo->untyped.begin;

    for (*index = 0; *index < count && *index < BOOTINFO_UNTYPEDS; ++*index) {
        const struct untyped *untyped = &bootinfo->untypeds[*index];

        if (untyped->is_device && physical >= untyped->physical &&
            physical - untyped->physical < 1ull << untyped->size_bits) {
            return true;
        }
    }
    return false;
}

/* Use up what lies between the watermark of a region and `offset`. The kernel takes memory from an untyped in order
 * only, so the gap is made into untypeds nobody will use, each as large as its alignment allows. */
static status skip(uint64_t index, uint64_t offset)
{
    uint64_t slot;

    while (watermarks[index] < offset) {
        unsigned bits = SMALLEST_BITS;
        status result;

        while (watermarks[index] % (2ull << bits) == 0 && 2ull << bits <= offset - watermarks[index]) {
            bits++;
        }
        result = slot_take(&root_pool, &slot);
        if (!failed(result)) {
            result = retype_checked(bootinfo->untyped.begin + index, OBJECT_UNTYPED, bits, slot);
        }
        if (failed(result)) {
            return result;
        }
        watermarks[index] += 1ull << bits;
    }
    return status_ok();
}

static status map_device(uint64_t physical, struct device_page *page)
{
    uint64_t index, frame, offset;
    status result;

    if (!find_region(physical, &index)) {
        return status_error(ENODEV);
    }
    offset = physical - bootinfo->untypeds[index].physical;
    if (offset < watermarks[index]) {
        return status_error(EBUSY);
    }
    result = skip(index, offset);
    if (!failed(result)) {
        result = slot_take(&root_pool, &frame);
    }
    if (!failed(result)) {
        result = retype_checked(bootinfo->untyped.begin + index, OBJECT_PAGE, 0, frame);
    }
    if (failed(result)) {
        return result;
    }
    watermarks[index] += HAL_PAGE;
    *page = (struct device_page){.physical = physical, .address = WINDOW_DEVICES + devices_used * (uintptr_t)HAL_PAGE};
    return page_map(&root_pool, CAP_VSPACE, frame, page->address, RIGHTS_READ | RIGHTS_WRITE, ATTRIBUTES_DEVICE);
}

/* The pages of a device are mapped one after the other, so the first one's address stands for all. */
static bool mapped(uint64_t physical, unsigned pages, uintptr_t *address)
{
    for (unsigned i = 0; i + pages <= devices_used; i++) {
        unsigned same = 0;

        while (same < pages && devices[i + same].physical == physical + same * (uint64_t)HAL_PAGE) {
            same++;
        }
        if (same == pages) {
            *address = devices[i].address;
            return true;
        }
    }
    return false;
}

status hal_device(uint64_t physical, unsigned pages, uintptr_t *address)
{
    if (physical % HAL_PAGE != 0 || pages == 0) {
        return status_error(EINVAL);
    }
    if (mapped(physical, pages, address)) {
        return status_ok();
    }
    if (pages > HAL_DEVICE_PAGES - devices_used) {
        return status_error(ENOSPC);
    }
    *address = WINDOW_DEVICES + devices_used * (uintptr_t)HAL_PAGE;
    for (unsigned i = 0; i < pages; i++) {
        status result = map_device(physical + i * (uint64_t)HAL_PAGE, &devices[devices_used]);

        if (failed(result)) {
            return result;
        }
        devices_used++;
    }
    return status_ok();
}

/* One page more of the DMA window. Pages are cut from one untyped in order, so they follow each other in physical
 * memory as well. */
static status add_dma_page(uint64_t *physical)
{
    uintptr_t address = WINDOW_DMA + dma_used * (uintptr_t)HAL_PAGE;
    uint64_t frame;
    status result = object_create(&dma_pool, OBJECT_PAGE, 0, &frame);

    if (!failed(result)) {
        /* Cached: the devices of this board see the processor's caches. */
        result = page_map(&root_pool, CAP_VSPACE, frame, address, RIGHTS_READ | RIGHTS_WRITE, ATTRIBUTES_DATA);
    }
    if (!failed(result)) {
        result = page_physical(frame, physical);
    }
    if (!failed(result)) {
        dma_used++;
    }
    return result;
}

status hal_dma(unsigned pages, struct dma *dma)
{
    status result = status_ok();

    if (pages == 0) {
        return status_error(EINVAL);
    }
    if (pages > HAL_DMA_PAGES - dma_used) {
        return status_error(ENOSPC);
    }
    if (dma_pool.untyped == 0) {
        result = pool_set_aside(&dma_pool, HAL_DMA_PAGES, DMA_BITS);
    }
    dma->address = (void *)(WINDOW_DMA + dma_used * (uintptr_t)HAL_PAGE);
    dma->size = (size_t)pages * HAL_PAGE;
    for (unsigned i = 0; i < pages && !failed(result); i++) {
        uint64_t physical = 0;

        result = add_dma_page(&physical);
        if (i == 0) {
            dma->physical = physical;
        }
        ASSERT(failed(result) || physical == dma->physical + i * (uint64_t)HAL_PAGE);
    }
    return result;
}

/* The order matters: one that came before the notification is set would be dropped and stay masked; and it may have
 * come already, so it is acknowledged once at the end. */
status hal_interrupt(unsigned intid, enum source source)
{
    uint64_t handler, badged;
    status result;

    if (source >= SOURCES) {
        return status_error(EINVAL);
    }
    if (handlers[source] != 0) {
        return status_error(EBUSY);
    }
    result = slot_take(&root_pool, &handler);
    if (!failed(result)) {
        result = slot_take(&root_pool, &badged);
    }
    if (!failed(result)) {
        result = cap_mint(CAP_CNODE, badged, CNODE_DEPTH, machine_notification(), RIGHTS_WRITE, 1ull << source);
    }
    if (!failed(result)) {
        const struct invocation get = {
            .object = CAP_IRQ_CONTROL,
            .label = IRQ_CONTROL_GET,
            .word_count = 3,
            .words = {intid, handler, CNODE_DEPTH},
            .cap_count = 1,
            .caps = {CAP_CNODE},
        };

        result = invoke_status(&get);
    }
    if (!failed(result)) {
        const struct invocation set = {
            .object = handler, .label = IRQ_SET_NOTIFICATION, .cap_count = 1, .caps = {badged}};

        result = invoke_status(&set);
    }
    if (!failed(result)) {
        handlers[source] = handler;
        interrupts_used++;
        hal_interrupt_done(source);
    }
    return result;
}

void hal_interrupt_done(enum source source)
{
    const struct invocation acknowledge = {.object = handlers[source], .label = IRQ_ACKNOWLEDGE};

    if (handlers[source] != 0) {
        (void)invoke(&acknowledge, 0); /* a handler capability that is there can always be acknowledged */
    }
}

void hal_usage(struct hal_usage *usage)
{
    *usage = (struct hal_usage){.device_pages = devices_used, .dma_pages = dma_used, .interrupts = interrupts_used};
    cspace_usage(&usage->slots_used, &usage->slots_total, &usage->memory_used, &usage->memory_total);
}
