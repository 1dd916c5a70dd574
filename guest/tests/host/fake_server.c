#include "fake_server.h"

#include <string.h>

#include "bytes.h"
#include "check.h"

static struct fake_server *of(struct p9_transport *transport)
{
    return (struct fake_server *)transport;
}

static uint8_t *request(struct p9_transport *transport, unsigned slot)
{
    CHECK(slot < P9_SLOTS);
    return of(transport)->buffers[slot];
}

static status send(struct p9_transport *transport, unsigned slot, size_t size)
{
    struct fake_server *server = of(transport);

    if (server->send_fails) {
        return status_error(ENXIO);
    }
    CHECK(size <= P9_MSIZE && size == load32(server->buffers[slot]));
    server->total++;
    if (server->serve != 0) {
        server->serve(server, server->buffers[slot], size);
        return status_ok();
    }
    CHECK(server->sent_count < ARRAY_LENGTH(server->sent));
    struct fake_request *record = &server->sent[server->sent_count++];
    memcpy(record->bytes, server->buffers[slot], size);
    record->size = size;
    return status_ok();
}

static status receive(struct p9_transport *transport, const uint8_t **frame, size_t *size)
{
    struct fake_server *server = of(transport);

    *frame = 0;
    if (server->receive_fails) {
        return status_error(ENXIO);
    }
    if (server->reply_count > 0) {
        *size = server->replies[0].size;
        memcpy(server->current, server->replies[0].bytes, *size);
        *frame = server->current;
        memmove(server->replies, server->replies + 1, --server->reply_count * sizeof server->replies[0]);
    }
    return status_ok();
}

static void interrupt(struct p9_transport *transport)
{
    (void)transport;
}

static status restart(struct p9_transport *transport)
{
    struct fake_server *server = of(transport);

    server->restarts++;
    server->sent_count = server->reply_count = 0;
    return server->restart_fails ? status_error(ENXIO) : status_ok();
}

void fake_begin(struct fake_server *server)
{
    *server = (struct fake_server){
        .transport = {
            .name = "fake",
            .carries_identity = true,
            .patience_ms = 10000,
            .request = request,
            .send = send,
            .receive = receive,
            .interrupt = interrupt,
            .restart = restart,
        },
    };
}

struct fake_request fake_take(struct fake_server *server, unsigned type)
{
    CHECK(server->sent_count > 0);
    struct fake_request taken = server->sent[0];
    EQUAL(taken.bytes[4], type);
    memmove(server->sent, server->sent + 1, --server->sent_count * sizeof server->sent[0]);
    return taken;
}

uint16_t fake_tag(const struct fake_request *sent)
{
    return load16(sent->bytes + 5);
}

void fake_bytes(struct fake_server *server, const void *bytes, size_t size)
{
    CHECK(server->reply_count < ARRAY_LENGTH(server->replies));
    memcpy(server->replies[server->reply_count].bytes, bytes, size);
    server->replies[server->reply_count++].size = size;
}

void fake_reply(struct fake_server *server, unsigned type, uint16_t tag, const void *body, size_t size)
{
    uint8_t frame[P9_MSIZE];

    CHECK(P9_HEADER + size <= sizeof frame);
    store32(frame, (uint32_t)(P9_HEADER + size));
    frame[4] = (uint8_t)type;
    store16(frame + 5, tag);
    memcpy(frame + P9_HEADER, body, size);
    fake_bytes(server, frame, P9_HEADER + size);
}

void fake_refuse(struct fake_server *server, const struct fake_request *sent, unsigned error)
{
    uint8_t body[4];

    store32(body, error);
    fake_reply(server, P9_RLERROR, fake_tag(sent), body, sizeof body);
}

void fake_accept(struct fake_server *server, const struct fake_request *sent)
{
    static const uint8_t nothing[512];
    uint8_t body[512] = {0};
    unsigned type = sent->bytes[4];
    size_t size = 0;

    switch (type) {
    case P9_TVERSION:
        size = sent->size - P9_HEADER;
        memcpy(body, sent->bytes + P9_HEADER, size);
        break;
    case P9_TATTACH:
        size = 13;
        break;
    case P9_TWALK:
        store16(body, load16(sent->bytes + P9_HEADER + 8));
        size = 2 + 13u * load16(body);
        break;
    case P9_TLOPEN:
        size = 17;
        break;
    case P9_TGETATTR:
        size = 153;
        break;
    case P9_TREAD:
    case P9_TREADDIR:
        size = 4;
        break;
    case P9_TWRITE:
        memcpy(body, sent->bytes + P9_HEADER + 12, 4);
        size = 4;
        break;
    default:
        break;
    }
    fake_reply(server, type + 1, fake_tag(sent), size > 0 ? body : nothing, size);
}
