/* What carries 9P frames to a server: virtio-9p, virtio-console, or a socket in a test. The client knows only this. */
#ifndef NINEDOOR_CORE_P9_TRANSPORT_H
#define NINEDOOR_CORE_P9_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/p9_wire.h"
#include "errors.h"

enum { P9_SLOTS = 2 }; /* requests that can be on their way at one time: the console's and the workers' */

struct p9_transport {
    const char *name;
    /* Whether uname and aname reach the hive. Through QEMU's own 9P server they do not: there the identity is that of
     * the mount which QEMU exports. */
    bool carries_identity;
    /* How long an unanswered request is waited for before the transport is restarted, in ms. */
    uint32_t patience_ms;

    /* Where the request of `slot` is laid out: P9_MSIZE bytes. */
    uint8_t *(*request)(struct p9_transport *self, unsigned slot);
    /* Send the first `size` bytes of it. ENXIO: the device is broken or has not given the slot back. */
    status (*send)(struct p9_transport *self, unsigned slot, size_t size);
    /* The next whole frame that has come, in any order, valid until the next call of any of these; null when there
     * is none. ENXIO: the device is broken. EPROTO: the bytes are no frames. */
    status (*receive)(struct p9_transport *self, const uint8_t **frame, size_t *size);
    /* The device has interrupted: quiet it. What came is for receive(). */
    void (*interrupt)(struct p9_transport *self);
    /* Begin anew: what was sent is forgotten, what was half received is dropped, all slots are free. ENXIO: the
     * device does not come back. */
    status (*restart)(struct p9_transport *self);
};

#endif
