/* GICv2: one core, one priority. Taking an interrupt disables it and ends it at once: holding back the end until the
 * device has been served would hold back every other interrupt, too, while a source waits inside its turn. */
#include "platform/virt/gic.h"

#include "mmio.h"

#define DISTRIBUTOR 0x08000000ul
#define CPU_INTERFACE 0x08010000ul

enum {
    DISTRIBUTOR_CONTROL = 0x000,
    SET_ENABLE = 0x100,
    CLEAR_ENABLE = 0x180,
    PRIORITY = 0x400,
    TARGETS = 0x800,

    CPU_CONTROL = 0x00,
    PRIORITY_MASK = 0x04,
    ACKNOWLEDGE = 0x0c,
    END_OF_INTERRUPT = 0x10,

    FIRST_SHARED = 32, /* below, interrupts belong to a core and have no target register */
};

void gic_start(void)
{
    mmio_write32(DISTRIBUTOR + DISTRIBUTOR_CONTROL, 1);
    mmio_write32(CPU_INTERFACE + PRIORITY_MASK, 0xff);
    mmio_write32(CPU_INTERFACE + CPU_CONTROL, 1);
}

void gic_enable(unsigned intid)
{
    mmio_write8(DISTRIBUTOR + PRIORITY + intid, 0x80);
    if (intid >= FIRST_SHARED) {
        mmio_write8(DISTRIBUTOR + TARGETS + intid, 1);
    }
    mmio_write32(DISTRIBUTOR + SET_ENABLE + intid / 32 * 4, 1u << intid % 32);
}

unsigned gic_take(void)
{
    unsigned intid = mmio_read32(CPU_INTERFACE + ACKNOWLEDGE) & 0x3ff;

    if (intid >= 1020) {
        return GIC_NONE;
    }
    mmio_write32(DISTRIBUTOR + CLEAR_ENABLE + intid / 32 * 4, 1u << intid % 32);
    mmio_write32(CPU_INTERFACE + END_OF_INTERRUPT, intid);
    return intid;
}
