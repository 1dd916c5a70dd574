/* The only way for a driver to get device registers, memory that a device may reach, and interrupts. No driver holds
 * or invokes a capability: what stands behind these calls is in platform/sel4/ and platform/virt/. Everything is
 * taken at boot and kept; nothing is given back, so nothing can run out later. */
#ifndef NINEDOOR_HAL_H
#define NINEDOOR_HAL_H

#include <stddef.h>
#include <stdint.h>

#include "errors.h"
#include "events.h"

enum {
    HAL_PAGE = 4096,
    HAL_DEVICE_PAGES = 16, /* device pages that can be mapped in all: UART, RTC, fw_cfg, 4 of virtio-mmio, spare */
    HAL_DMA_PAGES = 64,    /* pages of DMA memory in all: rings and message buffers of every virtio device */
};

/* Memory known to a device by its physical address: contiguous, page aligned, zeroed, coherent. */
struct dma {
    void *address;
    uint64_t physical;
    size_t size; /* bytes; a multiple of HAL_PAGE */
};

/* Map `pages` pages of registers at `physical`; the same pages asked for again give the same mapping.
 * EINVAL not page aligned or no page, ENODEV no such device memory, ENOSPC over HAL_DEVICE_PAGES; on seL4 pages of
 * one device region come in ascending order only, and going back is EBUSY. */
status hal_device(uint64_t physical, unsigned pages, uintptr_t *address);

/* ENOSPC over HAL_DMA_PAGES, ENOMEM the kernel had no memory left. */
status hal_dma(unsigned pages, struct dma *dma);

/* Let interrupt `intid` (GIC number) mark `source` ready. Level triggered. It is enabled on return: quiet the device
 * first. */
status hal_interrupt(unsigned intid, enum source source);

/* The device was quieted: let the interrupts of `source` come again. Every turn of a source that has one must end
 * with this, else the device stays silent for good. */
void hal_interrupt_done(enum source source);

/* What was taken so far, for `mem` and the boot log. */
struct hal_usage {
    unsigned device_pages, dma_pages, interrupts;
    unsigned slots_used, slots_total;   /* capability slots; 0 of 0 where there are none */
    uint64_t memory_used, memory_total; /* bytes of RAM taken and to be had */
};
void hal_usage(struct hal_usage *usage);

#endif
