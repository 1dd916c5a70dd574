/* The interrupt controller of the bare machine: an ARM GICv2, polled. Interrupts are never taken as exceptions by the
 * root task: it sleeps with WFI, which a pending one ends even while masked, and asks here what it was. */
#ifndef NINEDOOR_GIC_H
#define NINEDOOR_GIC_H

enum { GIC_NONE = 1023 };

void gic_start(void);
void gic_enable(unsigned intid);
/* Take the next pending interrupt; it stays disabled until gic_enable(). GIC_NONE: nothing is pending. */
unsigned gic_take(void);

#endif
