/* One request and the wait for its reply, for callers that have nothing else to do meanwhile.
 *
 * The wait is the host's: in the guest it turns the event pump, so that ticks, input and other requests go on. */
#ifndef NINEDOOR_CORE_P9_EXCHANGE_H
#define NINEDOOR_CORE_P9_EXCHANGE_H

#include "core/p9_client.h"

/* What the surroundings do for a caller that has to wait. */
struct p9_host {
    uint64_t (*now_ms)(void *context);
    /* Let everything else go on, p9_client_poll() included, until done(subject) or `deadline_ms` has passed. */
    void (*wait)(void *context, bool (*done)(void *subject), void *subject, uint64_t deadline_ms);
    void *context;
};

struct p9_exchange {
    struct p9_client *client;
    const struct p9_host *host;
    unsigned slot;
    uint16_t tag;
    uint8_t *frame; /* P9_MSIZE bytes: where the message goes */
};

/* Get a slot, waiting for one if need be. ENOTCONN: no session, or not that of `generation`. EBUSY: no slot within the
 * time limit. */
status p9_exchange_begin(struct p9_exchange *exchange, struct p9_client *client, const struct p9_host *host,
                         uint32_t generation);

/* Send the message of `size` bytes that is in the frame, and wait for its answer: the errno of an Rlerror, ETIMEDOUT
 * when none came in time, ENOTCONN when the session was lost meanwhile. Data of the reply is in call->into. */
status p9_exchange_end(struct p9_exchange *exchange, size_t size, struct p9_call *call);

#endif
