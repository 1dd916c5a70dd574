/* A device that writes anything anywhere in the queue's memory: the driver takes back only chains that it gave, each
 * once, with no more bytes than there was room for; its own account always adds up. */
#include <string.h>

#include "bytes.h"
#include "core/virtqueue.h"
#include "fuzz.h"

/* Steps of four bytes: what, and three of detail. */
const struct fuzz_seed fuzz_seeds[] = {
    {"\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0", 16},
    {"\0\1\0\0\0\1\0\0\1\0\0\0\1\2\0\0\2\0\0\0\3\0\0\0\3\0\0\0", 28},
    {"\0\0\0\0\4\0\1\0\5\0\4\7\3\0\0\0\0\1\0\0", 20},
    {0, 0},
};

static _Alignas(4096) uint8_t memory[VIRTQUEUE_BYTES];
static const struct virtqueue_buffer buffers[] = {
    {.physical = 0x1000, .size = 64},
    {.physical = 0x2000, .size = 128, .device_writes = true},
};

void fuzz_one(const uint8_t *input, size_t size)
{
    const struct dma dma = {.address = memory, .physical = 0x40000000, .size = sizeof memory};
    bool with_device[VIRTQUEUE_SIZE] = {false};
    struct virtqueue queue;
    uint16_t pushed = 0;
    unsigned outstanding = 0;

    virtqueue_begin(&queue, &dma);
    for (size_t at = 0; at + 4 <= size; at += 4) {
        const uint8_t *step = input + at;
        uint16_t head;
        uint32_t written;

        switch (step[0] % 6) {
        case 0: { /* the driver adds */
            unsigned count = 1 + step[1] % 2;

            if (!failed(virtqueue_add(&queue, buffers + (2 - count), count, &head))) {
                INVARIANT(head < VIRTQUEUE_SIZE && !with_device[head]);
                with_device[head] = true;
                outstanding++;
            }
            break;
        }
        case 1: /* the device pushes an entry */
        case 2:
            store32(memory + VIRTQUEUE_USED + 4 + 8 * (pushed % VIRTQUEUE_SIZE), step[1] % 16);
            store32(memory + VIRTQUEUE_USED + 8 + 8 * (pushed % VIRTQUEUE_SIZE), step[2]);
            store16(memory + VIRTQUEUE_USED + 2, ++pushed);
            break;
        case 3: /* the driver takes */
            if (!failed(virtqueue_take(&queue, &head, &written)) && head != VIRTQUEUE_NOTHING) {
                INVARIANT(head < VIRTQUEUE_SIZE && with_device[head]);
                INVARIANT(written <= 128);
                with_device[head] = false;
                outstanding--;
            }
            break;
        case 4: /* the device sets the index */
            store16(memory + VIRTQUEUE_USED + 2, load16(step + 1));
            break;
        default: /* the device scribbles */
            memory[load16(step + 1) % sizeof memory] = step[3];
            break;
        }
        INVARIANT(queue.outstanding == outstanding);
        INVARIANT(queue.free <= VIRTQUEUE_SIZE);
        INVARIANT(queue.broken || queue.free > 0 || outstanding > 0);
    }
}
