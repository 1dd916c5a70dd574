/* hal.h on the bare machine: devices are mapped from the start, DMA memory is a part of the image. */
#include "hal.h"

#include <stdbool.h>

#include "platform/virt/gic.h"
#include "platform/virt/machine.h"

#define DEVICES_BEGIN 0x08000000ul
#define DEVICES_END 0x0c000000ul

static struct hal_usage used;
static uint64_t devices[HAL_DEVICE_PAGES]; /* the pages asked for so far, used.device_pages of them */
static uint8_t dma_memory[HAL_DMA_PAGES][HAL_PAGE] __attribute__((aligned(HAL_PAGE)));
static unsigned interrupts[SOURCES]; /* the interrupt of each source; 0 for none */

static bool known(uint64_t page)
{
    for (unsigned i = 0; i < used.device_pages; i++) {
        if (devices[i] == page) {
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
    if (physical < DEVICES_BEGIN || physical >= DEVICES_END || pages > (DEVICES_END - physical) / HAL_PAGE) {
        return status_error(ENODEV);
    }
    for (unsigned i = 0; i < pages; i++) {
        uint64_t page = physical + i * (uint64_t)HAL_PAGE;

        if (known(page)) {
            continue;
        }
        if (used.device_pages == HAL_DEVICE_PAGES) {
            return status_error(ENOSPC);
        }
        devices[used.device_pages++] = page;
    }
    *address = physical;
    return status_ok();
}

status hal_dma(unsigned pages, struct dma *dma)
{
    if (pages == 0) {
        return status_error(EINVAL);
    }
    if (pages > HAL_DMA_PAGES - used.dma_pages) {
        return status_error(ENOSPC);
    }
    dma->address = dma_memory[used.dma_pages];
    dma->physical = (uintptr_t)dma->address;
    dma->size = (size_t)pages * HAL_PAGE;
    used.dma_pages += pages;
    return status_ok();
}

status hal_interrupt(unsigned intid, enum source source)
{
    if (intid == 0 || intid >= 1020 || source >= SOURCES) {
        return status_error(EINVAL);
    }
    if (interrupts[source] != 0) {
        return status_error(EBUSY);
    }
    interrupts[source] = intid;
    used.interrupts++;
    gic_enable(intid);
    return status_ok();
}

void hal_interrupt_done(enum source source)
{
    if (interrupts[source] != 0) {
        gic_enable(interrupts[source]);
    }
}

bool interrupt_source(unsigned intid, enum source *source)
{
    for (unsigned i = 0; i < SOURCES; i++) {
        if (interrupts[i] == intid) {
            *source = (enum source)i;
            return true;
        }
    }
    return false;
}

void hal_usage(struct hal_usage *usage)
{
    extern char text_end[], bss_end[];

    *usage = used;
    usage->memory_used = ((uintptr_t)text_end - IMAGE_TEXT) + ((uintptr_t)bss_end - IMAGE_DATA);
    usage->memory_total = IMAGE_END - IMAGE_TEXT;
}
