/* A transport whose other end is the test: it sees what was sent, and says what comes back and when. */
#ifndef NINEDOOR_TESTS_FAKE_SERVER_H
#define NINEDOOR_TESTS_FAKE_SERVER_H

#include "core/p9_transport.h"

enum { FAKE_REPLIES = 64, FAKE_REQUESTS = 256 };

struct fake_server {
    struct p9_transport transport;
    uint8_t buffers[P9_SLOTS][P9_MSIZE];
    /* What was sent and is not taken by the test yet, oldest first. */
    struct fake_request {
        uint8_t bytes[P9_MSIZE];
        size_t size;
    } sent[8];
    unsigned sent_count;
    unsigned long total;
    /* What receive() is to give, oldest first. */
    struct {
        uint8_t bytes[P9_MSIZE + 8];
        size_t size;
    } replies[8];
    unsigned reply_count;
    uint8_t current[P9_MSIZE + 8];
    unsigned restarts;
    bool send_fails, receive_fails, restart_fails;
    /* When set, called with each request as it is sent: a whole server. */
    void (*serve)(struct fake_server *server, const uint8_t *frame, size_t size);
};

void fake_begin(struct fake_server *server);

/* The oldest request not taken yet, whose type is `type`; the test fails if there is none. */
struct fake_request fake_take(struct fake_server *server, unsigned type);
uint16_t fake_tag(const struct fake_request *request);

/* Queue a reply with this type, tag and body. */
void fake_reply(struct fake_server *server, unsigned type, uint16_t tag, const void *body, size_t size);
/* … of a server that has no objections: what the type of `request` is answered with. */
void fake_accept(struct fake_server *server, const struct fake_request *request);
void fake_refuse(struct fake_server *server, const struct fake_request *request, unsigned error);
/* Queue any bytes. */
void fake_bytes(struct fake_server *server, const void *bytes, size_t size);

#endif
