/* 9P over a unix socket: the guest's client on this machine, against a real hive. */
#ifndef NINEDOOR_TESTS_SOCKET_TRANSPORT_H
#define NINEDOOR_TESTS_SOCKET_TRANSPORT_H

#include "core/p9_exchange.h"
#include "core/p9_stream.h"

struct socket_transport {
    struct p9_transport transport; /* first */
    const char *path;
    int descriptor; /* -1: not connected */
    uint8_t buffers[P9_SLOTS][P9_MSIZE];
    uint8_t input[4096];
    size_t filled, read;
    struct p9_stream stream;
};

/* A socket that looks like virtio-console: a lost connection shows only by silence, and restart() connects anew. */
void socket_begin(struct socket_transport *transport, const char *path);

/* A host whose waiting is poll(2) on the socket. */
struct socket_host {
    struct p9_host host;
    struct p9_client *client;
    struct socket_transport *transport;
};
void socket_host_begin(struct socket_host *host, struct p9_client *client, struct socket_transport *transport);
/* Take in what comes for `ms`. */
void socket_pass(struct socket_host *host, uint64_t ms);

#endif
