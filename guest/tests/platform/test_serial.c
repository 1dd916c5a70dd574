/* The serial driver over a model of the PL011: a FIFO in each direction and an interrupt that comes when the receive
 * FIFO turns from empty to not empty, which is the least a driver may count on. */
#include <string.h>

#include "check.h"
#include "drivers/serial.h"
#include "events.h"
#include "hal.h"
#include "mmio.h"
#include "platform.h"

enum { BASE = 0x1000, FIFO = 16, LINE = 16384 };

static struct {
    uint16_t receive[FIFO];
    unsigned received;
    unsigned transmit_room; /* bytes the transmit FIFO will still take */
    bool endless;           /* it never fills */
    char sent[LINE];
    size_t sent_count;
    uint32_t mask;
    unsigned looks; /* reads of the flags */
} device;

static bool console_ready, serial_ready, interrupt_enabled;
static source_turn *serial_turn;
static unsigned serial_budget;

uint32_t mmio_read32(uintptr_t address)
{
    uint16_t byte;

    switch (address - BASE) {
    case 0x00:
        CHECK(device.received > 0);
        byte = device.receive[0];
        memmove(device.receive, device.receive + 1, --device.received * sizeof byte);
        return byte;
    case 0x18:
        device.looks++;
        return (device.received == 0 ? 1u << 4 : 0) | (device.transmit_room == 0 && !device.endless ? 1u << 5 : 0);
    default:
        return 0;
    }
}

void mmio_write32(uintptr_t address, uint32_t value)
{
    if (address - BASE == 0x00) {
        CHECK(device.endless || device.transmit_room > 0);
        device.transmit_room -= device.transmit_room > 0;
        device.sent[device.sent_count++ % LINE] = (char)value;
    } else if (address - BASE == 0x38) {
        device.mask = value;
    }
}

status hal_device(uint64_t physical, unsigned pages, uintptr_t *address)
{
    EQUAL(physical, 0x09000000);
    EQUAL(pages, 1);
    *address = BASE;
    return status_ok();
}

status hal_interrupt(unsigned intid, enum source source)
{
    EQUAL(intid, 33);
    EQUAL(source, SOURCE_SERIAL);
    interrupt_enabled = true;
    return status_ok();
}

void hal_interrupt_done(enum source source)
{
    EQUAL(source, SOURCE_SERIAL);
    interrupt_enabled = true;
}

void pump_add(enum source source, const char *name, source_turn *turn, void *self, unsigned budget)
{
    (void)source;
    (void)name;
    (void)self;
    serial_turn = turn;
    serial_budget = budget;
}

void pump_ready(enum source source)
{
    console_ready |= source == SOURCE_CONSOLE;
    serial_ready |= source == SOURCE_SERIAL;
}

static void begin(void)
{
    uint8_t rest[64];

    memset(&device, 0, sizeof device);
    device.endless = true;
    if (serial_turn == 0) {
        serial_write("lost", 4); /* before there is a line: nothing happens */
        EQUAL(device.sent_count, 0);
        RESULT(serial_start(), 0);
        RESULT(serial_listen(), 0);
    }
    while (serial_read(rest, sizeof rest) > 0) {
    }
    console_ready = serial_ready = false;
}

/* Let a byte arrive; false if the sender has to wait. An interrupt comes with the first into an empty FIFO. */
static bool arrive(uint16_t byte)
{
    if (device.received == FIFO) {
        return false;
    }
    if (device.received == 0 && interrupt_enabled) {
        serial_ready = true;
        interrupt_enabled = false;
    }
    device.receive[device.received++] = byte;
    return true;
}

static void run_serial(void)
{
    while (serial_ready) {
        serial_ready = serial_turn(0, serial_budget);
    }
}

TEST(test_bytes_arrive_in_order)
{
    uint8_t bytes[8];

    begin();
    CHECK(arrive('h') && arrive('i'));
    run_serial();
    CHECK(console_ready);
    EQUAL_BYTES((char *)bytes, serial_read(bytes, sizeof bytes), "hi");
    EQUAL(serial_read(bytes, sizeof bytes), 0);
}

TEST(test_flood_holds_the_sender_back_and_loses_nothing)
{
    enum { BYTES = 5 * SERIAL_RECEIVE };
    unsigned sent = 0, read = 0, stuck = 0;
    struct serial_counters before, after;

    begin();
    serial_counters(&before);
    while (read < BYTES) {
        uint8_t bytes[7];
        size_t count;

        while (sent < BYTES && arrive((uint16_t)(sent % 251))) {
            sent++;
        }
        run_serial();
        CHECK(stuck++ < 10 * BYTES);
        if (sent < BYTES && arrive((uint16_t)(sent % 251))) {
            sent++;
            continue; /* the console is slow: it reads only once nothing more fits */
        }
        count = serial_read(bytes, sizeof bytes);
        for (size_t i = 0; i < count; i++) {
            EQUAL(bytes[i], read++ % 251);
        }
    }
    serial_counters(&after);
    EQUAL(after.received - before.received, BYTES);
    CHECK(after.held > before.held);
    EQUAL(after.errors, before.errors);
}

TEST(test_turn_takes_no_more_than_its_budget)
{
    begin();
    for (unsigned i = 0; i < 8; i++) {
        CHECK(arrive('x'));
    }
    CHECK(serial_turn(0, 5));
    EQUAL(device.received, 3);
    CHECK(!serial_turn(0, 5));
    EQUAL(device.received, 0);
}

TEST(test_damaged_bytes_are_dropped_and_counted)
{
    struct serial_counters before, after;
    uint8_t bytes[8];

    begin();
    serial_counters(&before);
    CHECK(arrive('a') && arrive('b' | 1 << 8) && arrive('c' | 1 << 11));
    run_serial();
    serial_counters(&after);
    EQUAL_BYTES((char *)bytes, serial_read(bytes, sizeof bytes), "ac"); /* an overrun lost what came after it */
    EQUAL(after.errors - before.errors, 2);
}

TEST(test_line_feed_goes_out_with_a_carriage_return)
{
    begin();
    serial_write("a\nb", 3);
    EQUAL_BYTES(device.sent, device.sent_count, "a\r\nb");
    EQUAL(device.mask & 1u << 5, 0);
}

TEST(test_slow_line_is_served_by_interrupt_in_order)
{
    begin();
    device.endless = false;
    device.transmit_room = 2;
    serial_write("slow line", 9);
    EQUAL_BYTES(device.sent, device.sent_count, "sl");
    CHECK((device.mask & 1u << 5) != 0); /* it waits for room */
    device.transmit_room = FIFO;
    serial_ready = true;
    run_serial();
    EQUAL_BYTES(device.sent, device.sent_count, "slow line");
    EQUAL(device.mask & 1u << 5, 0);
}

TEST(test_line_that_never_drains_does_not_stop_the_guest)
{
    static char words[2 * SERIAL_TRANSMIT];
    struct serial_counters before, after;

    begin();
    device.endless = false;
    serial_counters(&before);
    memset(words, 'x', SERIAL_TRANSMIT + 3);
    serial_write(words, SERIAL_TRANSMIT + 3);
    serial_counters(&after);
    EQUAL(after.waits - before.waits, 3);
    EQUAL(device.sent_count, 0);
    CHECK(device.looks < (1 << 20) + 16); /* waited for once, not for each byte */
    device.endless = true;
    serial_write("", 0);
    EQUAL(device.sent_count, SERIAL_TRANSMIT);
}
