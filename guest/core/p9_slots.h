/* Requests on their way, and the tags that tell their replies apart.
 *
 * A slot is free, or its request was sent and is waited for, or was given up. A request that was given up keeps its
 * slot and its tag until the late reply arrives or the transport is restarted, so that no late reply can answer another
 * question. */
#ifndef NINEDOOR_CORE_P9_SLOTS_H
#define NINEDOOR_CORE_P9_SLOTS_H

#include "core/p9_message.h"
#include "core/p9_transport.h"

/* One question and, once `done`, its answer. It must stay where it is until done or given up. */
struct p9_call {
    bool done;
    status result;
    struct p9_reply reply; /* reply.data is null: it was copied to `into` */
    struct p9_question question;
    uint8_t *into;    /* for Tread and Treaddir: question.limit bytes of room */
    uint32_t creates; /* the fid that the server has if the answer is yes; P9_NOFID if none */
};

struct p9_slot {
    enum { P9_SLOT_FREE, P9_SLOT_SENT, P9_SLOT_GIVEN_UP } state;
    uint16_t tag;
    uint64_t sent_at;
    struct p9_call *call; /* null once given up */
    struct p9_question question;
    uint32_t creates;
};

struct p9_slots {
    struct p9_slot at[P9_SLOTS];
    uint16_t next_tag;
};

/* EBUSY: none is free. */
status p9_slots_free(const struct p9_slots *slots, unsigned *slot);

/* A tag that no request on its way has. */
uint16_t p9_slots_tag(struct p9_slots *slots);

/* The slot whose request has this tag; null if none has. */
struct p9_slot *p9_slots_find(struct p9_slots *slots, uint16_t tag);

/* `call` was sent from `slot`. */
void p9_slots_sent(struct p9_slots *slots, unsigned slot, uint16_t tag, struct p9_call *call, uint64_t now_ms);

/* Stop waiting for `call`, which then is done with `why`. Returns how many slots that was: 0 or 1. */
unsigned p9_slots_give_up(struct p9_slots *slots, struct p9_call *call, status why);

/* Nothing is on its way any more: all that was waited for is done with `why`. */
void p9_slots_void(struct p9_slots *slots, status why);

void p9_call_answer(struct p9_call *call, status result);

#endif
