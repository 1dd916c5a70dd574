/* What the files of the bare platform share. */
#ifndef NINEDOOR_VIRT_MACHINE_H
#define NINEDOOR_VIRT_MACHINE_H

#include <stdbool.h>

#include "events.h"
#include "root/machine.h"

/* Where the image lies: link.ld, and the tables in start.S. */
#define IMAGE_TEXT 0x40200000ul /* bare board: text and constants, read-only */
#define IMAGE_DATA 0x40400000ul /* … stack, data, DMA memory, components' pages; never executed */
#define IMAGE_END 0x40600000ul  /* … nothing is mapped from here on */

/* The source that asked for interrupt `intid`; false if none did. */
bool interrupt_source(unsigned intid, enum source *source);

/* Let a component run, if one can, until an interrupt comes or it stops; true if it stopped, with the reason in
 * `message`. *ran: there was one to run. */
bool components_run(struct message *message, bool *ran);

#endif
