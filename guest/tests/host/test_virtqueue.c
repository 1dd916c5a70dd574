/* The queue against a device that keeps the rules, and against one that does not. */
#include <string.h>

#include "bytes.h"
#include "check.h"
#include "core/virtqueue.h"
#include "virtio_model.h"

static struct virtqueue queue;

static void begin(void)
{
    model_begin(VIRTIO_9P);
    virtqueue_begin(&queue, &model_memory);
    model.queues[0] = (struct model_queue){
        .size = VIRTQUEUE_SIZE,
        .ready = 1,
        .descriptors = queue.physical,
        .available = queue.physical + VIRTQUEUE_AVAILABLE,
        .used = queue.physical + VIRTQUEUE_USED,
    };
}

static const struct virtqueue_buffer pair[] = {
    {.physical = MODEL_PHYSICAL + 4096, .size = 100},
    {.physical = MODEL_PHYSICAL + 8192, .size = 200, .device_writes = true},
};

static uint16_t add(unsigned count)
{
    uint16_t head;

    RESULT(virtqueue_add(&queue, pair, count, &head), 0);
    return head;
}

static unsigned take(uint16_t *head, uint32_t *written)
{
    return virtqueue_take(&queue, head, written).error;
}

TEST(test_a_chain_goes_to_the_device_and_comes_back)
{
    struct model_chain chain;
    uint16_t head, back;
    uint32_t written;

    begin();
    head = add(2);
    CHECK(model_take(0, &chain));
    EQUAL(chain.head, head);
    EQUAL(chain.readable_size, 100);
    EQUAL(chain.writable_size, 200);
    EQUAL(take(&back, &written), 0);
    EQUAL(back, VIRTQUEUE_NOTHING);
    model_push(0, head, 42);
    EQUAL(take(&back, &written), 0);
    EQUAL(back, head);
    EQUAL(written, 42);
    EQUAL(queue.free, VIRTQUEUE_SIZE);
    EQUAL(queue.outstanding, 0);
}

TEST(test_descriptors_run_out_and_come_back)
{
    uint16_t heads[VIRTQUEUE_SIZE / 2], head;
    uint32_t written;

    begin();
    for (unsigned i = 0; i < VIRTQUEUE_SIZE / 2; i++) {
        heads[i] = add(2);
    }
    RESULT(virtqueue_add(&queue, pair, 1, &head), ENOSPC);
    RESULT(virtqueue_add(&queue, pair, 0, &head), ENOSPC);
    model_push(0, heads[2], 0);
    EQUAL(take(&head, &written), 0);
    EQUAL(head, heads[2]);
    add(1);
    add(1);
    RESULT(virtqueue_add(&queue, pair, 1, &head), ENOSPC);
}

TEST(test_chains_may_come_back_in_any_order_for_ever)
{
    uint16_t one, other, head;
    struct model_chain chain;
    uint32_t written;

    begin();
    for (unsigned round = 0; round < 100000; round++) { /* the 16-bit indexes wrap */
        one = add(2);
        other = add(round % 2 + 1);
        CHECK(model_take(0, &chain) && chain.head == one);
        CHECK(model_take(0, &chain) && chain.head == other);
        CHECK(!model_take(0, &chain));
        model_push(0, round % 3 == 0 ? one : other, 0);
        model_push(0, round % 3 == 0 ? other : one, 0);
        EQUAL(take(&head, &written), 0);
        CHECK(head == one || head == other);
        EQUAL(take(&head, &written), 0);
        EQUAL(take(&head, &written), 0);
        EQUAL(head, VIRTQUEUE_NOTHING);
        EQUAL(queue.free, VIRTQUEUE_SIZE);
    }
}

TEST(test_a_used_entry_that_names_no_chain_breaks_the_queue)
{
    static const uint32_t bogus[] = {1, VIRTQUEUE_SIZE, 0xffff, 0x10000, UINT32_MAX};
    uint16_t head;
    uint32_t written;

    for (size_t i = 0; i < ARRAY_LENGTH(bogus); i++) {
        begin();
        EQUAL(add(2), 0); /* descriptor 1 is in the chain, but not its head */
        model_push(0, bogus[i], 0);
        EQUAL(take(&head, &written), ENXIO);
        EQUAL(head, VIRTQUEUE_NOTHING);
        CHECK(queue.broken);
        EQUAL(take(&head, &written), ENXIO);
    }
}

TEST(test_a_chain_cannot_come_back_twice)
{
    uint16_t head;
    uint32_t written;

    begin();
    add(1);
    add(1);
    model_push(0, 0, 0);
    model_push(0, 0, 0);
    EQUAL(take(&head, &written), 0);
    EQUAL(take(&head, &written), ENXIO);
}

TEST(test_more_used_entries_than_chains_break_the_queue)
{
    uint16_t head;
    uint32_t written;

    begin();
    add(1);
    store16((uint8_t *)model_memory.address + VIRTQUEUE_USED + 2, 2);
    EQUAL(take(&head, &written), ENXIO);
    begin();
    store16((uint8_t *)model_memory.address + VIRTQUEUE_USED + 2, 0xffff);
    EQUAL(take(&head, &written), ENXIO);
}

TEST(test_more_bytes_than_there_was_room_for_break_the_queue)
{
    uint16_t head;
    uint32_t written;

    begin();
    add(2);
    model_push(0, 0, 201);
    EQUAL(take(&head, &written), ENXIO);
    begin();
    add(2);
    model_push(0, 0, 200);
    EQUAL(take(&head, &written), 0);
    begin();
    add(1); /* nothing in it is the device's to write */
    model_push(0, 0, 1);
    EQUAL(take(&head, &written), ENXIO);
}

TEST(test_a_descriptor_table_scribbled_over_changes_nothing_for_the_driver)
{
    uint16_t head, second;
    uint32_t written;

    begin();
    head = add(2);
    second = add(2);
    memset(model_memory.address, 0xff, VIRTQUEUE_AVAILABLE);
    model_push(0, head, 0);
    EQUAL(take(&head, &written), 0);
    model_push(0, second, 0);
    EQUAL(take(&head, &written), 0);
    EQUAL(queue.free, VIRTQUEUE_SIZE);
    add(2);
    add(2);
}
