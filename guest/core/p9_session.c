#include "core/p9_session.h"

/* Send a question of the client's own about `fid`. No slot free: later. */
static void ask(struct p9_client *client, struct p9_question question, uint32_t fid, uint64_t now_ms)
{
    uint16_t tag = question.type == P9_TVERSION ? P9_NOTAG : p9_slots_tag(&client->slots);
    unsigned slot;
    size_t size = 0;

    if (failed(p9_slots_free(&client->slots, &slot))) {
        return;
    }
    uint8_t *frame = client->transport->request(client->transport, slot);
    client->own = (struct p9_call){.question = question, .creates = P9_NOFID};
    switch (question.type) {
    case P9_TVERSION:
        size = p9_tversion(frame, P9_MSIZE, P9_MSIZE);
        break;
    case P9_TATTACH:
        size = p9_tattach(frame, P9_MSIZE, tag, fid, client->uname, client->aname);
        break;
    case P9_TGETATTR:
        size = p9_tgetattr(frame, P9_MSIZE, tag, fid);
        break;
    default:
        size = p9_tclunk(frame, P9_MSIZE, tag, fid);
        break;
    }
    client->own_busy = !failed(p9_client_send(client, slot, tag, size, &client->own, now_ms));
}

/* -- making it ----------------------------------------------------------------------------------------------------- */

void p9_client_down(struct p9_client *client, status why, uint64_t now_ms)
{
    p9_slots_void(&client->slots, status_error(ENOTCONN));
    client->state = P9_DOWN;
    client->down_because = why;
    client->orphan_count = 0;
    client->own_busy = false;
    client->suspect = false;
    client->retry_at = now_ms + (client->refused ? P9_REFUSED_RETRY_MS : client->retry_pause_ms);
    client->retry_pause_ms *= 2;
    if (client->retry_pause_ms > P9_RETRY_MOST_MS) {
        client->retry_pause_ms = P9_RETRY_MOST_MS;
    }
}

void p9_session_begin(struct p9_client *client, uint64_t now_ms)
{
    status restarted = client->transport->restart(client->transport);

    client->refused = false;
    if (failed(restarted)) {
        p9_client_down(client, restarted, now_ms);
        return;
    }
    client->state = P9_NEGOTIATING;
    ask(client, (struct p9_question){P9_TVERSION, P9_MSIZE}, P9_NOFID, now_ms);
}

static void attach(struct p9_client *client, uint64_t now_ms)
{
    client->payload = client->own.reply.count - P9_IO_OVERHEAD;
    client->state = P9_ATTACHING;
    client->root = p9_client_fid(client);
    ask(client, (struct p9_question){P9_TATTACH, 0}, client->root, now_ms);
}

static void ready(struct p9_client *client)
{
    client->state = P9_READY;
    client->generation++;
    client->down_because = status_ok();
    client->retry_pause_ms = P9_RETRY_FIRST_MS;
    client->counters.sessions++;
}

/* Whether an attach was denied for good: a false or dead ticket, a worker that is not. Another error may be of a hive
 * that was restarted between Tversion and Tattach. */
static bool is_refusal(status result)
{
    return result.error == EPERM || result.error == EACCES || result.error == ENOENT || result.error == ESTALE;
}

void p9_session_answered(struct p9_client *client, uint64_t now_ms)
{
    status result = client->own.result;

    client->own_busy = false;
    switch (client->state) {
    case P9_NEGOTIATING:
        if (failed(result)) {
            p9_client_down(client, result, now_ms);
        } else {
            attach(client, now_ms);
        }
        break;
    case P9_ATTACHING:
        if (failed(result)) {
            client->refused = is_refusal(result);
            p9_client_down(client, result, now_ms);
        } else {
            ready(client);
        }
        break;
    case P9_READY:
        if (client->own.question.type == P9_TGETATTR) {
            client->suspect = false;
            if (failed(result)) {
                p9_client_down(client, result, now_ms);
            }
        }
        break;
    case P9_DOWN:
        break;
    }
}

/* -- keeping it ---------------------------------------------------------------------------------------------------- */

/* EMFILE is cured by a new session; the others are how a hive that was restarted, or has closed the session, answers
 * requests of the session that it does not know. */
void p9_session_doubt(struct p9_client *client, status result, uint64_t now_ms)
{
    if (!p9_client_carries_identity(client) || client->state != P9_READY) {
        return;
    }
    if (result.error == EMFILE) {
        p9_client_down(client, result, now_ms);
    } else if (result.error == EINVAL || result.error == ESTALE || result.error == EBADF) {
        client->suspect = true;
    }
}

void p9_session_housekeep(struct p9_client *client, uint64_t now_ms)
{
    if (client->state != P9_READY || client->own_busy) {
        return;
    }
    if (client->next_fid >= P9_NOFID - P9_SLOTS) { /* all numbers are used: a new session may start over */
        client->next_fid = 1;
        p9_client_down(client, status_error(EBUSY), now_ms);
    } else if (client->suspect) {
        ask(client, (struct p9_question){P9_TGETATTR, 0}, client->root, now_ms);
    } else if (client->orphan_count > 0) {
        ask(client, (struct p9_question){P9_TCLUNK, 0}, client->orphans[client->orphan_count - 1], now_ms);
        if (client->own_busy) {
            client->orphan_count--;
        }
    }
}
