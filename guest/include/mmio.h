/* Device registers and the barriers that order them against memory. Drivers reach registers only through here, so a
 * host test (NINEDOOR_HOST_TEST) can put a model of the device behind the same calls. */
#ifndef NINEDOOR_MMIO_H
#define NINEDOOR_MMIO_H

#include <stdint.h>

#ifdef NINEDOOR_HOST_TEST

uint32_t mmio_read32(uintptr_t address);
void mmio_write32(uintptr_t address, uint32_t value);
uint8_t mmio_read8(uintptr_t address);
void mmio_write8(uintptr_t address, uint8_t value);
void mmio_write16(uintptr_t address, uint16_t value);
static inline void memory_barrier(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

#else

static inline uint32_t mmio_read32(uintptr_t address) { return *(volatile uint32_t *)address; }
static inline void mmio_write32(uintptr_t address, uint32_t value) { *(volatile uint32_t *)address = value; }
static inline uint8_t mmio_read8(uintptr_t address) { return *(volatile uint8_t *)address; }
static inline void mmio_write8(uintptr_t address, uint8_t value) { *(volatile uint8_t *)address = value; }
static inline void mmio_write16(uintptr_t address, uint16_t value) { *(volatile uint16_t *)address = value; }

/* Everything written before is seen by the device before anything written after, and the same for reads. Full system:
 * the other side of a virtqueue is a device, not a core. */
static inline void memory_barrier(void) { __asm__ volatile("dmb sy" ::: "memory"); }

#endif

#endif
