/* What the files of the seL4 platform share. */
#ifndef NINEDOOR_SEL4_MACHINE_H
#define NINEDOOR_SEL4_MACHINE_H

#include <stdint.h>

#include "root/machine.h"

/* Badges of the one endpoint: which component called, or of which component the kernel tells a fault. A notification
 * has a bit for each source instead, all below these. */
#define BADGE_CALL (1ull << 32)
#define BADGE_FAULT (1ull << 33)
#define BADGE_NUMBER 0xffull

/* The endpoint that components call, and the notification bound to the root task's thread. */
uint64_t machine_endpoint(void);
uint64_t machine_notification(void);

#endif
