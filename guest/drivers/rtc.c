/* PL031: see its technical reference manual for the registers. */
#include "drivers/rtc.h"

#include "hal.h"
#include "mmio.h"

#define PL031_BASE 0x09010000ul

enum {
    SECONDS = 0x00,
    MATCH = 0x04,
    INTERRUPT_MASK = 0x10,
    INTERRUPT_CLEAR = 0x1c,
};

static uintptr_t registers;

status rtc_start(void)
{
    status result = hal_device(PL031_BASE, 1, &registers);

    if (!failed(result)) {
        rtc_quiet();
    }
    return result;
}

uint32_t rtc_seconds(void)
{
    return mmio_read32(registers + SECONDS);
}

void rtc_alarm(uint32_t second)
{
    mmio_write32(registers + MATCH, second);
    mmio_write32(registers + INTERRUPT_MASK, 1);
}

void rtc_quiet(void)
{
    mmio_write32(registers + INTERRUPT_MASK, 0);
    mmio_write32(registers + INTERRUPT_CLEAR, 1);
}
