#include "core/p9_client.h"

#include "bytes.h"
#include "core/p9_session.h"

void p9_client_begin(struct p9_client *client, struct p9_transport *transport, const char *uname, const char *aname)
{
    *client = (struct p9_client){
        .transport = transport,
        .uname = uname,
        .aname = aname,
        .down_because = status_error(ENOTCONN),
        .next_fid = 1,
        .retry_pause_ms = P9_RETRY_FIRST_MS,
    };
}

bool p9_client_carries_identity(const struct p9_client *client)
{
    return client->transport != 0 && client->transport->carries_identity;
}

/* -- requests ------------------------------------------------------------------------------------------------------ */

status p9_client_claim(struct p9_client *client, uint32_t generation, unsigned *slot, uint16_t *tag)
{
    if (client->state != P9_READY || generation != client->generation) {
        return status_error(ENOTCONN);
    }
    if (client->suspect) { /* until the probe has told, every further request could meet the same error */
        return status_error(EBUSY);
    }
    status found = p9_slots_free(&client->slots, slot);
    if (!failed(found)) {
        *tag = p9_slots_tag(&client->slots);
    }
    return found;
}

status p9_client_send(struct p9_client *client, unsigned slot, uint16_t tag, size_t size, struct p9_call *call,
                      uint64_t now_ms)
{
    if (size == 0) {
        return status_error(EMSGSIZE);
    }
    status sent = client->transport->send(client->transport, slot, size);
    if (failed(sent)) {
        p9_client_down(client, sent, now_ms);
        return sent;
    }
    p9_slots_sent(&client->slots, slot, tag, call, now_ms);
    client->counters.requests++;
    return status_ok();
}

void p9_client_give_up(struct p9_client *client, struct p9_call *call, status why)
{
    client->counters.timeouts += p9_slots_give_up(&client->slots, call, why);
}

/* -- fids ---------------------------------------------------------------------------------------------------------- */

uint32_t p9_client_fid(struct p9_client *client)
{
    return client->next_fid++;
}

void p9_client_orphan(struct p9_client *client, uint32_t fid, uint64_t now_ms)
{
    if (client->orphan_count == P9_ORPHANS) {
        p9_client_down(client, status_error(EBUSY), now_ms); /* a new session has no fids */
        return;
    }
    client->orphans[client->orphan_count++] = fid;
}

/* -- replies ------------------------------------------------------------------------------------------------------- */

/* A request that was given up is answered after all. What it made on the server is to go. */
static void arrived_late(struct p9_client *client, struct p9_slot *slot, status result, const struct p9_reply *reply,
                         uint64_t now_ms)
{
    uint32_t fid = slot->creates;
    bool created = !failed(result) && (slot->question.type != P9_TWALK || reply->count == slot->question.limit);

    *slot = (struct p9_slot){0};
    client->counters.late++;
    if (fid != P9_NOFID && created) {
        p9_client_orphan(client, fid, now_ms);
    }
}

static void arrived_in_time(struct p9_client *client, struct p9_slot *slot, status result,
                            const struct p9_reply *reply, uint64_t now_ms)
{
    struct p9_call *call = slot->call;

    *slot = (struct p9_slot){0}; /* before anybody acts on the answer, so that the next question finds a slot */
    client->counters.replies++;
    call->reply = *reply;
    if (!failed(result) && reply->data != 0) {
        memcpy(call->into, reply->data, reply->count);
    }
    call->reply.data = 0; /* the frame is gone at the next receive */
    p9_call_answer(call, result);
    p9_session_doubt(client, result, now_ms);
    if (call == &client->own) {
        p9_session_answered(client, now_ms);
    }
}

static void arrived(struct p9_client *client, const uint8_t *frame, size_t size, uint64_t now_ms)
{
    struct p9_reply reply;
    uint16_t tag;

    if (!p9_tag(frame, size, &tag)) {
        client->counters.malformed++;
        p9_client_down(client, status_error(EPROTO), now_ms);
        return;
    }
    struct p9_slot *slot = p9_slots_find(&client->slots, tag);
    if (slot == 0) {
        client->counters.late++;
        return;
    }
    status result = p9_parse(frame, size, slot->question, &reply);
    client->counters.malformed += result.error == EPROTO;
    if (slot->state == P9_SLOT_GIVEN_UP) {
        arrived_late(client, slot, result, &reply, now_ms);
    } else {
        arrived_in_time(client, slot, result, &reply, now_ms);
    }
}

/* Returns whether it stopped for having taken so many. */
static bool receive(struct p9_client *client, uint64_t now_ms)
{
    for (unsigned taken = 0; taken < P9_BATCH; taken++) {
        const uint8_t *frame = 0;
        size_t size = 0;

        if (client->state == P9_DOWN) {
            return false;
        }
        status received = client->transport->receive(client->transport, &frame, &size);
        if (failed(received)) {
            client->counters.malformed += received.error == EPROTO;
            p9_client_down(client, received, now_ms);
            return false;
        }
        if (frame == 0) {
            return false;
        }
        arrived(client, frame, size, now_ms);
    }
    return true;
}

/* -- time ---------------------------------------------------------------------------------------------------------- */

/* When something is due about the request of `slot`. */
static uint64_t due(const struct p9_client *client, const struct p9_slot *slot)
{
    switch (slot->state) {
    case P9_SLOT_SENT:
        return slot->sent_at + P9_REPLY_MS;
    case P9_SLOT_GIVEN_UP:
        return slot->sent_at + client->transport->patience_ms;
    default:
        return UINT64_MAX;
    }
}

static void expire(struct p9_client *client, uint64_t now_ms)
{
    for (unsigned i = 0; i < P9_SLOTS; i++) {
        struct p9_slot *slot = &client->slots.at[i];
        struct p9_call *call = slot->call;

        if (slot->state == P9_SLOT_SENT && now_ms >= due(client, slot)) {
            p9_client_give_up(client, call, status_error(ETIMEDOUT));
            if (call == &client->own) {
                p9_client_down(client, status_error(ETIMEDOUT), now_ms);
            }
        }
        if (slot->state == P9_SLOT_GIVEN_UP && now_ms >= due(client, slot)) {
            p9_client_down(client, status_error(ETIMEDOUT), now_ms);
        }
    }
}

bool p9_client_poll(struct p9_client *client, uint64_t now_ms)
{
    bool more = receive(client, now_ms);

    expire(client, now_ms);
    if (client->state == P9_DOWN && now_ms >= client->retry_at) {
        p9_session_begin(client, now_ms);
    }
    p9_session_housekeep(client, now_ms);
    return more;
}

uint64_t p9_client_deadline(const struct p9_client *client)
{
    uint64_t earliest = client->state == P9_DOWN ? client->retry_at : UINT64_MAX;

    for (unsigned i = 0; i < P9_SLOTS; i++) {
        uint64_t at = due(client, &client->slots.at[i]);

        earliest = at < earliest ? at : earliest;
    }
    return earliest;
}
