#include "core/p9_slots.h"

status p9_slots_free(const struct p9_slots *slots, unsigned *slot)
{
    for (unsigned i = 0; i < P9_SLOTS; i++) {
        if (slots->at[i].state == P9_SLOT_FREE) {
            *slot = i;
            return status_ok();
        }
    }
    return status_error(EBUSY);
}

struct p9_slot *p9_slots_find(struct p9_slots *slots, uint16_t tag)
{
    for (unsigned i = 0; i < P9_SLOTS; i++) {
        if (slots->at[i].state != P9_SLOT_FREE && slots->at[i].tag == tag) {
            return &slots->at[i];
        }
    }
    return 0;
}

uint16_t p9_slots_tag(struct p9_slots *slots)
{
    do {
        slots->next_tag = (uint16_t)(slots->next_tag + 1);
    } while (slots->next_tag == P9_NOTAG || p9_slots_find(slots, slots->next_tag) != 0);
    return slots->next_tag;
}

void p9_slots_sent(struct p9_slots *slots, unsigned slot, uint16_t tag, struct p9_call *call, uint64_t now_ms)
{
    call->done = false;
    slots->at[slot] = (struct p9_slot){
        .state = P9_SLOT_SENT,
        .tag = tag,
        .sent_at = now_ms,
        .call = call,
        .question = call->question,
        .creates = call->creates,
    };
}

void p9_call_answer(struct p9_call *call, status result)
{
    call->result = result;
    call->done = true;
}

unsigned p9_slots_give_up(struct p9_slots *slots, struct p9_call *call, status why)
{
    unsigned count = 0;

    for (unsigned i = 0; i < P9_SLOTS; i++) {
        struct p9_slot *slot = &slots->at[i];

        if (slot->state == P9_SLOT_SENT && slot->call == call) {
            slot->state = P9_SLOT_GIVEN_UP;
            slot->call = 0;
            count++;
        }
    }
    p9_call_answer(call, why);
    return count;
}

void p9_slots_void(struct p9_slots *slots, status why)
{
    for (unsigned i = 0; i < P9_SLOTS; i++) {
        struct p9_call *call = slots->at[i].call;

        slots->at[i] = (struct p9_slot){0};
        if (call != 0) {
            p9_call_answer(call, why);
        }
    }
}
