/* The real-time clock: an ARM PL031, which counts seconds and can interrupt at one of them. */
#ifndef NINEDOOR_RTC_H
#define NINEDOOR_RTC_H

#include <stdint.h>

#include "errors.h"

enum { RTC_INTERRUPT = 34 };

status rtc_start(void);
/* Seconds of the Unix epoch. */
uint32_t rtc_seconds(void);
/* Interrupt when rtc_seconds() becomes `second`. QEMU counts whole seconds from this call: an alarm set in the middle
 * of a second comes in the middle of one. */
void rtc_alarm(uint32_t second);
/* No interrupt, and none left pending. */
void rtc_quiet(void);

#endif
