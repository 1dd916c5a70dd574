/* The serial line: an ARM PL011 with a ring in each direction. Reading and writing are in platform.h. */
#ifndef NINEDOOR_SERIAL_H
#define NINEDOOR_SERIAL_H

#include <stdint.h>

#include "errors.h"

enum {
    SERIAL_RECEIVE = 1024,  /* bytes kept for the console; beyond them the line's own flow control holds the sender */
    SERIAL_TRANSMIT = 4096, /* bytes kept for the line; beyond them a writer waits */
};

struct serial_counters {
    uint64_t received, transmitted;
    uint64_t held;    /* times that the receive ring was full and the sender was held back */
    uint64_t waits;   /* times that a writer found the transmit ring full */
    uint64_t errors;  /* bytes received with a framing, parity or break condition, and dropped; overruns */
};

/* From here on serial_write() works, polled. */
status serial_start(void);
/* From here on both directions go by interrupt. */
status serial_listen(void);
void serial_counters(struct serial_counters *counters);

#endif
