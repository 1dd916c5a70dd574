/* PL011. What arrives is moved from the device's FIFO to a ring by SOURCE_SERIAL; SOURCE_CONSOLE empties it with
 * serial_read(). When the ring is full the FIFO is left alone, and so the sender waits: no byte is lost, and none is
 * worked on out of turn. All of it runs in the one thread of the root task, so the rings need no lock. */
#include "drivers/serial.h"

#include <stdbool.h>
#include <stddef.h>

#include "events.h"
#include "hal.h"
#include "mmio.h"
#include "platform.h"

#define PL011_BASE 0x09000000ul

enum {
    PL011_INTERRUPT = 33,

    DATA = 0x00,
    FLAGS = 0x18,
    LINE_CONTROL = 0x2c,
    CONTROL = 0x30,
    INTERRUPT_MASK = 0x38,
    INTERRUPT_CLEAR = 0x44,

    FLAG_RECEIVE_EMPTY = 1 << 4,
    FLAG_TRANSMIT_FULL = 1 << 5,
    LINE_8N1_FIFO = 0x70,
    CONTROL_ENABLE_BOTH = 0x301,
    INTERRUPT_RECEIVE = 1 << 4 | 1 << 6, /* FIFO filled, or something has lain in it for a while */
    INTERRUPT_TRANSMIT = 1 << 5,
    INTERRUPT_ALL = 0x7ff,
    DATA_DROPPED = 1 << 8 | 1 << 9 | 1 << 10, /* framing, parity, break */
    DATA_OVERRUN = 1 << 11,

    WAIT_POLLS = 1 << 20, /* reads of FLAGS before a line that never drains is given up */
    TURN_BYTES = 256,
};

static uintptr_t registers;
static bool by_interrupt;
static bool stuck; /* a writer has waited in vain, and the line has taken nothing since */
static struct serial_counters counted;

/* Free-running indices; their difference is the fill level. */
static struct {
    uint8_t bytes[SERIAL_RECEIVE];
    unsigned in, out;
} receive;
static struct {
    uint8_t bytes[SERIAL_TRANSMIT];
    unsigned in, out;
} transmit;

static void set_interrupts(void)
{
    if (by_interrupt) {
        mmio_write32(registers + INTERRUPT_MASK,
                     INTERRUPT_RECEIVE | (transmit.in != transmit.out ? INTERRUPT_TRANSMIT : 0u));
    }
}

static bool device_takes(void)
{
    return (mmio_read32(registers + FLAGS) & FLAG_TRANSMIT_FULL) == 0;
}

static void drain_transmit(void)
{
    while (transmit.in != transmit.out && device_takes()) {
        stuck = false;
        mmio_write32(registers + DATA, transmit.bytes[transmit.out++ % SERIAL_TRANSMIT]);
        counted.transmitted++;
    }
}

static void put(uint8_t byte)
{
    if (transmit.in - transmit.out == SERIAL_TRANSMIT) {
        counted.waits++;
        for (unsigned polls = 0; polls < WAIT_POLLS && !stuck && !device_takes(); polls++) {
        }
        stuck = true;
        drain_transmit();
        if (stuck) {
            return; /* the guest goes on without the line */
        }
    }
    transmit.bytes[transmit.in++ % SERIAL_TRANSMIT] = byte;
}

void serial_write(const char *bytes, size_t count)
{
    if (registers == 0) {
        return; /* whatever failed before the line was up cannot be told */
    }
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] == '\n') {
            put('\r');
        }
        put((uint8_t)bytes[i]);
    }
    drain_transmit();
    if (!by_interrupt) {
        for (unsigned polls = 0; transmit.in != transmit.out && polls < WAIT_POLLS; polls++) {
            drain_transmit();
        }
    }
    set_interrupts();
}

/* Move at most `budget` bytes from the device to the ring. True: it has more, and there is room. */
static bool fill_receive(unsigned budget)
{
    bool told = false;

    while ((mmio_read32(registers + FLAGS) & FLAG_RECEIVE_EMPTY) == 0) {
        uint32_t data;

        if (receive.in - receive.out == SERIAL_RECEIVE) {
            counted.held++;
            break;
        }
        if (budget-- == 0) {
            return true;
        }
        data = mmio_read32(registers + DATA);
        if ((data & (DATA_DROPPED | DATA_OVERRUN)) != 0) {
            counted.errors++;
        }
        if ((data & DATA_DROPPED) == 0) {
            receive.bytes[receive.in++ % SERIAL_RECEIVE] = (uint8_t)data;
            counted.received++;
            told = true;
        }
    }
    if (told) {
        pump_ready(SOURCE_CONSOLE);
    }
    return false;
}

size_t serial_read(uint8_t *bytes, size_t room)
{
    bool was_full = receive.in - receive.out == SERIAL_RECEIVE;
    size_t count = 0;

    while (count < room && receive.in != receive.out) {
        bytes[count++] = receive.bytes[receive.out++ % SERIAL_RECEIVE];
    }
    if (was_full && count > 0) {
        pump_ready(SOURCE_SERIAL); /* the FIFO was left alone, and its interrupt will not come again by itself */
    }
    return count;
}

static bool serial_turn(void *self, unsigned budget)
{
    bool more;

    (void)self;
    /* Clear first: what arrives after this raises the line again, what arrived before is taken now. */
    mmio_write32(registers + INTERRUPT_CLEAR, INTERRUPT_ALL);
    more = fill_receive(budget);
    drain_transmit();
    set_interrupts();
    hal_interrupt_done(SOURCE_SERIAL);
    if (more) {
        pump_ready(SOURCE_CONSOLE);
    }
    return more;
}

status serial_start(void)
{
    status result = hal_device(PL011_BASE, 1, &registers);

    if (failed(result)) {
        return result;
    }
    mmio_write32(registers + INTERRUPT_MASK, 0);
    mmio_write32(registers + INTERRUPT_CLEAR, INTERRUPT_ALL);
    mmio_write32(registers + LINE_CONTROL, LINE_8N1_FIFO);
    mmio_write32(registers + CONTROL, CONTROL_ENABLE_BOTH);
    return status_ok();
}

status serial_listen(void)
{
    status result = hal_interrupt(PL011_INTERRUPT, SOURCE_SERIAL);

    if (failed(result)) {
        return result;
    }
    pump_add(SOURCE_SERIAL, "serial", serial_turn, 0, TURN_BYTES);
    by_interrupt = true;
    set_interrupts();
    pump_ready(SOURCE_SERIAL); /* what was typed before anybody listened */
    return status_ok();
}

void serial_counters(struct serial_counters *counters)
{
    *counters = counted;
}
