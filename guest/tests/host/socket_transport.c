#define _DEFAULT_SOURCE
#include "socket_transport.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static struct socket_transport *of(struct p9_transport *transport)
{
    return (struct socket_transport *)transport;
}

static uint8_t *request(struct p9_transport *transport, unsigned slot)
{
    return of(transport)->buffers[slot];
}

/* As QEMU does: what nobody takes is lost. */
static status send_frame(struct p9_transport *transport, unsigned slot, size_t size)
{
    struct socket_transport *self = of(transport);
    size_t sent = 0;

    while (self->descriptor >= 0 && sent < size) {
        ssize_t part = send(self->descriptor, self->buffers[slot] + sent, size - sent, MSG_NOSIGNAL);

        if (part <= 0) {
            break;
        }
        sent += (size_t)part;
    }
    return status_ok();
}

static status receive(struct p9_transport *transport, const uint8_t **frame, size_t *size)
{
    struct socket_transport *self = of(transport);

    *frame = 0;
    for (;;) {
        size_t taken;

        if (self->read == self->filled) {
            ssize_t got = self->descriptor < 0 ? 0 : recv(self->descriptor, self->input, sizeof self->input, MSG_DONTWAIT);

            if (got <= 0) {
                return status_ok();
            }
            self->filled = (size_t)got;
            self->read = 0;
        }
        status cut = p9_stream_take(&self->stream, self->input + self->read, self->filled - self->read, &taken);
        self->read += taken;
        if (failed(cut) || self->stream.whole) {
            *frame = failed(cut) ? 0 : self->stream.frame;
            *size = self->stream.have;
            return cut;
        }
    }
}

static void interrupt(struct p9_transport *transport)
{
    (void)transport;
}

static status restart(struct p9_transport *transport)
{
    struct socket_transport *self = of(transport);
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (self->descriptor >= 0) {
        close(self->descriptor);
    }
    self->filled = self->read = 0;
    p9_stream_begin(&self->stream);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", self->path);
    self->descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(self->descriptor, (struct sockaddr *)&address, sizeof address) != 0) {
        close(self->descriptor);
        self->descriptor = -1;
        return status_error(ENXIO);
    }
    return status_ok();
}

void socket_begin(struct socket_transport *transport, const char *path)
{
    *transport = (struct socket_transport){
        .transport = {
            .name = "socket",
            .carries_identity = true,
            .patience_ms = 4000,
            .request = request,
            .send = send_frame,
            .receive = receive,
            .interrupt = interrupt,
            .restart = restart,
        },
        .path = path,
        .descriptor = -1,
    };
}

static uint64_t now_ms(void *context)
{
    struct timespec now;

    (void)context;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void wait(void *context, bool (*done)(void *subject), void *subject, uint64_t deadline_ms)
{
    struct socket_host *host = context;

    p9_client_poll(host->client, now_ms(0));
    while (!done(subject) && now_ms(0) < deadline_ms) {
        struct pollfd ready = {.fd = host->transport->descriptor, .events = POLLIN};

        poll(&ready, 1, 10);
        p9_client_poll(host->client, now_ms(0));
    }
}

void socket_host_begin(struct socket_host *host, struct p9_client *client, struct socket_transport *transport)
{
    *host = (struct socket_host){
        .host = {.now_ms = now_ms, .wait = wait, .context = host},
        .client = client,
        .transport = transport,
    };
}

static bool never(void *subject)
{
    (void)subject;
    return false;
}

void socket_pass(struct socket_host *host, uint64_t ms)
{
    wait(host, never, 0, now_ms(0) + ms);
}
