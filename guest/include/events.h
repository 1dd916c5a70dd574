/* The event pump: one loop over everything that can happen, and no other place where the root task waits.
 *
 * A turn: ready sources run in the order of `enum source`, each with a bounded amount of work; then, if none has more
 * to do, the processor sleeps until an interrupt or a message. Order is the wake-up priority: messages first, since
 * a caller is blocked until answered; the timer before the serial line, so that a flood of input cannot hold up
 * ticks; the transport before the console, so that answers leave before new questions are read.
 *
 * A source whose turn has to wait for something (a 9P reply) calls pump_until(), which goes on turning all the
 * *other* sources. A source never runs inside itself, so nesting is at most SOURCES deep. */
#ifndef NINEDOOR_EVENTS_H
#define NINEDOOR_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

enum source {
    SOURCE_IPC,     /* a component: a message, or the news of its fault */
    SOURCE_TIMER,   /* its deadline: a second has passed */
    SOURCE_VIRTIO,  /* the interrupt of the virtio device that carries 9P */
    SOURCE_SERIAL,  /* the interrupt of the UART: bytes in, or room for more out */
    SOURCE_CONSOLE, /* bytes that SOURCE_SERIAL has taken in */
    SOURCE_NINEP,   /* its deadline, a reply, or a line for the queen's log: attach, heartbeats, forwarding */
    SOURCES,
};

/* One turn of a source. Does at most `budget` units of work (bytes, completions, lines: what the source counts).
 * True: there is more to do at once. */
typedef bool source_turn(void *self, unsigned budget);

struct source_counters {
    uint64_t wakeups;   /* turns begun */
    uint64_t exhausted; /* turns that used up their budget and had more to do */
};

/* Join the pump and say so in the boot log ("event-pump: init NAME"). Each source once. */
void pump_add(enum source source, const char *name, source_turn *turn, void *self, unsigned budget);

/* Mark a source ready. Called by the platform for interrupts and by software for the last two. */
void pump_ready(enum source source);

/* Turn until done(self) is true or `deadline_ns` (time_now_ns) has passed; true if done. The source that is being
 * turned, and those outside it, do not run meanwhile. */
bool pump_until(bool (*done)(void *self), void *self, uint64_t deadline_ns);

/* Each source has one deadline; 0 is none. When it has passed, the source becomes ready and the deadline is none: a
 * source that wants the next one sets it in its turn. */
void pump_deadline(enum source source, uint64_t deadline_ns);

void pump_counters(enum source source, struct source_counters *counters);
const char *pump_name(enum source source);

/* For ever. */
void pump_run(void) __attribute__((noreturn));

#endif
