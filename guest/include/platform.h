/* What the portable part of the guest may ask of the machine besides hal.h: time, the serial line, settings given at
 * boot, and the end. */
#ifndef NINEDOOR_PLATFORM_H
#define NINEDOOR_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

#include "errors.h"

/* "sel4" or "virt". */
const char *platform_name(void);

/* Nanoseconds since boot, never going back. */
uint64_t time_now_ns(void);
/* Size of its steps: 16 ns with the generic timer, 1 s where the kernel keeps it from us and the RTC is all there
 * is. A deadline is met late by up to time_wake_ns(): 0 where the machine wakes when asked, else 1 s. */
uint64_t time_step_ns(void);
uint64_t time_wake_ns(void);
/* Seconds of the Unix epoch, from the RTC. */
uint64_t time_unix_s(void);

/* The serial line, through bounded rings (drivers/serial.h). Reads what is there: 0 when nothing is. Writing waits,
 * bounded by the line's own speed, when the ring is full; only a line that has stopped loses anything. LF goes out as
 * CR LF. */
size_t serial_read(uint8_t *bytes, size_t room);
void serial_write(const char *bytes, size_t count);

/* A setting given at boot (QEMU: -fw_cfg name=opt/ninedoor/NAME,…). Copies its value, terminated, cut at `room`;
 * trailing line ends are dropped. ENOENT: not given, and `value` is "". */
status boot_setting(const char *name, char *value, size_t room);

/* Stop for good: nothing runs any more. There is no way from here to the host but the serial line; semihosting would
 * be one, and would give the guest the host's files with it. */
void platform_stop(void) __attribute__((noreturn));

/* A bug: say where and stop. PANICs are for what cannot be, never for what a peer sends. */
void panic(const char *what) __attribute__((noreturn));
#define ASSERT(claim) ((claim) ? (void)0 : panic(#claim))

#endif
