/* Devices brought up, used, broken and brought up again, through both transports. */
#include <string.h>

#include "bytes.h"
#include "check.h"
#include "core/virtio_9p.h"
#include "core/virtio_console.h"
#include "virtio_model.h"

_Static_assert(MODEL_PAGES >= (int)VIRTIO_9P_PAGES && MODEL_PAGES >= (int)VIRTIO_CONSOLE_PAGES, "memory of the model");

static struct virtio_9p nine;
static struct virtio_console console;
static struct p9_transport *transport;

static void begin_9p(void)
{
    model_begin(VIRTIO_9P);
    virtio_9p_begin(&nine, MODEL_REGISTERS, &model_memory, "ninedoor");
    transport = &nine.transport;
}

static void begin_console(void)
{
    model_begin(VIRTIO_CONSOLE);
    virtio_console_begin(&console, MODEL_REGISTERS, &model_memory);
    transport = &console.transport;
}

static void (*const begins[])(void) = {begin_9p, begin_console};

static unsigned send(unsigned slot, unsigned tag)
{
    uint8_t *request = transport->request(transport, slot);

    store32(request, P9_HEADER);
    request[4] = P9_TCLUNK;
    store16(request + 5, (uint16_t)tag);
    return transport->send(transport, slot, P9_HEADER).error;
}

static unsigned restart(void)
{
    return transport->restart(transport).error;
}

/* The size of the frame that has come, 0 for none; its tag in `*tag`. */
static size_t receive(unsigned *tag)
{
    const uint8_t *frame;
    size_t size = 0;

    RESULT(transport->receive(transport, &frame, &size), 0);
    if (frame == 0) {
        return 0;
    }
    *tag = load16(frame + 5);
    return size;
}

static unsigned receive_error(void)
{
    const uint8_t *frame;
    size_t size;

    return transport->receive(transport, &frame, &size).error;
}

static size_t make_frame(uint8_t *at, unsigned tag, size_t size)
{
    memset(at, 0, size);
    store32(at, (uint32_t)size);
    at[4] = P9_TCLUNK + 1;
    store16(at + 5, (uint16_t)tag);
    return size;
}

/* The console's device writes `count` bytes to the driver. */
static void write_input(const uint8_t *bytes, size_t count)
{
    while (count > 0) {
        struct model_chain chain;
        CHECK(model_take(0, &chain));
        size_t part = count < chain.writable_size ? count : chain.writable_size;

        memcpy(chain.writable, bytes, part);
        model_push(0, chain.head, (uint32_t)part);
        bytes += part;
        count -= part;
    }
}

TEST(test_a_device_is_known_by_its_registers)
{
    model_begin(VIRTIO_9P);
    CHECK(virtio_mmio_is(MODEL_REGISTERS, VIRTIO_9P));
    CHECK(!virtio_mmio_is(MODEL_REGISTERS, VIRTIO_CONSOLE));
    model.version = 1; /* legacy */
    CHECK(!virtio_mmio_is(MODEL_REGISTERS, VIRTIO_9P));
    model_begin(VIRTIO_9P);
    model.magic = 0;
    CHECK(!virtio_mmio_is(MODEL_REGISTERS, VIRTIO_9P));
}

TEST(test_a_device_is_brought_up_by_the_steps_of_the_standard)
{
    for (size_t i = 0; i < ARRAY_LENGTH(begins); i++) {
        begins[i]();
        EQUAL(restart(), 0);
        EQUAL(model.status, 1 | 2 | 4 | 8);
        EQUAL(model.accepted, i == 0 ? 0x100000001 : 0x100000000);
        EQUAL(model.queues[0].ready, 1);
        EQUAL(model.queues[0].size, VIRTQUEUE_SIZE);
        EQUAL(model.queues[1].ready, i);
    }
}

TEST(test_a_device_that_is_not_well_is_not_used)
{
    for (size_t i = 0; i < ARRAY_LENGTH(begins); i++) {
        begins[i]();
        model.reset_hangs = true;
        model.status = 15;
        EQUAL(restart(), ENXIO);
        begins[i]();
        model.refuses_features = true;
        EQUAL(restart(), ENXIO);
        begins[i]();
        model.offers &= 0xffffffff; /* no VERSION_1 */
        EQUAL(restart(), ENXIO);
        begins[i]();
        model.queue_most = VIRTQUEUE_SIZE - 1;
        EQUAL(restart(), ENXIO);
        begins[i]();
        model.kind = 0;
        EQUAL(restart(), ENODEV);
        EQUAL(send(0, 1), ENXIO);
        EQUAL(receive_error(), ENXIO);
    }
    begin_9p();
    model.offers &= ~1ull; /* no mount tag */
    EQUAL(restart(), ENXIO);
}

TEST(test_another_mount_tag_is_another_device)
{
    begin_9p();
    memcpy(model.config, "\x08\0ninedoxr", 10);
    EQUAL(restart(), ENODEV);
    memcpy(model.config, "\x07\0ninedoor", 10);
    EQUAL(restart(), ENODEV);
    memcpy(model.config, "\x08\1ninedoor", 10);
    EQUAL(restart(), ENODEV);
    memcpy(model.config, "\x08\0ninedoor", 10);
    EQUAL(restart(), 0);
}

TEST(test_requests_and_replies_travel)
{
    struct model_chain first, second;
    unsigned tag;

    begin_9p();
    EQUAL(restart(), 0);
    EQUAL(receive(&tag), 0);
    EQUAL(send(0, 10), 0);
    EQUAL(send(1, 11), 0);
    EQUAL(model.queues[0].notified, 2);
    CHECK(model_take(0, &first) && model_take(0, &second));
    EQUAL(load16(first.readable + 5), 10);
    EQUAL(first.writable_size, P9_MSIZE);
    model_push(0, second.head, (uint32_t)make_frame(second.writable, 11, P9_MSIZE));
    model_push(0, first.head, (uint32_t)make_frame(first.writable, 10, 7));
    transport->interrupt(transport);
    EQUAL(model.interrupt, 0);
    EQUAL(receive(&tag), P9_MSIZE);
    EQUAL(tag, 11);
    EQUAL(receive(&tag), 7);
    EQUAL(tag, 10);
    EQUAL(receive(&tag), 0);
    EQUAL(send(0, 12), 0);
}

TEST(test_a_slot_that_the_device_keeps_cannot_be_used)
{
    for (size_t i = 0; i < ARRAY_LENGTH(begins); i++) {
        begins[i]();
        EQUAL(restart(), 0);
        EQUAL(send(0, 1), 0);
        EQUAL(send(0, 2), ENXIO);
    }
}

TEST(test_a_broken_queue_is_cured_by_a_reset)
{
    struct model_chain chain;
    unsigned tag;

    begin_9p();
    EQUAL(restart(), 0);
    EQUAL(send(0, 1), 0);
    model_push(0, 4711, 0);
    EQUAL(receive_error(), ENXIO);
    EQUAL(send(1, 1), ENXIO);
    EQUAL(restart(), 0);
    EQUAL(model.resets, 2);
    EQUAL(send(0, 5), 0);
    CHECK(model_take(0, &chain));
    model_push(0, chain.head, (uint32_t)make_frame(chain.writable, 5, 7));
    EQUAL(receive(&tag), 7);
}

TEST(test_a_device_that_asks_for_a_reset_gets_one)
{
    for (size_t i = 0; i < ARRAY_LENGTH(begins); i++) {
        begins[i]();
        EQUAL(restart(), 0);
        model_needs_reset();
        transport->interrupt(transport);
        EQUAL(receive_error(), ENXIO);
        EQUAL(restart(), 0);
        EQUAL(model.resets, 2);
        EQUAL(model.status, 15);
    }
}

TEST(test_a_device_that_is_well_is_not_reset)
{
    struct model_chain chain;
    unsigned tag;

    begin_9p();
    EQUAL(restart(), 0);
    EQUAL(send(0, 1), 0);
    CHECK(model_take(0, &chain));
    model_push(0, chain.head, (uint32_t)make_frame(chain.writable, 1, 7));
    EQUAL(restart(), 0);
    EQUAL(model.resets, 1);
    EQUAL(receive(&tag), 0); /* the reply belonged to what is over */
    EQUAL(send(0, 2), 0);
    EQUAL(restart(), EAGAIN); /* the device still has it */
    CHECK(model_take(0, &chain));
    model_push(0, chain.head, (uint32_t)make_frame(chain.writable, 2, 7));
    EQUAL(restart(), 0);
    EQUAL(model.resets, 1);
    EQUAL(send(0, 3), 0);
}

TEST(test_frames_come_out_of_the_stream_however_it_is_cut)
{
    static uint8_t stream[3 * P9_MSIZE];

    for (size_t part = 1; part < 9000; part = part * 3 + 1) {
        size_t size = 0, frames = 0;
        unsigned tag;

        begin_console();
        EQUAL(restart(), 0);
        size += make_frame(stream + size, 0, 7);
        size += make_frame(stream + size, 1, P9_MSIZE);
        size += make_frame(stream + size, 2, 8);
        size += make_frame(stream + size, 3, 4096);
        for (size_t at = 0; at < size; at += part) {
            write_input(stream + at, size - at < part ? size - at : part);
            while (receive(&tag) != 0) {
                EQUAL(tag, frames++);
            }
        }
        EQUAL(frames, 4);
    }
}

TEST(test_input_waits_while_all_buffers_are_full)
{
    static uint8_t stream[VIRTIO_CONSOLE_INPUTS * HAL_PAGE];
    struct model_chain chain;
    unsigned tag, frames = 0;

    begin_console();
    EQUAL(restart(), 0);
    for (size_t at = 0; at < sizeof stream; at += 128) {
        make_frame(stream + at, 1, 128);
    }
    write_input(stream, sizeof stream);
    CHECK(!model_take(0, &chain)); /* no buffer is left: the device has to wait */
    while (receive(&tag) != 0) {
        frames++;
    }
    EQUAL(frames, sizeof stream / 128);
    CHECK(model_take(0, &chain));
}

TEST(test_a_size_that_is_a_lie_ends_the_stream)
{
    static const uint32_t lies[] = {0, 6, P9_MSIZE + 1, UINT32_MAX};

    for (size_t i = 0; i < ARRAY_LENGTH(lies); i++) {
        uint8_t bytes[16] = {0};

        begin_console();
        EQUAL(restart(), 0);
        store32(bytes, lies[i]);
        write_input(bytes, sizeof bytes);
        EQUAL(receive_error(), EPROTO);
    }
}

TEST(test_a_restart_drops_what_was_half_received)
{
    uint8_t bytes[40];
    unsigned tag;

    begin_console();
    EQUAL(restart(), 0);
    make_frame(bytes, 1, 40);
    write_input(bytes, 30);
    EQUAL(receive(&tag), 0);
    write_input(bytes, 10);
    EQUAL(restart(), 0);
    EQUAL(model.resets, 1);
    EQUAL(receive(&tag), 0);
    write_input(bytes, make_frame(bytes, 2, 40));
    EQUAL(receive(&tag), 40);
    EQUAL(tag, 2);
}

TEST(test_output_that_the_host_does_not_take_is_given_up_by_a_reset)
{
    struct model_chain chain;

    begin_console();
    EQUAL(restart(), 0);
    EQUAL(send(0, 1), 0);
    CHECK(model_take(1, &chain));
    EQUAL(chain.readable_size, 7);
    model_push(1, chain.head, 0);
    EQUAL(send(0, 2), 0); /* the first was taken back */
    EQUAL(restart(), 0);
    EQUAL(model.resets, 2);
    EQUAL(send(0, 3), 0);
}

TEST(test_a_device_that_lies_about_its_input_is_reset)
{
    begin_console();
    EQUAL(restart(), 0);
    model_push(0, 7, 1);
    EQUAL(receive_error(), ENXIO);
    EQUAL(restart(), 0);
    model_push(0, 0, HAL_PAGE + 1);
    EQUAL(receive_error(), ENXIO);
    EQUAL(restart(), 0);
    model_push(0, 0, 0); /* nothing written: it could do so for ever */
    EQUAL(receive_error(), ENXIO);
    EQUAL(restart(), 0);
    EQUAL(model.resets, 4);
}
